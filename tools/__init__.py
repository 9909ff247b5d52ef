"""Programs: parse flags, call the library, print.

This file runs before any program imports TensorFlow, in each of the ways to
start one: `python -m tools.NAME`, `python tools/NAME.py`, `alexnet NAME`.
"""

import sys

from alexnet_tf.cli import start

start.prepare()
# Python has put "-m" there until it knows the file of `python -m tools.NAME`.
if sys.argv[0] == "-m":
    start.end_when_interrupted()
    start.require_packages()
