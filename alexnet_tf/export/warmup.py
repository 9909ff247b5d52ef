"""Requests that TF Serving sends itself before it answers others."""

import tensorflow as tf
from absl import logging

# Where TF Serving looks, within a version's folder.
FILE_NAME = "assets.extra/tf_serving_warmup_requests"


def write(directory, signatures, name="alexnet", batch_sizes=(1, 32)):
    """Writes warm-up requests: a grey photograph, alone and in a batch.

    Args:
        directory: Folder of the version, a `pathlib.Path`.
        signatures: Names of signatures that take `image_bytes`.
        name: Of the served model.
        batch_sizes: Images of the requests.

    Returns:
        Whether they were written: it takes `tensorflow-serving-api`.
    """
    try:
        from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
    except ImportError:
        logging.warning(
            "No warm-up requests were written: the first request to TF "
            "Serving will be slow. For them: pip install 'alexnet-tf[serving]'"
        )
        return False
    grey = tf.fill((375, 500, 3), tf.constant(128, tf.uint8))
    jpeg = tf.io.encode_jpeg(grey).numpy()
    path = directory / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature in signatures:
            for count in batch_sizes:
                request = predict_pb2.PredictRequest()
                request.model_spec.name = name
                request.model_spec.signature_name = signature
                request.inputs["image_bytes"].CopyFrom(
                    tf.make_tensor_proto([jpeg] * count)
                )
                log = prediction_log_pb2.PredictionLog(
                    predict_log=prediction_log_pb2.PredictLog(request=request)
                )
                writer.write(log.SerializeToString())
    return True
