# `make demo` for the first answer, `make test` to see that everything holds. Needs Python 3.11 and the registries of
# Python, Debian and Node; each step is done once and again only when its pins change.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
LEGACY := .venv-legacy
NODE := tests/acceptance/node
COMPILE := build/pins/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-header --no-emit-index-url pyproject.toml
PIP := -m pip --disable-pip-version-check --quiet

export PIP_NO_INPUT := 1

.PHONY: install test-needs lint test demo bench pins clean debian-npm debian-postgres

install: $(VENV)/.installed

# Installs the Debian packages $(2) unless the shell test $(1) holds.
define debian
	@if $(1); then :; \
	elif [ "$$(id -u)" = 0 ]; then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(2) >/dev/null; \
	elif sudo -n true 2>/dev/null; then sudo -n apt-get update -qq && sudo -n DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(2) >/dev/null; \
	else echo "Please install $(2) first: sudo apt-get install $(2)" >&2; exit 1; fi
endef

$(BIN)/python:
	$(call debian,$(PYTHON) -c 'import ensurepip',python3-venv)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Parley needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python $(PIP) install -r requirements.txt
	$(BIN)/python $(PIP) install --no-deps -e .
	@touch $@

$(VENV)/.test-needs: requirements-test.txt $(VENV)/.installed
	$(BIN)/python $(PIP) install -r requirements.txt -r requirements-test.txt
	@touch $@

# The client of the article, 0.28, cannot live beside the new one.
$(LEGACY)/.installed: | $(BIN)/python
	$(PYTHON) -m venv $(LEGACY)
	$(LEGACY)/bin/python $(PIP) install openai==0.28.1
	@touch $@

$(NODE)/node_modules/.installed: $(NODE)/package.json | debian-npm
	cd $(NODE) && npm install --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@

debian-npm:
	$(call debian,command -v npm >/dev/null,npm)

debian-postgres:
	$(call debian,ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1,postgresql)

test-needs: $(VENV)/.test-needs $(LEGACY)/.installed $(NODE)/node_modules/.installed debian-postgres

lint: $(VENV)/.test-needs
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: test-needs lint
	$(BIN)/python -m pytest

demo: install
	$(BIN)/parley demo

bench: test-needs
	$(BIN)/python -m bench

# Makes the pins again from pyproject.toml, with the newest releases.
pins:
	$(PYTHON) -m venv build/pins
	build/pins/bin/python $(PIP) install uv
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --group test --constraint requirements.txt --output-file requirements-test.txt

clean:
	rm -rf $(VENV) $(LEGACY) $(NODE)/node_modules build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find parley tests training bench -name __pycache__ -type d -prune -exec rm -rf {} +
