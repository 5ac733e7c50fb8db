# Muster's daily commands. `make help` lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
BIND ?= 127.0.0.1:8000
PARALLEL ?= -n 2

.DEFAULT_GOAL := help

.PHONY: help
help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1@\2/p' $(MAKEFILE_LIST) | column -t -s @

.PHONY: install
install: $(INSTALLED) .env ## Create the virtual environment and the file .env

.PHONY: run
run: install ## Start Muster with a demo shop (web and worker; Ctrl-C ends both)
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py create_demo
	@exec $(BIN)/python manage.py serve --bind $(BIND)

.PHONY: test
test: $(INSTALLED) ## Run the whole suite on SQLite and on PostgreSQL, in a browser too
	$(BIN)/pytest $(PARALLEL)
	@if reason="$$($(BIN)/python -m tests.postgres_server)"; then \
		set -x; $(BIN)/pytest --db postgresql $(PARALLEL); \
	else \
		echo "Not run on PostgreSQL: $$reason"; test "$$CI" != true; \
	fi

.PHONY: coverage
coverage: $(INSTALLED) ## Run the suite on SQLite and show the lines that no test reaches
	$(BIN)/pytest $(PARALLEL) --cov --cov-report term --cov-report html

.PHONY: screenshots
screenshots: $(INSTALLED) ## Drive a browser through the main paths; pictures in var/screenshots
	MUSTER_PICTURES=1 $(BIN)/pytest -m e2e

.PHONY: lint
lint: $(INSTALLED) ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	MUSTER_MODE=development $(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	MUSTER_MODE=development $(BIN)/python manage.py makemigrations --check --dry-run

.PHONY: format
format: $(INSTALLED) ## Put the code into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: shell
shell: install ## Open a Python shell with the models loaded
	@exec $(BIN)/python manage.py shell

.PHONY: nodes-reference
nodes-reference: install ## Write docs/nodes.md from the nodes of workflows
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py write_nodes_reference

.PHONY: messages
messages: $(INSTALLED) ## Collect the texts to translate
	MUSTER_MODE=development $(BIN)/python manage.py makemessages --all --no-obsolete --ignore $(VENV)

.PHONY: lock
lock: ## Write requirements.lock anew from pyproject.toml
	rm -rf var/lock && mkdir -p var && $(PYTHON) -m venv var/lock
	@$(PYTHON) -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	print(*project["dependencies"], *project["optional-dependencies"]["dev"], sep="\n")' > var/lock/wanted.txt
	var/lock/bin/pip install --quiet --requirement var/lock/wanted.txt
	var/lock/bin/pip freeze > requirements.lock
	rm -rf var/lock

.PHONY: clean
clean: ## Remove everything that was made, except .env and the data in var
	rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .hypothesis .pytest_cache .mypy_cache .ruff_cache
	rm -rf .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Muster needs Python 3.11 or newer.")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --requirement requirements.lock
	$(BIN)/pip check
	@touch $@

.env:
	@umask 077 && $(PYTHON) -c 'import secrets; \
	print("# Settings of this installation; docs/settings.md explains all of them."); \
	print("MUSTER_MODE=development"); \
	print("SECRET_KEY=" + secrets.token_urlsafe(50))' > $@
	@echo "Wrote .env with a new secret key."
