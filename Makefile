# The two commands are `make up` and `make test`; both do all the set-up.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null || echo .tools/uv/bin/uv)
DISTRIBUTIONS := platform inference policies
PROJECTS := $(DISTRIBUTIONS:%=%/pyproject.toml)
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --custom-compile-command 'make pins'

.PHONY: help setup test lint format pins
.DEFAULT_GOAL := help

help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## Make .venv with the pinned tools and the three packages.

.tools/uv/bin/uv: requirements/uv.txt
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade --target .tools/uv -r requirements/uv.txt

$(VENV)/.installed: $(filter .tools/%,$(UV)) requirements/dev.txt $(PROJECTS)
	@test -x $(BIN)/python || $(UV) venv --quiet --seed --python $(PYTHON) $(VENV)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(DISTRIBUTIONS:%=-e ./%)
	@touch $@

test: setup ## Run every test.
	@$(BIN)/python -m pytest

lint: setup ## Check style, types and the arrows between packages.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## Rewrite the code in the project's style.
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

pins: $(filter .tools/%,$(UV)) ## Write the hashed requirements files anew.
	@$(COMPILE) requirements/uv.in -o requirements/uv.txt
	@$(COMPILE) inference/pyproject.toml -o requirements/server.txt
	@$(COMPILE) platform/pyproject.toml policies/pyproject.toml -o requirements/deploy.txt
	@$(COMPILE) requirements/dev.in $(PROJECTS) -o requirements/dev.txt
