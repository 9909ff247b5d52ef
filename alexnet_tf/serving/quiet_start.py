"""Imported first in a new process: TensorFlow then starts without its lines."""

from alexnet_tf import quiet

quiet.hide_start_up_lines()
