/* Classifies one JPEG or PNG file by an exported model, without Python.
 *
 *   classify MODEL FILE INPUT CLASSES PROBABILITIES
 *
 * MODEL is a version of a SavedModel. The last three are tensors of its
 * signature serving_default, such as serving_default_image_bytes:0. A class
 * and its probability are printed on each line, the best first. Exit status: 0
 * on success, 1 with a message otherwise.
 *
 * gcc classify.c -I$TF/include -L$TF -l:libtensorflow_cc.so.2 \
 *     -l:libtensorflow_framework.so.2 -Wl,-rpath,$TF -o classify
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"
#include "tensorflow/c/tf_tstring.h"

/* Ends the program with a message. */
static void fail(const char* what, const char* why) {
  fprintf(stderr, "error: %s: %s\n", what, why);
  exit(1);
}

/* Ends the program if the last call into TensorFlow went wrong. */
static void check(const TF_Status* status, const char* what) {
  if (TF_GetCode(status) != TF_OK) fail(what, TF_Message(status));
}

/* Returns a file's bytes, which the caller frees, and how many they are. */
static char* read_file(const char* path, size_t* size) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) fail(path, "cannot be opened");
  size_t room = 1 << 16;
  char* bytes = malloc(room);
  *size = 0;
  while (bytes != NULL) {
    *size += fread(bytes + *size, 1, room - *size, file);
    if (*size < room) break;
    room *= 2;
    bytes = realloc(bytes, room);
  }
  if (bytes == NULL) fail(path, "does not fit into memory");
  if (ferror(file)) fail(path, "cannot be read");
  fclose(file);
  return bytes;
}

/* Frees the string of a tensor that image_tensor has made. */
static void free_image(void* data, size_t length, void* unused) {
  (void)length;
  (void)unused;
  TF_TString_Dealloc(data);
  free(data);
}

/* Returns a tensor of one string: the signature takes a batch, here of one. */
static TF_Tensor* image_tensor(const char* path) {
  size_t size;
  char* bytes = read_file(path, &size);
  TF_TString* string = malloc(sizeof(TF_TString));
  if (string == NULL) fail(path, "does not fit into memory");
  TF_TString_Init(string);
  TF_TString_Copy(string, bytes, size);
  free(bytes);
  const int64_t shape[] = {1};
  return TF_NewTensor(TF_STRING, shape, 1, string, sizeof(TF_TString),
                      free_image, NULL);
}

/* Returns a place in the graph by its name, such as "operation:2". */
static TF_Output find(TF_Graph* graph, const char* name) {
  const char* colon = strrchr(name, ':');
  if (colon == NULL) fail(name, "must be OPERATION:NUMBER");
  char* operation = strdup(name);
  operation[colon - name] = '\0';
  TF_Output place = {TF_GraphOperationByName(graph, operation),
                     atoi(colon + 1)};
  free(operation);
  if (place.oper == NULL) fail(name, "is not in the model");
  if (place.index < 0 || place.index >= TF_OperationNumOutputs(place.oper))
    fail(name, "is not an output of that operation");
  return place;
}

int main(int argc, char** argv) {
  if (argc != 6) {
    fprintf(stderr,
            "usage: classify MODEL FILE INPUT CLASSES PROBABILITIES\n");
    return 1;
  }
  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  const char* const tags[] = {"serve"};
  TF_Session* session = TF_LoadSessionFromSavedModel(
      options, NULL, argv[1], tags, 1, graph, NULL, status);
  check(status, argv[1]);

  TF_Output input = find(graph, argv[3]);
  TF_Output outputs[] = {find(graph, argv[4]), find(graph, argv[5])};
  TF_Tensor* image = image_tensor(argv[2]);
  TF_Tensor* found[2] = {NULL, NULL};
  TF_SessionRun(session, NULL, &input, &image, 1, outputs, found, 2, NULL, 0,
                NULL, status);
  check(status, argv[2]);
  if (TF_TensorType(found[0]) != TF_INT32) fail(argv[4], "must be int32");
  if (TF_TensorType(found[1]) != TF_FLOAT) fail(argv[5], "must be float32");
  if (TF_TensorElementCount(found[0]) != TF_TensorElementCount(found[1]))
    fail(argv[4], "must be as many as the probabilities");

  const int32_t* classes = TF_TensorData(found[0]);
  const float* probabilities = TF_TensorData(found[1]);
  for (int64_t i = 0; i < TF_TensorElementCount(found[0]); ++i)
    printf("%d %.9g\n", (int)classes[i], probabilities[i]);

  TF_DeleteTensor(found[0]);
  TF_DeleteTensor(found[1]);
  TF_DeleteTensor(image);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
