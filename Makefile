# make demo    the main job on simulated data, in .venv
# make test    style, types, layers, and the tests that take less than about a minute
# make help    everything else
#
# Needs Python 3.11 or later and a C++ compiler. PYTHON=/path/to/python3.12 chooses another Python.

PYTHON ?= python3
JOBS ?= 2
CODE := $(wildcard src tests benchmarks examples)
BIN := .venv/bin
BENCH := .venv-bench/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-input

.PHONY: help setup demo lint test check-all bench clean clean-all
.DELETE_ON_ERROR:

help:
	@echo "make demo       fit all models to simulated choices and dopamine; see demo/"
	@echo "make test       ruff, pyright, import-linter, and all but the slow tests"
	@echo "make check-all  the same with the slow tests"
	@echo "make lint       ruff, pyright and import-linter alone"
	@echo "make bench      measured comparisons with the published package, in .venv-bench"
	@echo "make setup      create .venv with the pinned packages"
	@echo "make clean      remove caches and build outputs; clean-all: environments and demo/ too"

setup: .venv/.installed

demo: setup
	$(BIN)/accumbens demo

lint: setup
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/pyright
	$(BIN)/lint-imports

test: lint
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow"

check-all: lint
	$(BIN)/python -m pytest -n $(JOBS)

bench: .venv-bench/.installed
	@set -e; for script in $(filter-out benchmarks/peer.py,$(wildcard benchmarks/*.py)); do echo "== $$script"; $(BENCH)/python "$$script"; done

# Each environment is brought up to date when what it is made of has changed.
.venv/.installed: pyproject.toml constraints.txt
	$(call install,.venv,constraints.txt,[neural$(comma)test$(comma)dev])

.venv-bench/.installed: pyproject.toml constraints.txt benchmarks/constraints.txt
	$(call install,.venv-bench,benchmarks/constraints.txt,[benchmarks])

comma := ,
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "accumbens needs Python 3.11 or later, but '$(PYTHON)' is" \
	    "$$($(PYTHON) --version 2>/dev/null || echo not there)."; \
	  echo "Name another one: make PYTHON=/path/to/python3.12"; exit 1; } >&2
	@echo "Installing the pinned packages into $(1) (once; a few minutes) ..."
	@$(PYTHON) -m venv $(1) || { \
	  echo "'$(PYTHON)' cannot create environments. On Debian and Ubuntu: apt-get install python3-venv"; \
	  exit 1; } >&2
	@$(1)/bin/python $(PIP_INSTALL) -c $(2) setuptools
	@$(1)/bin/python $(PIP_INSTALL) -c $(2) --no-build-isolation -e ".$(3)"
	@touch $@
endef

clean:
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache src/*.egg-info
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

clean-all: clean
	rm -rf .venv .venv-bench demo
