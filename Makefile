# Everything a contributor does.  Needs make and Python 3.11 or later; the rest comes by itself.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV ?= uv
PYTEST_FLAGS ?= -q -n auto
ROWS ?=
JOBS ?= 2
SEED ?= 1
EXAMPLES ?= 100000

.DEFAULT_GOAL := help
.PHONY: help demo test crash fuzz check format bench lock clean

help:  ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## run a workflow, kill it in the middle, resume it
	@$(BIN)/python examples/demo.py

test: $(READY)  ## all tests
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

# Needs the fault tools, beside the project or where INDELIBLE_FAULTS says, and says so without them.
crash: $(READY)  ## break both stores in every way; takes an hour (ROWS=duel for some of it)
	$(BIN)/python -m tests.crash $(if $(ROWS),"$(ROWS)") --jobs $(JOBS) --seed $(SEED)

fuzz: $(READY)  ## spoiled files, expressions, logs, for hours (EXAMPLES=1000000)
	INDELIBLE_FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest $(PYTEST_FLAGS) --timeout 0 \
		--hypothesis-profile fuzz tests/properties/test_fuzz.py tests/properties/test_stores_as_models.py

check: $(READY)  ## format, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)  ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)  ## measure W1 to W12, as docs/benchmarks.md tells; takes half an hour
	$(BIN)/python bench/run.py

# The lock names versions and hashes and nothing else: no index, no path.
lock:  ## resolve requirements.lock anew (needs uv)
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
		--no-config --no-emit-index-url --no-emit-find-links --no-annotate \
		--custom-compile-command 'make lock' --extra dev pyproject.toml -o requirements.lock

clean:  ## remove what was made
	rm -rf $(VENV) .bench .mypy_cache .ruff_cache .import_linter_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The builder is in the lock too, so the project itself is installed without fetching anything.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info < (3, 11) and sys.exit("Indelible needs Python 3.11 or later. Try: make PYTHON=python3.11")'
	@echo "making $(VENV), once"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
