# Every target works on a bare checkout: what it needs, it makes first. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PACKAGES := audio_library controller deploy device protocol web
PYTEST_ARGS ?=
# Two test files at a time: more would only compete for the moments that airings are held to.
WORKERS ?= 2

# An environment made elsewhere (a moved checkout) or by a Python that is gone serves nobody.
ifneq ($(shell [ ! -e $(BIN)/pip ] || { [ -x $(BIN)/python ] && grep -qF "$(CURDIR)/$(VENV)/" $(BIN)/pip; } || echo moved),)
$(shell rm -rf $(VENV))
endif

# The assets are built by Node and npm out of .venv, never by what a machine happens to have.
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm_config_omit_lockfile_registry_resolved=true npm --prefix web
WEB_MANIFEST := $(if $(wildcard web/package.json),web/dist/.vite/manifest.json)
WEB_SOURCES := $(wildcard web/package.json web/*.ts web/*.mjs web/tsconfig*.json) \
	$(shell find web/src web/styles -type f 2>/dev/null)
CATALOGUES := $(shell find web/i18n -name '*.po' 2>/dev/null)

.PHONY: help
help: ## print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: setup
setup: system $(STAMPS)/installed $(WEB_MANIFEST) $(CATALOGUES:.po=.mo) ## install whatever is missing (the second run takes seconds)

.PHONY: system
system:
	@deploy/setup-system.sh

$(STAMPS)/venv:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo 'Loa Làng needs Python 3.11, 3.12 or 3.13; say which with: make PYTHON=python3.12 setup' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	mkdir -p $(STAMPS)
	touch $@

$(STAMPS)/locked: requirements/dev.txt | $(STAMPS)/venv
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt
	touch $@

$(STAMPS)/installed: pyproject.toml $(STAMPS)/locked
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(STAMPS)/npm: web/package-lock.json $(STAMPS)/locked
	$(NPM) ci --no-audit --no-fund --loglevel=error
	touch $@

web/dist/.vite/manifest.json: $(WEB_SOURCES) $(STAMPS)/npm
	$(NPM) run --silent build
	touch $@

%.mo: %.po $(STAMPS)/locked
	$(BIN)/pybabel --quiet compile -i $< -o $@

.PHONY: demo
demo: setup ## run a whole commune on this machine; pass options as ARGS="--nodes 3"
	@exec $(BIN)/loalang demo $(ARGS)

.PHONY: test
test: setup ## run the whole test suite (long fault tests excepted)
	@$(BIN)/pytest -m "not faults" -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

.PHONY: faults
faults: setup ## run the long tests that break things on purpose
	@$(BIN)/pytest -m faults $(PYTEST_ARGS)

.PHONY: check
check: setup ## everything that is checked without running it: style, types, import law, schema, texts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PACKAGES) tests $(wildcard benchmarks)
	$(BIN)/lint-imports
	$(BIN)/shellcheck -x deploy/*.sh deploy/bin/* .ci/run
	if [ -d controller/migrations ]; then $(MAKE) --no-print-directory check-schema; fi
	$(BIN)/python -m deploy.check_texts
	if [ -f web/package.json ]; then $(NPM) run --silent --if-present check; fi

.PHONY: check-schema
check-schema: $(STAMPS)/installed ## the models and the migrations agree
	$(BIN)/python -m deploy.check_schema

.PHONY: texts
texts: $(STAMPS)/installed ## bring the pages' English catalogue up to what the pages say
	@$(BIN)/python -m deploy.check_texts --update

.PHONY: format
format: $(STAMPS)/installed ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: setup ## measure what benchmarks/ measures
	@for file in $(filter-out %/__init__.py,$(wildcard benchmarks/*.py)); do $(BIN)/python "$$file"; done

# The lock files name versions and hashes and no place to fetch them from: uv writes none unless asked, and a test looks.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.PHONY: lock
lock: $(STAMPS)/locked ## resolve requirements/*.txt anew; UPGRADE=--upgrade takes newer versions
	$(LOCK) $(UPGRADE) pyproject.toml --all-extras --group dev --group build -o requirements/dev.txt >/dev/null
	$(LOCK) pyproject.toml --extra controller --group build -c requirements/dev.txt -o requirements/controller.txt >/dev/null
	$(LOCK) --group assets -c requirements/dev.txt -o requirements/assets.txt >/dev/null
	$(LOCK) pyproject.toml --extra device --group build -c requirements/dev.txt -o requirements/device.txt >/dev/null

.PHONY: guide
guide: setup ## print docs/huong-dan.md as one page, build/huong-dan.pdf
	@$(BIN)/python -m deploy.guide

.PHONY: licences
licences: $(STAMPS)/installed ## write THIRD_PARTY.md anew from what is installed
	@$(BIN)/python -m deploy.third_party

.PHONY: clean
clean: ## remove what setup made (system packages stay)
	rm -rf $(VENV) web/node_modules web/dist build *.egg-info
