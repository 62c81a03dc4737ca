# Everything a newcomer or CI needs. A fresh machine has Python 3.11+ with venv, and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test examples test-slow test-slurm wheel-test validate bench docs docs-serve check format clean

demo: $(VENV)/.installed  ## run the first study: real photos, a real pretrained network
	$(BIN)/headstart run signs

test: $(VENV)/.installed-dev  ## run the tests, in two processes with a thread each
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" --numprocesses 2 --dist loadfile

test-slow: $(VENV)/.installed-dev  ## run the tests that take longer, too
	$(BIN)/python -m pytest

test-slurm: $(VENV)/.installed-dev  ## run jobs on a Slurm of two nodes; needs root, installs Debian's Slurm
	[ "$$(id -u)" != 0 ] || command -v slurmctld >/dev/null || apt-get install -y --no-install-recommends slurmctld slurmd slurm-client munge
	$(BIN)/python -m pytest tests/execute/test_slurm_job.py -rs

wheel-test: $(VENV)/bin/python  ## build the wheel, install it into a new environment and use it there
	$(BIN)/python scripts/check_wheel.py

examples: $(VENV)/.installed-dev  ## run the notebooks of examples/ in a quick form
	$(BIN)/python scripts/run_notebooks.py --quick

validate: $(VENV)/.installed  ## studies whose truth is known: are the verdicts right?
	$(BIN)/headstart validate identity
	$(BIN)/headstart validate positive
	$(BIN)/headstart validate negative
	$(BIN)/headstart validate null
	$(BIN)/headstart validate repeated
	$(BIN)/headstart validate unequal

check: $(VENV)/.installed-dev  ## style, types and layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev  ## mend style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.installed-bench  ## measure headstart against Keras, PyTorch and scikit-learn
	$(BIN)/python -m benchmarks

docs: $(VENV)/.installed-docs  ## build the documentation into site/; broken links are errors
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --doctree-dir site/.doctrees docs site
	@echo "Built: site/index.html"

docs-serve: docs  ## the same on http://127.0.0.1:8000
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory site 8000

clean:  ## forget the environment
	rm -rf $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "headstart needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[photos]'
	touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $(VENV)/.installed $@

$(VENV)/.installed-docs: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	touch $@

$(VENV)/.installed-bench: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	touch $(VENV)/.installed $@
