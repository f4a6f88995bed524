# Everything that a checkout can do. Needs make and Python 3.11 or newer; the rest is installed into .venv.
# `make` alone prints this list. Another interpreter: `make install PYTHON=python3.12`.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PACKAGE := setup.cfg pyproject.toml

# A stamp is newer than the metadata it was installed from; with it, nothing is installed twice.
RUNTIME := $(VENV)/.installed-runtime
EVERYTHING := $(VENV)/.installed-everything
RUNTIME_EXTRAS := postgres,redis
EXTRAS := $(RUNTIME_EXTRAS),test,lint

# Also where the environment forbids it: else each test process compiles all modules and rewrites all assertions again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install run test test-clients test-browser services lint check docs chaos fuzz fuzz-api bench release audit try-image try-deploy clean

help:  ## Print this list
	@echo "responses-adapter: make <target>"
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)$$/  \1|\2/p' $(firstword $(MAKEFILE_LIST)) \
	  | while IFS='|' read -r target does; do printf '%-14s %s\n' "$$target" "$$does"; done

install: $(EVERYTHING)  ## Install the adapter, its tests and linters into .venv (again only when setup.cfg changed)

run: $(RUNTIME)  ## Serve in the foreground; options: make run ARGS="--bind 127.0.0.1:9000"
	@[ -x "$$(sed -n '1s/^#!//p' $(BIN)/responses-adapter)" ] || { \
	  echo "$(VENV) was made in another folder, which is gone. Make it anew: make clean run" >&2; exit 1; }
	@[ -d adapter/__pycache__ ] && echo "Starting ..." || echo "Starting; the first time this takes some seconds ..."
	@exec $(BIN)/responses-adapter serve $(ARGS)

test: $(EVERYTHING)  ## Run the tests, four processes at a time; some of them: make test ARGS="tests/faults -k reset"
	$(BIN)/python -u -m pytest $(or $(ARGS),-n 4 --dist loadfile --no-loadscope-reorder)

test-clients: $(EVERYTHING)  ## Run real clients against the service; installs them into .clients (slow, needs npm)
	$(BIN)/python -u -m pytest -m clients tests/clients $(ARGS)

test-browser: $(EVERYTHING)  ## Test the inspector's pages in Chromium: no barriers, by keyboard, nothing from outside (some minutes)
	$(BIN)/pip install --quiet -e .[browser]
	@command -v chromium >/dev/null || $(BIN)/playwright install chromium
	$(BIN)/python -u -m pytest -m browser tests/service/operators/browser $(ARGS)

services:  ## Install the servers that some tests start: PostgreSQL, Redis, bubblewrap (Debian's packages; needs root or sudo)
	@packages=; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || packages=postgresql; \
	command -v redis-server >/dev/null || packages="$$packages redis-server"; \
	command -v bwrap >/dev/null || packages="$$packages bubblewrap"; \
	[ -n "$$packages" ] || exit 0; \
	[ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo apt-get update -qq; \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$packages

lint: $(EVERYTHING)  ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test  ## lint, then test

docs: $(EVERYTHING)  ## Build the pages as a site in build/site; a link that leads nowhere is an error
	@$(BIN)/python -m pip install --quiet --editable '.[docs]'
	$(BIN)/sphinx-build -q -W --keep-going -b html -c docs . build/site
	@echo "build/site/docs/README.html"

chaos: $(EVERYTHING)  ## Send 500 mixed requests while workers, provider and disk fail; prints what was lost: nothing
	$(BIN)/python -u -m pytest -m slow tests
	$(BIN)/python -m tests.support.chaos $(ARGS)

fuzz: $(EVERYTHING)  ## Search for inputs that break a decoder, guided by coverage where atheris installs (some minutes)
	@$(BIN)/python -m pip install --quiet --editable '.[fuzz]' || \
	  echo "NOT INSTALLED: atheris; hypothesis searches instead, guided by what its targets measure" >&2
	$(BIN)/python -m tests.properties.fuzz $(ARGS)

fuzz-api: $(EVERYTHING)  ## Send each route many requests that are generated from /openapi.json (some minutes)
	API_EXAMPLES=$(or $(EXAMPLES),100) $(BIN)/python -u -m pytest tests/contract/test_openapi.py $(ARGS)

release:  ## Build and try wheel and sdist in dist/, with a list of their parts (SBOM) and hashes (asks a package index)
	@PYTHON="$(PYTHON)" bash deploy/release.sh

audit: $(EVERYTHING)  ## Look up known vulnerabilities of the installed packages (asks a service for advisories)
	@$(PYTHON) deploy/audit.py $(ARGS)

try-image:  ## Build the container image and run it, read-only and without rights (needs root on Debian; some minutes)
	@bash deploy/try-image.sh

try-deploy: $(RUNTIME)  ## Deploy two instances on PostgreSQL behind nginx, kill each in turn, check that nothing is lost
	@bash deploy/try-deploy.sh

bench: $(RUNTIME)  ## Measure the adapter against plain forwarding; prints ratios
	-$(BIN)/python -m bench.admission
	$(BIN)/python -m bench $(ARGS)

clean:  ## Remove .venv, caches and build output (var/, the stored responses, stays)
	rm -rf $(VENV) .venv-* build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME): $(PACKAGE) | $(BIN)/pip
	@$(call install,$(RUNTIME_EXTRAS),the adapter)
	@touch $@

