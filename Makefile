# make run   answer a question with the default local model (TASK="..." for another)
# make test  everything that must hold: formatting, types, floors, tests
# make check the same without the tests
PYTHON ?= $(or $(shell command -v python3.11),python3)
VENV := .venv
BIN := $(VENV)/bin
TASK ?= What does the cheapest dispatch of the IEEE 30-bus grid cost at 115 % load, and which lines limit it?
export TASK
# What is installed is compiled as it is used, so what is compiled must be kept.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check weights install clean

run: $(VENV)/.installed
	@$(BIN)/backprose run "$$TASK"

test: $(VENV)/.developer
	@$(MAKE) --no-print-directory --jobs=2 check weights
	$(BIN)/python -m pytest -m "not local_model and not alone" -n logical --maxprocesses 4 --dist loadfile
	$(BIN)/python -m pytest -m "local_model or alone"

check: $(VENV)/.developer
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

weights: $(VENV)/.installed
	@$(BIN)/backprose model fetch local/qwen2.5-coder-1.5b
	@$(BIN)/backprose model fetch local/smollm2-135m

install: $(VENV)/.installed

$(VENV)/bin/python:
	@echo "Setting up $(VENV) with $(PYTHON): about 3 GB of libraries, a few minutes the first time."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@$(BIN)/pip install -qq --disable-pip-version-check --no-compile --editable '.[power]'
	@touch $@

$(VENV)/.developer: pyproject.toml | $(VENV)/bin/python
	@$(BIN)/pip install -qq --disable-pip-version-check --no-compile --editable '.[dev]'
	@touch $(VENV)/.installed $@

clean:
	rm -rf $(VENV) build *.egg-info
