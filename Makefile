# Everything runs inside .venv, which is made from the lock files in requirements/. Paths are relative and
# quoted: the checkout may lie anywhere, also below a folder with spaces.

PORT ?= 6543
VAR ?= var
RESIDENTS ?= 10000
# The Python that .venv is made with; a newer one is looked for when this one is too old.
PYTHON ?= python3
export PYTHON

PY = .venv/bin/python
# The version of uv that `make lock` resolves with; it is used for nothing else.
UV = uv==0.13.9
COMPILE = build/lock/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-header --no-annotate --upgrade
RUN_EXTRAS = --extra embedded --extra sample --extra locale

MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help run test lint typecheck unit bench lock locale clean venv test-venv system-packages

help: ## Say what each target does.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' Makefile
	@echo "  Variables: PORT=$(PORT) VAR=$(VAR) RESIDENTS=$(RESIDENTS)"

run: venv locale ## Start the portal with its own PostgreSQL and a made-up city; Ctrl-C stops it.
	@$(PY) -m yvaxportal dev development.ini --port='$(PORT)' --var='$(VAR)' --residents='$(RESIDENTS)'

test: system-packages lint typecheck ## Run every check and every test, with whatever they need.
	@$(PY) -m pytest -q -n 2 --dist worksteal

lint: test-venv locale ## Check style and formatting, and that imports go down the floors only.
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@.venv/bin/lint-imports --no-logo

typecheck: test-venv ## Check the types.
	@$(PY) -m mypy

unit: test-venv locale ## Run the tests that need neither database nor browser.
	@$(PY) -m pytest -q -n 2 --dist worksteal tests/unit

bench: test-venv locale ## Measure speed and size against what the same run finds bare; writes bench/RESULTS.md.
	@$(PY) -m bench

lock: ## Resolve setup.cfg anew into the hash-locked requirements/run.txt and requirements/test.txt.
	@$(PYTHON) -m venv --clear build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check '$(UV)'
	@$(COMPILE) $(RUN_EXTRAS) setup.cfg -o requirements/run.txt
	@$(COMPILE) $(RUN_EXTRAS) --extra test --constraint requirements/run.txt setup.cfg -o requirements/test.txt

locale: venv ## Compile the message catalogues that have changed.
	@$(PY) .ci/compile_catalogues.py

clean: ## Remove .venv, caches and whatever was built; the data folder stays.
	@rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find yvaxportal -name '*.mo' -delete

venv:
	@.ci/setup run

test-venv:
	@.ci/setup test

system-packages:
	@.ci/system-packages
