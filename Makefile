# make demo    the main job on simulated data, in .venv
# make test    style, types, layers, and the tests that take less than about a minute
# make help    everything else
#
# Needs Python 3.11 or later and a C++ compiler. PYTHON=/path/to/python3.12 chooses another Python.

PYTHON ?= python3
JOBS ?= 2
CODE := $(wildcard src tests benchmarks examples .ci/*.py)
BIN := .venv/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --no-input
FAST_TESTS := -m pytest -n $(JOBS) -m "not slow and not slurm"

# Debian packages that the tests need; `make test` installs those that lack where it runs as root.
DEBIAN := g++ chromium

# What `make test-minimum` runs: everything that computes or reads, without commands and figures.
CORE_TESTS := tests/models tests/fit tests/scoring tests/credit tests/io tests/neural

.PHONY: help setup system demo docs lint test test-slurm check-all test-minimum test-newest fuzz bench dist clean clean-all
.DELETE_ON_ERROR:

help:
	@echo "make demo          fit all models to simulated choices and dopamine; see demo/"
	@echo "make test          ruff, pyright, import-linter, and all but the slow tests"
	@echo "make test-slurm    sweeps and a fit on a real SLURM of two nodes on this machine (as root on Debian)"
	@echo "make check-all     the same with the slow tests"
	@echo "make lint          ruff, pyright and import-linter alone"
	@echo "make test-minimum  core tests with the oldest supported packages (Python 3.11), in .venv-minimum"
	@echo "make test-newest   all but the slow tests with the newest packages, in .venv-newest"
	@echo "make fuzz          10,000 damaged files, run folders and command lines; INPUTS=, SEED="
	@echo "make bench         measured comparisons with the published package, in .venv-bench"
	@echo "make docs          the documentation site, every page executed, in docs/_build; in .venv-docs"
	@echo "make dist          source archive and wheel, in dist/"
	@echo "make setup         create .venv with the pinned packages"
	@echo "make system        as root on Debian: install the system's packages that the tests need"
	@echo "make clean         remove caches and build outputs"
	@echo "make clean-all     remove environments and demo/ too"

setup: .venv/.installed

system:
	@missing=$$(for p in $(DEBIAN); do dpkg -s $$p >/dev/null 2>&1 || echo $$p; done); \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing" $$missing "..."; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing; \
	fi

demo: setup
	$(BIN)/accumbens demo --replace

lint: setup
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/pyright
	$(BIN)/python .ci/type_completeness.py
	$(BIN)/lint-imports

test: system lint
	$(BIN)/python $(FAST_TESTS)

test-slurm: DEBIAN := slurmctld slurmd slurm-client munge
test-slurm: system setup
	$(BIN)/python -m pytest -m slurm tests/run/sweep

check-all: system lint
	$(BIN)/python -m pytest -n $(JOBS) -m "not slurm"

test-minimum: .venv-minimum/.installed
	.venv-minimum/bin/python $(FAST_TESTS) $(CORE_TESTS)

test-newest:
	rm -rf .venv-newest
	$(call install,.venv-newest,/dev/null,[neural$(comma)test])
	.venv-newest/bin/python $(FAST_TESTS)

INPUTS ?= 10000
SEED ?= 0
fuzz: setup
	cd tests && ../$(BIN)/python -m helpers.fuzz --inputs $(INPUTS) --seed $(SEED)

bench: .venv-bench/.installed
	@set -e; for script in $(filter-out benchmarks/peer.py,$(wildcard benchmarks/*.py)); do echo "== $$script"; .venv-bench/bin/python "$$script"; done

docs: .venv-docs/.installed
	.venv-docs/bin/python -m sphinx -W --keep-going -b html docs docs/_build

# The wheel is built from the source archive.
dist: setup
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist

# Each environment is brought up to date when what it is made of has changed.
.venv/.installed: pyproject.toml constraints.txt
	$(call install,.venv,constraints.txt,[neural$(comma)test$(comma)dev])

.venv-bench/.installed: pyproject.toml constraints.txt benchmarks/constraints.txt
	$(call install,.venv-bench,benchmarks/constraints.txt,[benchmarks])

.venv-docs/.installed: pyproject.toml constraints.txt
	$(call install,.venv-docs,constraints.txt,[neural$(comma)docs])

.venv-minimum/.installed: pyproject.toml constraints-minimum.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
	  echo "The oldest supported packages are tested with Python 3.11, the oldest supported Python:" \
	    "make test-minimum PYTHON=/path/to/python3.11"; exit 1; } >&2
	$(call install,.venv-minimum,constraints-minimum.txt,[neural$(comma)test])

comma := ,
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "accumbens needs Python 3.11 or later, but '$(PYTHON)' is" \
	    "$$($(PYTHON) --version 2>/dev/null || echo not there)."; \
	  echo "Name another one: make PYTHON=/path/to/python3.12"; exit 1; } >&2
	@echo "Installing packages into $(1) (once; a few minutes) ..."
	@$(PYTHON) -m venv $(1) || { \
	  echo "'$(PYTHON)' cannot create environments. On Debian and Ubuntu: apt-get install python3-venv"; \
	  exit 1; } >&2
	@$(1)/bin/python $(PIP_INSTALL) --upgrade -c $(2) setuptools
	@$(1)/bin/python $(PIP_INSTALL) -c $(2) --no-build-isolation -e ".$(3)"
	@touch $(1)/.installed
endef

clean:
	rm -rf build dist docs/_build docs/reference htmlcov .coverage .coverage.* .pytest_cache .ruff_cache .hypothesis
	rm -rf .import_linter_cache src/*.egg-info
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

clean-all: clean
	rm -rf .venv .venv-docs .venv-bench .venv-minimum .venv-newest demo
