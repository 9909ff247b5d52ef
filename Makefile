# README's commands. PYTHON chooses the interpreter: make demo PYTHON=python3.12
PYTHON ?= python3
RUN := .venv/bin/python

.PHONY: coverage demo dist test test-slow lint bench gpu-check reproduce serve
.PHONY: site install
install: .venv/installed

# The demo: render, convert, train, evaluate, export, classify. Each command is
# printed before it runs; a second call goes on from what is there.
demo: .venv/installed
	$(RUN) -m tools.demo

test: .venv/installed
	$(RUN) -m pytest -n 2 --dist loadfile -m "not slow"

# What starts many processes, kills them, or reads all the photographs.
test-slow: .venv/installed
	$(RUN) -m pytest -n 2 --dist loadfile -m slow

lint: .venv/installed
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

# Wheel and sdist, then the wheel in an empty environment.
dist: .venv/installed
	rm -rf dist
	$(RUN) -m build --outdir dist
	$(RUN) tests/try_wheel.py dist/*.whl

# Both suites, counting the lines of the two packages that they run.
coverage: .venv/installed
	$(RUN) -m pytest -n 2 --dist loadfile --cov --cov-report=term \
	  --cov-fail-under=92

# The pages of docs/, into build/site; a warning is an error. The variable
# hides the theme's advertisement of its successor.
site: .venv/installed
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict --quiet

# Images per second of a training step, ours beside the plainest Keras model.
bench: .venv/installed
	$(RUN) -m tools.benchmark --mode=step --peers

# What a GPU's owner sends back: tests marked gpu, benchmarks, gpu-report.md.
# Without one, a rehearsal: make gpu-check DEVICE=cpu
DEVICE ?= gpu
gpu-check: .venv/installed
	$(RUN) -m tools.gpu_check --device=$(DEVICE) $(GPU_CHECK)

# The experiments of configs/reproduce.py, for days, in a folder of their own;
# the records must be in OUTPUT_DIR/data. How far it is: make reproduce
# REPRODUCE=--status
OUTPUT_DIR ?= /var/tmp/alexnet_reproduce
reproduce: .venv/installed
	$(RUN) -m tools.reproduce --output_dir=$(OUTPUT_DIR) $(REPRODUCE)

# What the demo exported, at http://localhost:8501/page.
MODEL ?= runs/demo/export
serve: .venv/installed
	$(RUN) -m tools.serve --model=$(MODEL)

.venv/installed: setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "error: Python 3.11, 3.12 or 3.13 is needed; $$($(PYTHON) --version) was found. Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing TensorFlow and what else is needed into .venv: 3.3 GB, once, in one to three minutes."
	$(PYTHON) -m venv .venv
	$(RUN) -m pip install --disable-pip-version-check --editable '.[docs,test]'
	touch $@
