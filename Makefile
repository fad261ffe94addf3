# mmcrowd: `make demo` and `make test` set up everything they need in .venv on the first run.
#   make install PYTHON=/path/to/python   installs into an environment of your own; its torch is kept
#   TORCH_SPEC=torch==2.13.0              what to install where there is no torch
#   BASE_PYTHON=python3                   the Python >= 3.10 that .venv is made of
#   VENV=.venv FAMILY=onedl               where to install, and which packages of OpenMMLab (or openmmlab, the original ones)
SHELL := bash
BASE_PYTHON ?= python3
VENV ?= .venv
DEMO_CONFIG := configs/demo/fidt_lite_demo.py
DEMO_DIR := work_dirs/demo

ifeq ($(origin PYTHON),command line)
PY := $(PYTHON)
READY := own-environment
else
PY := $(VENV)/bin/python
READY := $(VENV)/.installed
endif

.PHONY: help install demo test test-openmmlab test-minimum docs lint format clean own-environment
.DEFAULT_GOAL := help

help:
	@echo 'make demo      train a small crowd model on rendered crowds, test it, print the results, draw pictures'
	@echo 'make test      run the tests with coverage'
	@echo 'make test-openmmlab   with the original mmengine, mmcv and mmdet, and the newest of all else, in .venv-openmmlab'
	@echo 'make test-minimum     with the oldest versions that requirements/ promise, in .venv-minimum'
	@echo 'make docs      build the site into build/docs; its packages are added to the environment'
	@echo 'make lint      check style with ruff          make format   apply it'
	@echo 'make install   set up .venv only; with PYTHON=/path/to/python: your own environment'
	@echo 'make clean     remove caches and build files (environments and work_dirs stay)'

install: $(READY)

$(VENV)/.installed: tools/install.sh setup.py $(wildcard requirements/*.txt)
	@test -x $(VENV)/bin/python || $(BASE_PYTHON) -m venv $(VENV) || { echo 'on Debian: apt-get install python3-venv'; exit 1; }
	@tools/install.sh $(VENV)/bin/python tests
	@touch $@

own-environment:
	@tools/install.sh $(PYTHON) tests

demo: $(READY)
	$(PY) tools/train.py $(DEMO_CONFIG) --work-dir $(DEMO_DIR)
	$(PY) tools/test.py $(DEMO_CONFIG) "$$(ls -t $(DEMO_DIR)/best_*.pth | head -n 1)" --work-dir $(DEMO_DIR) --show-dir $(DEMO_DIR)/pictures
	@echo "metrics: $(DEMO_DIR)/metrics.json   pictures: $(DEMO_DIR)/pictures ($$(ls $(DEMO_DIR)/pictures | wc -l))"

# Two processes, each test file in one of them; TEST_PROCESSES=auto takes all cores, 0 none beside this one.
test: $(READY)
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(PY) -m pytest -n $${TEST_PROCESSES:-2} --dist loadfile \
	    --cov=mmcrowd --cov-report=term:skip-covered --cov-fail-under=90

test-openmmlab:
	@$(MAKE) test VENV=.venv-openmmlab FAMILY=openmmlab

# Every `name>=version` of requirements/ becomes `name==version`, so that what is promised is what is tested.
test-minimum:
	@mkdir -p build
	@sed -nE 's/^([A-Za-z0-9_-]+)>=([^,]+).*/\1==\2/p' requirements/{runtime,openmmlab,tests}.txt >build/minimum.txt
	@$(MAKE) test VENV=.venv-minimum FAMILY=openmmlab BASE_PYTHON=python3.10 \
	    TORCH_SPEC="$$(grep ^torch= build/minimum.txt)" PIP_ARGS='$(PIP_ARGS) -c build/minimum.txt'

# Warnings are errors, and so is a page that loads something from the network. The root of the repository is that of the site: links of pages lead to the same files in both.
docs: $(READY)
	$(PY) -m pip install -q --disable-pip-version-check -r requirements/docs.txt
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(PY) -m sphinx -q -W --keep-going -b html -c docs/en . build/docs
	@! grep -rE '<(script|link|img)[^>]* (src|href)="https?:' build/docs --include='*.html' || { echo 'a page needs the network'; exit 1; }
	@echo 'open build/docs/index.html'

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(READY)
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
