"""From other people's images to our records.

convert         The whole way: a source to shards, statistics, dataset.json
output_folder   The folder converted into: whose it is, and room on its disk
worker          What one process does: shard after shard
beam            The same work by Apache Beam, on more than one machine
images          One file of any kind to one JPEG, §2
finish          What is written after the last shard
tfds_metadata   The two files by which TFDS knows the folder
verification    Every record read back

sources         Where the images come from, a module a kind
"""
