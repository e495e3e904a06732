# make demo and make test do all their own set-up; a second run re-uses what is there.
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin

.PHONY: help demo test test-train lint format bench exports neo4j wheel clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.venv/.created:
	@test -n "$(PYTHON)" || { echo "kg needs Python 3.11 or later, and none was found on the PATH" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "$(PYTHON) cannot make virtual environments: on Debian, apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

.venv/.base: .venv/.created pyproject.toml
	@echo "installing kg into .venv (once)"
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/.dev: .venv/.base
	@echo "installing what tests need into .venv (once)"
	@$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

demo: .venv/.base  ## build the graph of the example page into exports/demo and ask it two questions
	@sh exports/demo.sh

test: .venv/.dev  ## all tests
	@sh tests/setup.sh
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST)

.venv/.train: .venv/.dev
	@echo "installing PyTorch into .venv (once; 2 GB and more)"
	@$(BIN)/python -m pip install --quiet --editable '.[train]' --group dev
	@touch $@

test-train: .venv/.train  ## the tests of the training: installs PyTorch
	@$(BIN)/python -m pytest tests/test_training.py kg/extract $(PYTEST)

lint: .venv/.dev  ## style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict kg

format: .venv/.dev  ## put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/.dev  ## quality, speed and memory: prints figures and renews BENCHMARKS.md
	@$(BIN)/python -m tests.bench

exports: .venv/.dev  ## renew the committed sample exports/trending
	@sh tests/setup.sh
	@$(BIN)/python exports/sample.py

neo4j: .venv/.dev  ## start a Neo4j to look at (needs Java and Maven); Ctrl-C stops it
	@$(BIN)/python tests/java_servers.py

wheel: .venv/.dev  ## build the wheel, install it into an empty environment and run it there
	@sh .ci/wheel

clean:  ## remove what make has made, the environment too
	rm -rf .venv dist build exports/demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
