# make run   answer a question with the default local model (TASK="..." for another)
# make test  everything that must hold: formatting, types, floors, tests
# make check the same without the tests
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
TASK ?= What does the cheapest dispatch of the IEEE 30-bus grid cost at 115 % load, and which lines limit it?

.PHONY: run test check install clean

run: $(VENV)/.installed
	@$(BIN)/backprose run "$(TASK)"

test: check
	@$(BIN)/backprose model fetch local/qwen2.5-coder-1.5b
	@$(BIN)/backprose model fetch local/smollm2-135m
	$(BIN)/python -m pytest

check: $(VENV)/.developer
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade-strategy only-if-needed --editable '.[power]'
	@touch $@

$(VENV)/.developer: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info
