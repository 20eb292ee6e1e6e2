# Every target that people and CI call. `make` lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
RUN := uv run --group dev
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)

.PHONY: help install test check lint types imports generated generate chart images e2e demo bench clean

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t14

install:  ## install what the tests and checks need into .venv
	@command -v uv >/dev/null || python3 -m pip install --quiet uv
	uv sync --group dev

test: install  ## run the tests (those that need a control plane are skipped without its binaries)
	$(RUN) pytest -n auto --dist loadfile

check: install lint types imports generated chart  ## lint, types, import contracts, generated files, chart

lint:
	$(RUN) ruff check .
	$(RUN) ruff format --check .

types:
	$(RUN) mypy core agent operator spark

imports:
	$(RUN) lint-imports

generated:  ## are the CRDs, the chart's copy of them, schemas and references up to date?
	$(RUN) python -m dspy_operator.api.generate --check
	$(RUN) python -m dspy_agent_core.contracts.schemas --check
	$(RUN) python -m dspy_agent.cli.reference --check
	$(RUN) python -m dspy_agent.suggest.simulated.make --check

generate:  ## write the generated files
	$(RUN) python -m dspy_operator.api.generate
	$(RUN) python helm/sync.py
	$(RUN) python -m dspy_agent_core.contracts.schemas
	$(RUN) python -m dspy_agent.cli.reference
	$(RUN) python -m dspy_agent.suggest.simulated.make

chart:  ## lint the chart, render it in many ways, validate what comes out
	helm lint --strict helm/dspy-agent
	$(RUN) pytest tests/chart

images:  ## build the container images
	docker/build

e2e: install  ## end-to-end tests on a kind cluster
	e2e/run

demo:  ## a cluster with the operator and a workspace in it, and the command to connect
	e2e/demo

bench: install  ## run the benchmarks (LOGHUB=folder: grouping of logs too); results go to benchmarks/results/
	for script in $(filter-out %/grouping.py,$(wildcard benchmarks/*.py)); do $(RUN) --with drain3 python "$$script"; done
	if [ -n "$(LOGHUB)" ]; then $(RUN) --with drain3 python benchmarks/grouping.py --loghub "$(LOGHUB)"; fi

clean:
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
