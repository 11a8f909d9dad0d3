# Two commands do everything on a machine with python3 (3.11 or later, with venv), make and git:
#   make demo   installs into .venv and runs the network-simulation example to its pictures
#   make test   installs what the tests need and runs ruff, mypy --strict and pytest
# `make bench` times taskrun beside its peers (some of it: make bench BENCH="--rows a,c --rounds 3"); `make docs` and
# `make completions` write what comes from the program itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Tests start the program some thousand times: its modules are compiled once, whatever the environment says of that.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test bench docs completions clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,demo]'
	@touch $@

demo: $(VENV)/.installed-demo
	cd examples/netsim && PATH="$(CURDIR)/$(BIN):$$PATH" taskrun run sweep.yaml

test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/mypy --strict taskrun
	$(BIN)/python -m compileall -q taskrun
	$(BIN)/python -m pytest -q -n auto --maxschedchunk 4

bench: $(VENV)/.installed-dev
	$(BIN)/python bench/bench.py $(BENCH)

docs: $(VENV)/.installed-dev
	$(BIN)/python docs/make.py

completions: $(VENV)/.installed-dev
	$(BIN)/taskrun completion bash > completions/taskrun.bash
	$(BIN)/taskrun completion zsh > completions/_taskrun
	$(BIN)/taskrun completion fish > completions/taskrun.fish

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
