# Every target makes its own .venv first, so each works on a bare machine with Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast check format bench bench-long bench-operator statistics docs datasets notebooks notebook-outputs cluster cluster-operator cluster-stop manifests campaign clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; say which with: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(STAMP)  ## Tune the shipped history: prints the decision table, writes out/report.html and out/kubernaut-conditions.yaml
	@$(BIN)/kubernaut demo --out out

test: $(STAMP)  ## Run all tests and hold the coverage gates
	$(BIN)/pytest -n 2 --dist loadgroup --cov --cov-report= $(PYTEST_ARGS)
	$(BIN)/coverage report --fail-under=85 --skip-covered
	$(BIN)/coverage report --include='kubernaut/*' --fail-under=95 --format=total

test-fast: $(STAMP)  ## Run the tests that take seconds
	$(BIN)/pytest -q -n 2 -m 'not slow and not oracle' $(PYTEST_ARGS)

check: $(STAMP)  ## Lint, format, types, import contracts, shipped policies, generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/kubernaut policy lint
	$(BIN)/python -m kubernaut_operator.manifests --check
	$(BIN)/python -m tests.helpers.generated_docs --check

format: $(STAMP)  ## Let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP)  ## Run the benchmarks; prints ratios within one run and writes docs/benchmarks.md
	$(BIN)/python tests/benchmarks/run.py

bench-long: $(STAMP)  ## Measure what takes much longer (memory of large worlds, ten million evaluations); the pages quote it
	$(BIN)/python tests/benchmarks/run.py --long

bench-operator: $(STAMP)  ## Measure what the operator costs and how fast it judges; writes docs/operator/footprint.md
	$(BIN)/python tests/benchmarks/bench_operator.py

statistics: $(STAMP)  ## Prove the statistics on worlds of known truth; writes docs/statistics.md and its pictures
	$(BIN)/kubernaut calibrate --out docs

docs: $(STAMP)  ## Write the generated documents anew (facts, policies, CLI, history schema, picture)
	$(BIN)/python -m tests.helpers.generated_docs

manifests: $(STAMP)  ## Write operator/deploy anew: CRDs, rights, admission policies, everything that is installed
	$(BIN)/python -m kubernaut_operator.manifests

datasets: $(STAMP)  ## Generate the shipped histories anew from their seeds
	$(BIN)/python -m kubernaut_simulator.worlds.shipping datasets

notebooks: $(STAMP)  ## Open the notebooks in JupyterLab
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,notebooks]'
	$(BIN)/jupyter lab notebooks

notebook-outputs: $(STAMP)  ## Run the notebooks anew and keep what they show; after a change of data or words
	$(BIN)/python -m tests.helpers.notebooks

cluster: $(STAMP)  ## Boot a real Kubernetes to play with, without Docker; prints the KUBECONFIG line
	@PYTHONPATH=tests $(BIN)/python -m cluster up

cluster-operator: $(STAMP)  ## Install the operator into it, from its own image
	@PYTHONPATH=tests $(BIN)/python -m helpers.installed_operator

cluster-stop: $(STAMP)  ## Stop it and remove every trace
	@PYTHONPATH=tests $(BIN)/python -m cluster down

campaign: $(STAMP)  ## Remediate hundreds of real incidents with known faults, and keep what the operator recorded
	@PYTHONPATH=tests $(BIN)/python -m campaign run

clean:  ## Remove what the other targets made
	rm -rf $(VENV) out .coverage .coverage.* .coverage-* .mypy_cache .ruff_cache .hypothesis
