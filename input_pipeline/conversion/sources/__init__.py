"""Where images come from: each kind of source becomes the same `Source`.

selection       Every kind by name, opened from one set of options
ilsvrc          The official archives of ILSVRC-2010 and 2012, as downloaded
image_folders   Class folders, and folders with a tar for each class
cifar10         CIFAR-10's binary and python versions
tfds            What TensorFlow Datasets has prepared

source          `Source`, and the parts that all kinds share
catalogue       Which images a split has, and where each of them is stored
tar_index       Where the files of a tar are stored in it
encodings       How the bytes of one image are read
"""
