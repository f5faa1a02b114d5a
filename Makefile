# make test and make test-slow set up everything they need in .venv-test.
#   TORCH=...   another build of torch, as pip takes it   (default: torch==2.13.0)
#   PYTHON=...  the Python to make it with, 3.10 or later
#   VENV=...    another place for the virtual environment
PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV ?= .venv-test
BIN := $(VENV)/bin

# ROS is the sourced one, or else PyPI's wheels of it. Never both: the wheels put their libraries
# into LD_LIBRARY_PATH in no fixed order. So there is a mark for each, and the other starts anew.
# A sourced ROS has plugins for pytest that do not work with every version of it.
ifdef ROS_DISTRO
VENV_OPTIONS := --system-site-packages
EXTRAS := train,test,bag
export PYTEST_DISABLE_PLUGIN_AUTOLOAD := 1
else
EXTRAS := train,test,bag,ros
endif
INSTALLED := $(VENV)/installed-with-ros-$(or $(ROS_DISTRO),wheels)

.DEFAULT_GOAL := help
.PHONY: help test test-slow lint clean

help:
	@echo 'make test       set up .venv-test, check style and types, run the tests (under 10 minutes)'
	@echo 'make test-slow  what takes longer: the export matrix, a smoke training'
	@echo 'make clean      remove .venv-test and what the tests left'

test: lint
	$(BIN)/python -m pytest -m 'not slow'

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -m slow

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Torch first and by itself: what depends on it then finds it and asks for no other build.
$(INSTALLED): setup.py pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; sys.exit("Python %d.%d is too old, 3.10 or later is needed: make PYTHON=python3.x" % sys.version_info[:2] if sys.version_info < (3, 10) else 0)'
	$(PYTHON) -m venv --clear $(VENV_OPTIONS) $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
