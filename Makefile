# Steelyard. `make help` explains each target.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup setup-run run demo test check format format-check lint types imports coverage browser docs nightly bench lock clean

help:  ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup-run  ## set up, load the demo data, run a sweep, start the server and say where to look
	@$(BIN)/steelyard demo

test: setup  ## set up and run all tests, the conformance suites included
	@$(PYTEST) -n auto --dist loadfile

check: setup  ## what CI runs: format, lint, types, import rules, tests, conformance
	@$(MAKE) --no-print-directory format-check lint types imports coverage

setup:  ## make .venv with everything for development (once per lock)
	@$(PYTHON) scripts/bootstrap.py dev

setup-run:
	@$(PYTHON) scripts/bootstrap.py run

format:  ## rewrite the code in the house format
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

format-check:
	@$(BIN)/ruff format --check .

lint:  ## ruff's findings
	@$(BIN)/ruff check .

types:  ## mypy --strict
	@$(BIN)/mypy

imports:  ## the house rules: who may import whom
	@$(BIN)/lint-imports

coverage: setup  ## all tests with coverage, on the same drawn examples each time; pytest's summary is the last line
	@HYPOTHESIS_PROFILE=steady $(PYTEST) -n auto --dist loadfile --cov --cov-report=xml:coverage.xml --cov-report=

bench: setup  ## run the benchmarks and write docs/benchmarks.md
	@$(BIN)/python benchmarks/run_all.py

docs: setup  ## write docs/api from the code
	@$(BIN)/python scripts/write_api_reference.py

nightly: setup  ## the slow suites: more cases of every law, full-size data
	@HYPOTHESIS_PROFILE=nightly $(PYTEST) -m "slow or not slow" -n auto --dist loadfile --timeout 3600

browser: setup  ## only the tests that drive a browser
	@$(PYTEST) -m browser

lock:  ## resolve the dependencies anew (needs uv); the lock names no index
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade --group build --group dev --all-extras pyproject.toml -o requirements/dev.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --group build -c requirements/dev.txt pyproject.toml -o requirements/run.txt

clean:  ## forget the virtual environment, caches and demo data
	@rm -rf .venv data .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage coverage.xml
