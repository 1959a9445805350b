# One command for each thing a user or a contributor wants. VENV chooses the environment, PYTHON what makes it.
#
#   make quickstart   from a fresh clone to a verdict, on a real model
#   make test         the tests
#   make check        style, floors, types, tests
#
# TORCH=cpu takes the CPU build of torch, TORCH=default what pip would take; auto is cpu unless there is an NVIDIA GPU.
# Where pip's own sources have no CPU build, TORCH_INDEX names an index that has: the one on PyTorch's install page.

VENV ?= .venv
PYTHON ?= python3
TORCH ?= auto
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INPUTS := pyproject.toml constraints.txt hatch_build.py lottery_plugins_autoload.pth
TORCH_PIN := $(shell sed -n 's/^torch==\([0-9.]*\).*/torch==\1/p' constraints.txt)
TORCH_INDEX ?=

ifeq ($(TORCH),auto)
  TORCH := $(if $(shell command -v nvidia-smi),default,cpu)
endif

.PHONY: quickstart test test-installed lint typing bench bench-inference check clean install install-dev help

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

quickstart: install
	$(BIN)/lottery quickstart $(ARGS)

test: install-dev
	$(BIN)/python -m pytest -n 2 $(ARGS)

# Installs wheels into fresh environments and runs lm-eval in them; slow, so apart from `make test`.
test-installed: install-dev
	$(BIN)/python -m pytest -n 2 -m "slow and not gpu and not network" tests/packaging $(ARGS)

lint: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo

typing: install-dev
	$(BIN)/mypy

bench: install-dev
	$(BIN)/python benchmarks/startup.py $(ARGS)

# All parts take most of an hour on two cores; make bench-inference ARGS="load --quick" tries one.
bench-inference: install
	$(BIN)/python benchmarks/inference $(ARGS)

check: lint typing test

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

# pip's own sources may hold the CPU build; if not, TORCH_INDEX names an index that does; else take what pip takes.
$(VENV)/.torch: constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
ifeq ($(TORCH),cpu)
	@echo "Installing $(TORCH_PIN), CPU build ..."
	@$(PIP) install -qq -c constraints.txt "$(TORCH_PIN)+cpu" 2>/dev/null \
	  || $(PIP) install -qq --retries 1 -c constraints.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) "$(TORCH_PIN)+cpu" 2>/dev/null \
	  || echo "There is no CPU build of $(TORCH_PIN) within reach; installing the default one."
endif
	@touch $@

$(VENV)/.installed: $(INPUTS) $(VENV)/.torch
	@echo "Installing lottery-plugins and what it needs into $(VENV), pinned by constraints.txt ..."
	$(PIP) install -qq -c constraints.txt -e ".[quickstart,report]"
	@touch $@

$(VENV)/.installed-dev: $(INPUTS) $(VENV)/.torch
	@echo "Installing lottery-plugins for development into $(VENV), pinned by constraints.txt ..."
	$(PIP) install -qq -c constraints.txt -e ".[dev]"
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find lottery_plugins tests plugins benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
