# Two commands do everything on a machine with python3, pip, git and make: `make serve` and `make test`.

PORT ?= 8000
DATA ?= data
DEMO ?= data-demo
# `make bench ONLY=list-cached SECONDS=1 RUNS=1` tries one of them quickly.
ONLY ?=
SECONDS ?= 3
RUNS ?= 5
FACTS ?= 1000000
# `make endurance KILLS=20 SEED=7` tries other moments, and fewer.
KILLS ?= 300
# `make interop STANDARDS=folder` holds what is published against the schemas there, which are others' to publish.
STANDARDS ?=
# `make soak MINUTES=2` tries whether it runs.
MINUTES ?= 60
# `make fuzz COUNT=1000 SEED=1` tries other requests, and fewer.
COUNT ?= 30000
CORRECTIONS ?= 500
SEED ?= 20230328

BIN := .venv/bin
STAMP := .venv/.installed
ASSETS := api/assets/files/.installed
AXE := build/browser/.installed
INTEROP := build/interop/.installed
UV := build/uv/bin/uv
# The interpreters that the project promises, and the oldest Linux that its wheels are asked for.
PYTHONS := 3.11 3.12 3.13
PLATFORM := x86_64-manylinux_2_28

# pyright's launcher would otherwise report each newer release.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

# An environment that was copied or moved here carries the path of another folder in its programs.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
$(shell rm -f $(STAMP))
endif

.DEFAULT_GOAL := help
# Every target wants the one environment, and the checks both cores.
.NOTPARALLEL:
.PHONY: help setup serve demo test browser pictures interop lint agreement mutants tampered fuzz endurance soak follow bench large openapi released lock wheels container clean

help: ## this list
	@echo "make TARGET, with PORT=$(PORT) and DATA=$(DATA) unless you say otherwise; to see it: make demo"
	@sed -n -e 's/^##@ \(.*\)/\n\1:/p' -e 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 13

setup: $(STAMP) $(ASSETS) ## prepare .venv, what the browser pages need, and nothing else

$(STAMP): requirements.lock pyproject.toml
	@sh .ci/setup

$(ASSETS): api/assets/package.json api/assets/package-lock.json .ci/assets .ci/npm | $(STAMP)
	@sh .ci/assets $(BIN)/python

##@ To see it
serve: setup ## start PostgreSQL and the API on 127.0.0.1:$PORT, keeping everything in $DATA
	@exec $(BIN)/planrecord serve --port $(PORT) --data-dir "$(DATA)"

demo: setup ## the same with a year of invented reports and edits, in $DEMO
	@exec $(BIN)/planrecord demo --serve --port $(PORT) --data-dir "$(DEMO)"

##@ To change it
lint: setup ## format, lint, types and the direction of imports
	@sh .ci/check 'format (ruff)' $(BIN)/ruff format --check
	@sh .ci/check 'lint (ruff)' $(BIN)/ruff check
	@sh .ci/check 'direction of imports (import-linter)' $(BIN)/lint-imports
	@sh .ci/check 'types (pyright)' $(BIN)/pyright

test: setup $(AXE) lint ## every check, the fast ones first
	@echo 'tests'
	@$(BIN)/pytest -q -n 2 --dist loadfile

browser: setup $(AXE) ## install what the browser tests need: Chromium and a Chinese font (as root, on Debian)
	@sh .ci/browser

$(AXE): tests/browser/package.json tests/browser/package-lock.json .ci/npm | $(STAMP)
	@rm -rf build/browser && mkdir -p build/browser && cp tests/browser/package*.json build/browser
	@sh .ci/npm $(BIN)/python build/browser && touch $@

##@ Checks that take longer
interop: setup $(INTEROP) ## others' own checks of what is published, in the runtimes that they are written for
	@STANDARDS="$(STANDARDS)" $(BIN)/pytest -q tests/interop

$(INTEROP): tests/interop/package.json tests/interop/package-lock.json tests/interop/requirements.lock .ci/npm | $(STAMP)
	@rm -rf build/interop && mkdir -p build/interop && cp tests/interop/package*.json build/interop
	@sh .ci/npm $(BIN)/python build/interop
	@$(BIN)/python -m venv --without-pip build/interop/python
	@sh .ci/pip build/interop/python install -qq --progress-bar off --require-hashes --no-deps \
	    -r tests/interop/requirements.lock
	@touch $@

