# Two commands matter: `make run` and `make test`. Both need nothing but Python 3.11 or newer (and, for GraphiQL,
# Node with npm); everything else is installed into .venv from requirements.lock. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
GRAPHIQL := app/graph/http/static/BUILT
GRAPHIQL_SOURCES := frontend/package-lock.json frontend/build.mjs $(wildcard frontend/src/*)
TESTS ?=
N ?= logical
# Files are dealt out to that many processes; each of them has a PostgreSQL of its own.
PYTEST = $(BIN)/python -m pytest -n $(N) --maxprocesses=8 --dist loadfile $(TESTS)

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: install graphiql ## serve on 127.0.0.1:8000 with demonstration data (HOST, PORT, WORKERS, DATA_DIR, DATABASE_URL)
	@DEVELOPMENT=$${DEVELOPMENT:-1} exec $(BIN)/gateway serve --demo

.PHONY: test
test: install graphiql ## run all tests, a process for each core (TESTS=tests/plan runs some; N=0 runs them in this one, to debug)
	$(PYTEST)

.PHONY: quick
quick: install ## the checks for while one works: format, lint, imports, types, schema, golden cases
	@$(MAKE) --no-print-directory --keep-going --jobs=2 --output-sync=target $(QUICK)

.PHONY: check
check: quick graphiql ## what CI asks of a change: the quick checks, and all tests with coverage
	$(PYTEST) --cov --cov-report=term:skip-covered

# The parts of `make quick`; .pre-commit-config.yaml calls them, too. The longest first.
CODE := app tests bench migrations
QUICK := check-types check-golden check-imports check-schema check-lint check-format

.PHONY: $(QUICK)
check-types: install
	$(BIN)/mypy
check-golden: install
	$(BIN)/python -m pytest --quiet tests/plan/test_golden.py
check-imports: install
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --quiet $(addprefix tests/architecture/test_,no_circles.py private_parts.py revisions.py)
check-schema: install
	$(BIN)/gateway schema --check
check-lint: install
	$(BIN)/ruff check $(CODE)
check-format: install
	$(BIN)/ruff format --check $(CODE)

.PHONY: nightly
nightly: install graphiql ## the long proof: 20,000 generated operations, planned, resolved and behind the policies
	EQUALITY_OPERATIONS=20000 $(BIN)/python -m pytest tests/plan/test_both_executions_agree.py
	HISTORIES=200 $(BIN)/python -m pytest tests/figures/test_reconciling.py

.PHONY: faults
faults: install ## thirty rounds of faults under a mixed load, each checked (FAULT_ROUNDS, FAULT_SEED)
	FAULT_ROUNDS=$${FAULT_ROUNDS:-30} $(BIN)/python -m pytest -rP tests/faults/test_mixed_load.py

.PHONY: schema
schema: install ## print the graph into schema.graphql
	$(BIN)/gateway schema

.PHONY: bench
bench: install ## measure it against hand-written SQL and Node engines (needs wrk, and Node with npm for those)
	$(BIN)/python -m bench --write

.PHONY: seed
seed: install ## fill the database with demonstration data
	$(BIN)/gateway seed

.PHONY: lock
lock: install ## resolve pyproject.toml into requirements.lock, and what runs of it into requirements-run.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes \
		--no-emit-index-url --no-header --quiet --upgrade --no-strip-extras -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --constraint requirements.lock --universal --generate-hashes \
		--no-emit-index-url --no-header --quiet --no-strip-extras --no-annotate -o requirements-run.lock
	@! grep -nE '://|--(extra-)?index-url|--find-links' requirements.lock requirements-run.lock

.PHONY: graphiql
graphiql: $(GRAPHIQL) ## bundle GraphiQL (skipped, with a word, where npm is missing)

.PHONY: clean
clean: ## remove what was installed and built; data in DATA_DIR stays
	rm -rf $(VENV) frontend/node_modules app/graph/http/static

.PHONY: install
install: $(INSTALLED)

# pip alone installs the lock; the stamp makes every later run instant.
$(INSTALLED): requirements.lock pyproject.toml
	@python=; for found in python3.13 python3.12 python3.11 python3.14 python3 python; do \
		if $$found -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			python=$$found; break; fi; done; \
	if [ -z "$$python" ]; then \
		echo "Python 3.11 or newer is needed (with its venv module), and none was found." >&2; exit 1; fi; \
	[ -x $(BIN)/python ] || $$python -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Without npm or without a network everything else still runs, and /graphql says how to get the bundle.
$(GRAPHIQL): $(GRAPHIQL_SOURCES)
	@if command -v npm >/dev/null; then \
		(cd frontend && npm ci --ignore-scripts --loglevel=error --fetch-retries=1 --fetch-timeout=30000 && npm run --silent build) \
		|| echo "GraphiQL was not bundled (see above); everything else runs." >&2; \
	else \
		echo "npm was not found: GraphiQL is not bundled; everything else runs." >&2; \
	fi
