# Everything lives in .venv; no other tool than Python (3.11+) and make is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

export OMP_NUM_THREADS ?= 1

.PHONY: help demo test check evals lock pages screenshots clean

help:  ## This list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.run: requirements.lock pyproject.toml
	@echo "Installing Stepfour into $(VENV) (once, a minute or two) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q app ingest knowledge evals
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	@echo "Installing Stepfour and its test tools into $(VENV) (once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q app ingest knowledge evals
	@touch $@ $(VENV)/.run

demo: $(VENV)/.run  ## Play the founding case, then serve every surface (ARGS=--once stops after the scenes)
	@$(BIN)/stepfour demo $(ARGS)

test: $(VENV)/.dev  ## The tests (ARGS are pytest's)
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev  ## Types, lint, format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

evals: $(VENV)/.dev  ## Measure everything, into evals/results/
	@$(BIN)/stepfour eval all $(ARGS)

pages: $(VENV)/.dev  ## Build the chat page anew (needs Node)
	@cd app/web && npm ci --ignore-scripts --no-audit --no-fund && npm run build

screenshots: $(VENV)/.dev  ## Make the pictures in docs/ anew (needs Chromium)
	@$(BIN)/python tools/screenshots.py $(ARGS)

lock: $(VENV)/.dev  ## Write the lock files anew (names, versions and hashes, no addresses)
	@$(BIN)/python tools/lock.py

clean:  ## Remove the environment and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache *.egg-info
