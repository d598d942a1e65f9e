# `make demo` and `make test` build their own environment in .venv; nothing else is needed but Python 3.11+, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Half of a test's time is waiting for processes that it started.
WORKERS := $(shell $(PYTHON) -c 'import os; print(min(16, 2 * (os.cpu_count() or 1)))')
# Files of tests live in memory, where there is room: to make and delete them on a disk takes much of the processor's time.
TESTS_IN := $(shell df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 { print "/dev/shm" }')
PACKAGES := -p autoresearch_mcp.server -p autoresearch_mcp.tools -p autoresearch_mcp.prompts

.PHONY: demo demo-quick test examples docs reference conformance env env-light clean

demo: env
	$(BIN)/autoresearch-mcp demo

# The package alone, without torch and without what contributors need.
demo-quick:
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet .
	@rm -rf build *.egg-info
	$(BIN)/autoresearch-mcp demo --quick

test: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy gpt_harness tests
	$(BIN)/mypy docs/hooks.py docs/generator docs/replay.py
	$(BIN)/mypy $(PACKAGES)
	PYTEST_DEBUG_TEMPROOT=$${PYTEST_DEBUG_TEMPROOT-$(TESTS_IN)} $(BIN)/pytest --numprocesses=$(WORKERS) --dist=worksteal

# Every example's baseline, cheats and improvement, over MCP; the table goes into examples/README.md.
examples: env
	$(BIN)/python benchmarks/run_examples.py --write

# The pages of docs/reference, read off the code.
reference: env
	$(BIN)/python docs/generator

docs: env
	$(BIN)/properdocs build --strict

conformance: env
	$(BIN)/python tests/conformance/suite.py

# The installed package is what gets tested, so it is installed anew each time; its needs only when they change.
env: $(VENV)/.needs
# The same without torch: what needs it is skipped by the tests.
env-light: $(VENV)/.needs-light
env env-light:
	@rm -rf build *.egg-info
	$(BIN)/pip install --quiet --no-deps --force-reinstall .
	@rm -rf build *.egg-info

$(VENV)/.needs: WITH := '.[gpt]'
$(VENV)/.needs-light: WITH := .
# pip is renewed first: the one that Python 3.11 brings does not know `--group`.
$(VENV)/.needs $(VENV)/.needs-light: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt $(WITH) --group dev
	@rm -rf build *.egg-info
	@touch $@

clean:
	rm -rf $(VENV) build dist site *.egg-info
