# One line each: `make help`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := $(sort $(dir $(wildcard libs/*/pyproject.toml services/*/pyproject.toml cli/pyproject.toml)))
STAMP := $(VENV)/.edgeloop-installed

.DEFAULT_GOAL := help
.PHONY: help init demo compose test lint new-service generate lock clean doors clients faults bench prose release

help: ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

init: $(STAMP) ## set up .venv; leaves the command at .venv/bin/edgeloop

$(STAMP): requirements.lock pyproject.toml VERSION $(addsuffix pyproject.toml,$(PACKAGES))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "edgeloop needs Python 3.11 or newer; PYTHON=$(PYTHON) is $$($(PYTHON) -V)"; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python tools/install.py "dependencies (the first time takes two to eight minutes)" --require-hashes -r requirements.lock
	@$(BIN)/python tools/install.py edgeloop --no-deps --no-build-isolation $(addprefix -e ./,$(PACKAGES))
	@touch $@

demo: init ## run the closed loop on a real stream, about three minutes
	@$(BIN)/edgeloop demo

compose: ## the whole platform in containers, until `docker compose down`; needs Docker
	@$(PYTHON) tools/check_docker.py
	@docker compose up --build --wait || { $(PYTHON) tools/check_docker.py --why; exit 1; }
	@$(PYTHON) tools/check_docker.py --where

test: init ## all tests, on a real broker; TESTS='services/labels -k late' takes some
	@$(BIN)/python tools/test.py $(TESTS)

doors: init ## strangers' records, requests, attacks and busy neighbours
	@$(BIN)/python -m pytest -m doors tests/doors tests/faults

clients: init ## stock clients in other languages and tools against a real platform; installs them
	@tools/install_clients.sh
	@$(BIN)/python -m pytest -m clients tests/clients

faults: init ## sixty and more late and frozen ends of transactions, kills of two at once, a broker long away, busy cores, and the naive loop, about 20 minutes
	@$(BIN)/python -m pytest -s tests/faults -m faults

bench: init ## measure against what it builds on, about ten minutes; BENCH=codec takes one
	@$(BIN)/python -m benchmarks $(BENCH) --record

lint: init ## style, types, architecture, generated code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python tools/generate.py --check
	@$(BIN)/python tools/generate_services.py --check
	@$(BIN)/python tools/generate_settings.py --check
	@$(BIN)/python tools/generate_topics.py --check
	@$(BIN)/python tools/generate_policies.py --check
	@$(BIN)/pyright
	@$(BIN)/lint-imports

docs: init ## build the documentation site in build/site; broken links are errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

new-service: init ## write a service that runs and passes its tests: NAME=archive, and STATELESS=1 for one without a state topic
	@$(BIN)/python tools/new_service.py "$(NAME)" $(if $(STATELESS),--stateless)

generate: init ## make the generated code, tables and lists anew
	@$(BIN)/python tools/generate.py
	@$(BIN)/python tools/generate_services.py
	@$(BIN)/python tools/generate_settings.py
	@$(BIN)/python tools/generate_topics.py
	@$(BIN)/python tools/generate_policies.py

lock: init ## make requirements.lock anew
	@$(BIN)/python tools/lock.py $(LOCK)

prose: init ## words per sentence of docs, help texts, docstrings and comments
	@$(BIN)/python tools/prose.py

release: init ## prepare VERSION=x.y.z: versions, and the changelog from its fragments
	@$(BIN)/python tools/release.py $(VERSION)

clean: ## remove what was built and everything that ran
	rm -rf $(VENV) .edgeloop build dist
