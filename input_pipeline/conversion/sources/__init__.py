"""Where images come from: each kind of source becomes the same `Source`.

selection       Every kind by name, opened from one set of options
ilsvrc          The official archives of ILSVRC-2010 and 2012, as downloaded
image_folders   Class folders as people have them, Tiny ImageNet's too
kaggle          ILSVRC-2012 as Kaggle gives it
parquet         Hugging Face's files
webdataset      Shards of WebDataset
cifar10         CIFAR-10's binary and python versions
tfds            What TensorFlow Datasets has prepared

source          `Source`, and the parts that all kinds share
catalogue       Which images a split has, and where each of them is stored
class_folders   A folder with a folder, or a tar, for each class
class_tars      Tars of images, and tars of such tars
devkit          Classes and labels of the official development kit
labels          Which class a label means
parquet_rows    The rows of parquet files, one after the other
tar_index       Where the files of a tar are stored in it
encodings       How the bytes of one image are read
"""
