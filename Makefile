# The two commands are `make up` and `make test`; both do all the set-up.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null || echo .tools/uv/bin/uv)
DISTRIBUTIONS := platform inference policies
PROJECTS := $(DISTRIBUTIONS:%=%/pyproject.toml)
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --custom-compile-command 'make pins'
# A company's proxy has a certificate that the system knows, as pip does; uv has to be told.
export UV_SYSTEM_CERTS ?= true
# Two at once: what is set up beside what. The engine's messages come as they are said.
BESIDE := $(MAKE) --no-print-directory --jobs 2

.PHONY: help up down test lint bench format setup engine early-engine schema pins python
.DEFAULT_GOAL := help

help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## Deploy the local stack and classify three comments. ENGINE=none: without Pulumi.
	@$(BESIDE) setup early-engine
	@$(BIN)/turnout up

down: setup ## Stop what `make up` has started.
	@$(BIN)/turnout down

test: ## Run every test, those with a real Pulumi engine too.
	@$(BESIDE) setup engine
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile

lint: setup ## Check style, types and the arrows between packages.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: setup ## Measure the server against raw CTranslate2, in two minutes.
	@$(BIN)/python -m bench.run --out .state/bench.json

format: setup ## Rewrite the code in the project's style.
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format --quiet .

setup: $(VENV)/.installed ## Make .venv with the pinned tools and the three packages.
	@:

engine: setup ## Make sure of a Pulumi engine: found, installed or built.
	@$(BIN)/python -m turnout.engine

# Beside the set-up, so without its packages: a build takes minutes.
early-engine: | python
	@PYTHONPATH=platform $(PYTHON) -m turnout.engine

schema: setup ## Write the stack files' JSON schema and the page about them anew.
	@$(BIN)/python -m turnout_inference.settings --json > platform/turnout/config/server_settings.json
	@$(BIN)/turnout schema --output stacks/turnout.schema.json
	@$(BIN)/turnout schema --markdown --output docs/stack-file.md

pins: | $(filter .tools/%,$(UV)) ## Write the hashed requirements files anew.
	@$(COMPILE) requirements/uv.in -o requirements/uv.txt
	@$(COMPILE) requirements/build.in -o requirements/build.txt
	@$(COMPILE) inference/pyproject.toml -o requirements/server.txt
	@$(COMPILE) inference/pyproject.toml --extra convert -o requirements/convert.txt
	@$(COMPILE) platform/pyproject.toml policies/pyproject.toml -o requirements/deploy.txt
	@$(COMPILE) requirements/dev.in $(PROJECTS) -o requirements/dev.txt
	@$(COMPILE) requirements/peers-fastapi.in -o requirements/peers-fastapi.txt
	@$(COMPILE) requirements/peers-infinity.in -o requirements/peers-infinity.txt

python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo '$(PYTHON) is not Python 3.11, 3.12 or 3.13; say which is: make PYTHON=python3.13 …' >&2; exit 1; }

.tools/uv/bin/uv: requirements/uv.txt | python
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --require-hashes --upgrade --target .tools/uv -r requirements/uv.txt

$(VENV)/.installed: requirements/dev.txt $(PROJECTS) | python $(filter .tools/%,$(UV))
	@echo 'setup: the pinned packages go into $(VENV) (1 GB)'
	@test -x $(BIN)/python || $(UV) venv --quiet --seed --python $(PYTHON) $(VENV)
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(DISTRIBUTIONS:%=-e ./%)
	@touch $@
