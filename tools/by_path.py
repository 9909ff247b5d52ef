"""Makes `python tools/NAME.py`, from any folder, `python -m tools.NAME`.

Python puts the file's own folder on its path, not the root of the checkout.
"""

import os
import pathlib
import runpy
import sys

_ROOT = pathlib.Path(__file__).resolve().parent.parent


def _run():
    """Runs the file that Python was given as the module that it is."""
    sys.path[0] = str(_ROOT)
    from alexnet_tf.cli import start

    start.end_when_interrupted()
    start.require_packages()
    # Programs that this one starts find it as well.
    paths = filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")])
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    path = pathlib.Path(sys.modules["__main__"].__file__).resolve()
    parts = path.relative_to(_ROOT).with_suffix("").parts
    module = ".".join(parts).removesuffix(".__main__")
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    sys.exit()


_run()
