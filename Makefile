# Every target sets up what it needs (scripts/setup); a second run fetches nothing.

.DEFAULT_GOAL := help
.PHONY: help audit machines setup setup-cloud setup-gate setup-machines setup-tests demo serve practice \
        test test-long check bench mutants vectors picture release lock format clean distclean
export PYTHON
PY := .venv/bin/python

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with the pinned packages
	@scripts/setup

setup-cloud:
	@scripts/setup cloud

setup-gate:
	@scripts/setup gate

setup-machines:
	@scripts/setup machines

setup-tests:
	@scripts/setup tests

demo: setup-gate ## a cloud, three gates, a crowd of 2,000 before cameras; KEEP=1 leaves it running
	@$(PY) -m demo

serve: setup-cloud ## run the ticket service on this machine, with all that it needs
	@$(PY) -m cloud serve

practice: setup-gate ## run a gate on this machine: an event, tickets, guests before a camera
	@$(PY) -m edge practice

test: setup-tests $(if $(MACHINES),setup-machines) ## run all tests, with branch coverage of shared; MACHINES=2: also those of machines
	@$(PY) -m tests

machines: setup-machines ## boot three Debians and make a service and two gates of them (root); MACHINES=2: one gate
	MACHINES=$${MACHINES:-3} $(PY) -m pytest -rs tests/ops/test_machines.py

test-long: setup-tests ## the same at nightly depth: many more examples, new ones each time
	HYPOTHESIS_PROFILE=long $(PY) -m pytest

check: setup ## formatting, lint, types, layers, and the repository's own rules
	$(PY) -m ruff format --check --quiet
	$(PY) -m ruff check --quiet
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo
	$(PY) -m pytest --quiet tests/repository

audit: setup ## ask a database of advisories about what the locks pin, where it is in reach
	@$(PY) -m scripts.audit

format: setup ## format the code and repair what ruff can
	$(PY) -m ruff format
	$(PY) -m ruff check --fix

bench: setup-tests ## measure against the raw operations; prints a table
	@$(PY) -m benchmarks

mutants: setup ## mutation testing of what admits (long); survivors are in tests/README.md
	HYPOTHESIS_PROFILE=ci .venv/bin/mutmut run
	.venv/bin/mutmut results

vectors: setup ## write tests/vectors/*.json anew from their generators
	@for generator in tests/vectors/generate_*.py; do \
		$(PY) -m tests.vectors.$$(basename $$generator .py) || exit 1; \
	done

picture: setup-tests ## make the README's picture anew, from a real gate in a real browser
	@$(PY) -m scripts.picture

release: ## build what ansible/ installs into dist/: the wheel, what it stands on, lists of both
	@scripts/release

lock: setup ## pin requirements/ anew (UPGRADE=--upgrade: the newest versions)
	scripts/lock $(UPGRADE)

clean: ## remove what the targets made, but for .venv and .cache
	rm -rf build dist mutants htmlcov .coverage .hypothesis .mypy_cache .pytest_cache \
		.ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -not -path './.cache/*' -prune \
		-exec rm -rf {} +

distclean: clean ## also remove .venv and .cache
	rm -rf .venv .cache
