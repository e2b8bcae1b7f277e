.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help up test check format types layers tidy fuzz torture ordeal docs constraints clean

help:  ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */\1|/' | column -t -s '|'

up:  ## Start the server on its own store, with a demo worker
	python3 run.py

test:  ## Every check and every test, as in continuous integration
	python3 run.py test

check: format types layers tidy  ## The quick checks alone

format:  ## Format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types:  ## Check the types
	$(BIN)/mypy

layers:  ## Check who imports whom
	$(BIN)/lint-imports

tidy:  ## Check the habits of this repository
	python3 run.py test tests/tidy

fuzz:  ## Generated requests against a running server
	python3 run.py test -m fuzz

torture:  ## Kills and faults under load
	python3 run.py test -m torture

ordeal:  ## 20,000 jobs and 200 kills: 3 to 7 minutes
	$(BIN)/python -m tests.torture

docs:  ## Write what the pages of settings and metrics have from the code
	$(BIN)/python -m tests.tidy.settings_page
	$(BIN)/python -m tests.tidy.metrics_page

constraints:  ## Take the newest versions of everything into constraints.txt
	rm -rf build/constraints && python3 -m venv build/constraints
	build/constraints/bin/pip install --quiet --editable '.[dev,fuzz]'
	(sed -n '/^#/p' constraints.txt; build/constraints/bin/pip freeze --exclude-editable) > build/constraints.txt
	mv build/constraints.txt constraints.txt

clean:  ## Remove everything that can be made again
	rm -rf .venv .venv.discarded build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