agreement: setup ## hold the tables of 200 random records and 2,500 answers against api/auditing/answers.py
	@AGREEMENT_RECORDS=200 AGREEMENT_QUESTIONS=2500 $(BIN)/pytest -q -n 2 tests/integration/test_oracle.py

mutants: setup ## put faults into fold.py, report.py and directory.py, each of which that must tell
	@$(BIN)/python -m tests.mutants

tampered: setup ## tamper with a signed log in each way that is known: who finds it stands in build/tampered.txt
	@$(BIN)/pytest -q tests/tampered && cat build/tampered.txt

fuzz: setup ## send spoilt requests to every door: COUNT=30000 SEED=20230328
	@$(BIN)/python -m tests.attacks --count $(COUNT) --seed $(SEED)

endurance: setup ## kill the server and its PostgreSQL under load and judge the history: KILLS=300 SEED=20230328
	@$(BIN)/python -m tests.endurance --kills $(KILLS) --seed $(SEED)

soak: setup ## ask and tell a served record a little of everything for an hour, and see that its memory stays: MINUTES=60
	@$(BIN)/python -m tests.endurance.soak --minutes $(MINUTES) --seed $(SEED)

follow: setup ## follow the log by filters through a random year of CORRECTIONS=500
	@CORRECTIONS=$(CORRECTIONS) $(BIN)/pytest -q tests/integration/test_followers.py

bench: setup ## measure it beside its peers: ONLY=name,name SECONDS=3 RUNS=5; build/bench.json
	@$(BIN)/python -m tests.benchmarks --only "$(ONLY)" --seconds $(SECONDS) --runs $(RUNS) --facts $(FACTS)

large: setup ## make the large record that make bench measures growth in, unless it is there: FACTS=1000000
	@$(BIN)/python -m tests.benchmarks.large --facts $(FACTS)

##@ What is made from the code
pictures: setup ## a picture of every kind of page in build/pictures, and the README's two in pictures/: ONLY="a task"
	@$(BIN)/python -m tests.pictures --only "$(ONLY)"

openapi: setup ## write openapi/ anew from the code
	@$(BIN)/python -m api.cli.describe

released: setup ## take what openapi/ says as released: from then on a break of it fails, unless the change log owns up
	@cp openapi/openapi.json openapi/schema.graphql openapi/released/
	@$(BIN)/python -m tests.golden.leaves > openapi/released/leaves

$(UV):
	@rm -rf build/uv && "$$(sh .ci/python)" -m venv --without-pip build/uv
	@sh .ci/pip build/uv install -qq --progress-bar off uv

lock: $(UV) ## write requirements.lock anew from pyproject.toml
	@$(UV) pip compile --quiet pyproject.toml --extra server --extra parquet --group dev --universal \
	    --generate-hashes --no-annotate --no-header -o requirements.lock
	@$(UV) pip compile --quiet --group interop --universal --python-version 3.11 \
	    --generate-hashes --no-annotate --no-header -o tests/interop/requirements.lock

##@ What it runs on
wheels: setup $(UV) ## check for 3.11, 3.12 and 3.13 that all they need is there as wheels and that the types hold
	@for version in $(PYTHONS); do \
	    sh .ci/check "wheels for $$version" $(UV) pip install --dry-run --no-deps --require-hashes \
	        --only-binary :all: --python-version $$version --python-platform $(PLATFORM) \
	        --target build/wheels -r requirements.lock && \
	    sh .ci/check "types for $$version" $(BIN)/pyright --pythonversion $$version || exit 1; \
	done

container: setup ## carry out Dockerfile and docker-compose.yml without an engine
	@sh .ci/check 'container files' env PYTHONPATH=. $(BIN)/python .ci/container.py

##@ To begin anew
clean: ## remove what can be made anew; $DATA and $DEMO stay
	@rm -rf .venv build dist api/assets/files .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
