"""Installs the two packages, with the programs and experiments in one."""

import pathlib
import re

import setuptools

ROOT = pathlib.Path(__file__).parent
VERSION = re.search(
    r'__version__ = "(.*)"', (ROOT / "alexnet_tf" / "__init__.py").read_text()
)[1]

# ONNX Runtime and LiteRT run what was exported, for its report.
EXPORT = [
    "ai-edge-litert>=2.3",
    "ai-edge-quantizer>=0.10,<0.11",
    "onnx>=1.16",
    "onnxruntime>=1.20",
]
SERVING = [
    "grpcio>=1.60",
    "grpcio-health-checking>=1.60",
    "orjson>=3.10",
    "prometheus-client>=0.20",
    "starlette>=0.40",
    "tensorflow-serving-api>=2.21,<2.22",
    "uvicorn>=0.30",
]
CLUSTER = ["distributed>=2024.8"]
PARQUET = ["pyarrow>=16"]
FIGURES = ["matplotlib>=3.9"]

setuptools.setup(
    name="alexnet-tf",
    version=VERSION,
    description="The ImageNet network of Krizhevsky, Sutskever and Hinton "
    "(2012) in TensorFlow and Keras, from archives to a served model.",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11,<3.14",
    # `tools` and `configs` would be in the way of other people's at top level.
    packages=[
        *setuptools.find_packages(include=["alexnet_tf*", "input_pipeline*"]),
        "alexnet_tf.configs",
        "alexnet_tf.tools",
        "alexnet_tf.tools.benchmark",
    ],
    package_dir={
        "alexnet_tf.configs": "configs",
        "alexnet_tf.tools": "tools",
    },
    package_data={
        "alexnet_tf": ["py.typed", "serving/page.*"],
        "alexnet_tf.configs": ["slurm/*", "tf_serving/*"],
        "input_pipeline": ["ilsvrc2012/*.t*", "py.typed"],
    },
    entry_points={
        "console_scripts": ["alexnet = alexnet_tf.cli.__main__:main"]
    },
    classifiers=["Operating System :: POSIX :: Linux"],
    install_requires=[
        "absl-py>=2.1",
        # TFDS has it, but not on every system.
        "array_record>=0.5; platform_system == 'Linux'",
        # Checksums of TFRecord, in C.
        "google-crc32c>=1.5",
        # TFDS imports it without declaring it.
        "importlib_resources",
        # Keras and TensorFlow have it.
        "h5py>=3.11",
        "keras>=3.15,<3.16",
        "ml-collections>=1.1",
        "numpy>=1.26",
        "opencv-python-headless>=4.9",
        # What the doctor compares versions with.
        "packaging>=23",
        "pillow>=10.3",
        # TensorFlow 2.21 was made with 6.
        "protobuf>=6.31,<7",
        "scipy>=1.12",
        # The libjpeg-turbo that converts; Pillow takes what it refuses.
        "simplejpeg>=1.7",
        "tensorboard>=2.20",
        "tensorflow>=2.21,<2.22",
        "tensorflow-datasets>=4.9.7",
        "tqdm>=4.66",
    ],
    extras_require={
        "test": [
            *CLUSTER,
            *EXPORT,
            *FIGURES,
            *PARQUET,
            *SERVING,
            "build>=1.2",
            "hypothesis>=6.100",
            "mypy>=1.15",
            # A second runtime of ONNX, for what the first might get wrong.
            "openvino>=2026.1",
            "pytest>=8",
            "pytest-cov>=5",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
            "ruff>=0.15",
            "safetensors>=0.4",
            # Drives a browser, where one is installed.
            "selenium>=4.20",
        ],
        "docs": [
            "mkdocs>=1.6,<2",
            "mkdocs-material>=9.6",
            "mkdocstrings[python]>=1",
        ],
        # What `tools.benchmark --peers` compares with.
        "peers": [
            "nvidia-dali-cuda120>=2",
            "onnxruntime>=1.20",
            "openvino>=2026.1",
            "torch>=2.4",
            "torchvision>=0.19",
        ],
        "beam": ["apache-beam>=2.70,<3", "google-crc32c>=1.5"],
        "cluster": CLUSTER,
        "figures": FIGURES,
        "gpu": ["tensorflow[and-cuda]>=2.21,<2.22"],
        "parquet": PARQUET,
        "weights": ["safetensors>=0.4", "torch>=2.4"],
        "export": EXPORT,
        "serving": SERVING,
    },
)
