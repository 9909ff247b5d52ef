"""Where images come from: each kind of source becomes the same `Source`.

kinds           Every kind by name, opened from one set of options
ilsvrc          The official archives of ILSVRC-2010 and 2012, as downloaded
image_folders   Class folders, and folders with a tar for each class
cifar10         CIFAR-10's binary and python versions
tfds            What TensorFlow Datasets has prepared

shared          `Source`, and the parts that all kinds share
catalogue       Which images a split has, and where each of them stands
tar_index       Where the files in a tar stand, so that they are read in place
readers         How the bytes of one image are read
"""
