"""From other people's images to our records.

convert         The whole way: a source to shards, statistics, dataset.json
output_folder   The folder converted into: whose it is, and room on its disk
jobs            What each process is given
worker          What one process does: shard after shard
shard_reports   What is known of a finished shard
engines         What converts: processes, or the machines of a pool
dask_cluster    A Dask cluster as such a pool
beam            The same work by Apache Beam
images          One file of any kind to one JPEG, §2
finish          What is written after the last shard
tfds_metadata   The two files by which TFDS knows the folder
verification    Every record read back

sources         Where the images come from, a module a kind
"""
