"""Rendered images from a seed: the demo's, the tests' and the benchmarks'.

images      One image of a class
shapes      Shapes, textures and clouds that it is painted of
archives    Many images, in ILSVRC-2012's own archive layout
"""

from input_pipeline.synthetic.images import (
    CLASSES,
    SPLITS,
    VERSION,
    render,
    render_jpeg,
)

__all__ = ["CLASSES", "SPLITS", "VERSION", "render", "render_jpeg"]
