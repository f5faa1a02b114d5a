# make demo, make test and make test-slow set up everything they need, each in its own folder.
#   BAG=...     make demo plays this rosbag2 instead of the rendered drive
#   TOPIC=...   with these images, where the bag has several;  LABELS=...  with these labels
#   MODEL=...   another model file for make demo
#   TORCH=...   another build of torch, as pip takes it   (default: torch==2.13.0)
#   TRIES=...   make faults tries every scenario so often      (default: 1)
#   MINUTES=... that make soak lasts                           (default: 30)
#   PYTHON=...  the Python to make it with, 3.10 or later
#   VENV=...    another place for the tests' virtual environment
#   WHEELS=...  ros-jazzy: wheels of that ROS                (default: ros, which is Kilted)
#   PIP_CONSTRAINT=  the newest releases instead of those in constraints.txt
PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV ?= .venv-test
DEMO_VENV ?= .venv-demo
WHEELS ?= ros
TRIES ?= 1
MINUTES ?= 30
BIN := $(VENV)/bin

# ROS is the sourced one, or else PyPI's wheels of it. Never both: the wheels put their libraries
# into LD_LIBRARY_PATH in no fixed order. So there is a mark for each, and the other starts anew.
# A sourced ROS has plugins for pytest that do not work with every version of it.
ifdef ROS_DISTRO
VENV_OPTIONS := --system-site-packages
DEMO_EXTRAS := bag
export PYTEST_DISABLE_PLUGIN_AUTOLOAD := 1
else
DEMO_EXTRAS := bag,$(WHEELS)
# The releases it was tested with. Those of a sourced ROS are the system's.
PIP_CONSTRAINT ?= $(CURDIR)/constraints.txt
export PIP_CONSTRAINT
endif
MARK := installed-with-$(if $(ROS_DISTRO),$(ROS_DISTRO),wheels-of-$(WHEELS))
INSTALLED := $(VENV)/$(MARK)
CLUSTER_INSTALLED := $(VENV)/installed-with-ray
DEMO_INSTALLED := $(DEMO_VENV)/$(MARK)
PIP := python -m pip --disable-pip-version-check --quiet install

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-ros test-jazzy fuzz faults soak coverage ptx lint clean

help:
	@echo 'make demo       play a drive through the real node and write a page about it; no ROS needed'
	@echo 'make demo BAG=path TOPIC=/camera/image_raw   the same with your own rosbag2'
	@echo 'make test       set up .venv-test, check style and types, run the tests (under 10 minutes)'
	@echo 'make test-slow  what takes longer: the export matrix, a smoke training, colcon build'
	@echo 'make test-jazzy the ROS tests as on Ubuntu 24.04: wheels of Jazzy, NumPy 1.26, OpenCV 4.6'
	@echo 'make fuzz       damaged files and messages, FUZZ_EXAMPLES=2000 of each kind'
	@echo 'make faults TRIES=3   every fault of docs/reliability.md, and a table of how it went'
	@echo 'make soak MINUTES=30  the node at camera rate: memory, descriptors, threads, latency'
	@echo 'make coverage   make test'"'"'s tests, and which lines they leave out, in child processes too'
	@echo 'make ptx        compile stdc_core/cuda/kernels.cu to the PTX that ships'
	@echo 'make clean      remove the virtual environments and what the tests left'

demo: $(DEMO_INSTALLED)
	@$(DEMO_VENV)/bin/stdc_seg_demo --output demo $(if $(BAG),--bag '$(BAG)') \
		$(if $(TOPIC),--topic '$(TOPIC)') $(if $(LABELS),--label-topic '$(LABELS)') \
		$(if $(MODEL),--model '$(MODEL)')

test: lint
	$(BIN)/python -m pytest -m 'not slow'

test-slow: $(CLUSTER_INSTALLED)
	$(BIN)/python -m pytest -m slow

test-ros: $(INSTALLED)
	$(BIN)/python -m pytest -m 'not slow' test/stdc_seg_ros

test-jazzy: export PIP_CONSTRAINT := $(CURDIR)/test/ubuntu_24_04.txt
test-jazzy:
	@$(MAKE) VENV=.venv-jazzy WHEELS=ros-jazzy test-ros

# Always other examples; the few of `make test` are always the same.
FUZZ_EXAMPLES ?= 2000
fuzz: $(INSTALLED)
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/python -m pytest test/fuzz

faults: export FAULTS_TRIES := $(TRIES)
faults: export FAULTS_JSON := $(CURDIR)/faults.json
faults: $(INSTALLED)
	$(BIN)/python -m pytest test/faults; code=$$?; $(BIN)/python test/faults/records.py faults.json; exit $$code

soak: $(INSTALLED)
	$(BIN)/python benchmark/soak.py --minutes $(MINUTES) --output soak.json

coverage: $(INSTALLED)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m 'not slow'
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

ptx: $(INSTALLED)
	$(BIN)/python -m stdc_core.cuda.compile_ptx

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

define make-venv
	@$(PYTHON) -c 'import sys; sys.exit("Python %d.%d is too old, 3.10 or later is needed: make PYTHON=python3.x" % sys.version_info[:2] if sys.version_info < (3, 10) else 0)'
	@echo 'setting up $(@D), a minute or two'
	@$(PYTHON) -m venv --clear $(VENV_OPTIONS) $(@D)
endef

$(DEMO_INSTALLED): setup.py constraints.txt Makefile
	$(make-venv)
	@$(@D)/bin/$(PIP) --editable '.[$(DEMO_EXTRAS)]'
	@touch $@

# Torch first and by itself: what depends on it then finds it and asks for no other build.
$(INSTALLED): setup.py constraints.txt pyproject.toml Makefile
	$(make-venv)
	$(@D)/bin/$(PIP) $(TORCH)
	$(@D)/bin/$(PIP) --editable '.[train,quantize,test,$(DEMO_EXTRAS)]'
	@touch $@

# Ray is large (240 MB) and one slow test needs it.
$(CLUSTER_INSTALLED): $(INSTALLED)
	$(@D)/bin/$(PIP) --editable '.[cluster]'
	@touch $@

clean:
	rm -rf $(VENV) $(DEMO_VENV) .venv-jazzy .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* *.egg-info
