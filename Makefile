# Everything a newcomer types. `make run` and `make test` set up what they need.
SHELL := /bin/bash
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.genomark-setup

# Real data without a network: a mirror beside the checkout is used when it is there.
ifneq ($(wildcard ../shared/mirror/manifest.json),)
export GENOMARK_MIRROR ?= $(abspath ../shared/mirror)
endif

.PHONY: help setup run test test-slow lint format bench docs lock clean

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## create .venv with everything needed to run, test and develop

$(STAMP): pyproject.toml requirements.lock requirements-track-models.lock scripts/setup.sh
	@bash scripts/setup.sh $(VENV)
	@touch $@

run: $(STAMP) ## rank the built-in models on the quickstart suite
	@$(BIN)/genomark run

# Processes that run side by side: threads of numerical libraries, which spin while they wait for work,
# would only take the others' cores. The slow tier has them.
test: export OMP_NUM_THREADS ?= 1
test: export OPENBLAS_NUM_THREADS ?= 1
test: $(STAMP) ## run the tests, with the coverage gate
	@$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow" --cov --cov-report=term -q

test-slow: $(STAMP) ## run the slow tier
	@$(BIN)/python -m pytest -n auto -m slow -q

lint: $(STAMP) ## format check, lint, types, room contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## format and fix what can be fixed
	@$(BIN)/ruff check --fix-only -q .
	@$(BIN)/ruff format .

bench: $(STAMP) ## performance against named peers (ratios, not seconds)
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: $(STAMP) ## build the documentation into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict -q

lock: ## resolve requirements.lock anew
	@bash scripts/lock.sh $(VENV)

clean: ## remove the environment and what the tools left behind
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache .coverage .coverage.* .hypothesis .import_linter_cache