$(EVERYTHING): $(PACKAGE) | $(BIN)/pip
	@$(call install,$(EXTRAS),the adapter with its tests and linters)
	@touch $(RUNTIME) $@

# Wait for $$pid, and show meanwhile the seconds and what $(1) prints: on a terminal in one line, else every two seconds.
define await
	seconds=0; \
	while kill -0 $$pid 2>/dev/null; do \
	  sleep 1; seconds=$$((seconds + 1)); doing=$$($(1)); \
	  if [ -t 1 ]; then printf '\r\033[K  %3d s  %s' $$seconds "$$doing"; \
	  elif [ $$((seconds % 2)) = 0 ]; then echo "  $$seconds s  $$doing"; fi; \
	done; \
	if [ -t 1 ]; then printf '\r\033[K'; fi
endef

# Print what pip is doing.
define doing
	grep -E '^ *(Collecting|Downloading|Building|Installing|Preparing|WARNING: Retrying)' $(VENV)/install.log \
	  | tail -1 | sed 's/^WARNING: Retrying.*/no connection to the package index, trying again/' | cut -c1-60
endef

# What pip prints where it finds nothing.
UNREACHED := WARNING: Retrying|No matching distribution found|Could not fetch URL

# Install requirements.
define install
	$(BIN)/python -c '' 2>/dev/null || { \
	  echo "$(VENV) does not work: its Python is gone. Make it anew: make clean $(MAKECMDGOALS)" >&2; exit 1; }; \
	echo "Installing $(2) into $(VENV), once; this takes about a minute ..."; \
	$(BIN)/python -m pip install --progress-bar off --disable-pip-version-check --no-compile --editable '.[$(1)]' >$(VENV)/install.log 2>&1 & \
	pid=$$!; $(call await,$(doing)); \
	wait $$pid || { \
	  echo; tail -20 $(VENV)/install.log >&2; \
	  echo "NOT INSTALLED. All that pip printed: $(VENV)/install.log" >&2; \
	  ! grep -qE '$(UNREACHED)' $(VENV)/install.log || echo "The package index could not be reached, or lacks" \
	    "a package. Behind a proxy set HTTPS_PROXY; another index: PIP_INDEX_URL=https://..." >&2; \
	  exit 1; }; \
	echo "Installed in $$seconds s."
endef

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) is not installed. On Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  newer=$$(for minor in 14 13 12 11; do command -v python3.$$minor && break; done); \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
	    "Another one: make $(MAKECMDGOALS) PYTHON=$${newer:-python3.12}" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV), a virtual environment; this takes some seconds ..."; \
	$(PYTHON) -m venv $(VENV) & pid=$$!; $(call await,echo Python\'s venv and pip); wait $$pid
