# Every target works on a fresh machine with python3 (3.11 or newer), make and git.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run dev test check nightly lint format migrate lock bench scale screenshots sbom cluster sabotage docs

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/:/' | awk -F': ' '{printf "  make %-11s %s\n", $$1, $$2}'

.venv/run.stamp: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what the service needs; half a minute the first time."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements-dev.txt
	@echo "Installing what the tests need; a minute the first time."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: .venv/run.stamp ## serve on http://localhost:8000 (PORT, HOST and WEB_CONCURRENCY change that)
	@exec $(BIN)/python app.py

dev: .venv/run.stamp ## serve with reload and debugger, on this machine only
	@exec $(BIN)/flask --app app --debug run --port $${PORT:-8000}

test: .venv/dev.stamp lint ## lint, types, and the whole suite in parallel, on SQLite and Postgres
	$(BIN)/python -m pytest -n 2 --dist worksteal -q --durations=10

# Needs what .ci/run installs: chromium, nginx, haproxy, promtool, docker-compose, sqlite3, faketime, oathtool, express.
check: test ## what needs more than pip or more time, nothing skipped
	$(BIN)/python -m pytest -n 2 --dist worksteal -q -m "slow and not nightly and not alone" --nothing-skipped
	$(BIN)/python -m pytest -q -m alone --nothing-skipped

nightly: check ## what takes long and rarely fails: a clean clone, a cluster, every interleaving, large tables
	$(BIN)/python -m pytest -q -m nightly --nothing-skipped

lint: .venv/dev.stamp ## ruff, mypy --strict and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-logo --no-cache

format: .venv/dev.stamp ## put the code into its one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migrate: .venv/run.stamp ## bring the database of DATABASE_URI up to date
	$(BIN)/flask --app app db upgrade

lock: .venv/dev.stamp ## pin the whole closure of requirements*.in anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header requirements-dev.in -o requirements-dev.txt

bench: .venv/dev.stamp ## measure this service against its own floors, and what its answers' times tell (needs wrk)
	$(BIN)/python -m bench

scale: .venv/dev.stamp ## measure 1,000 accounts against 1,000,000, on a Postgres of its own (6 GB of disk)
	$(BIN)/python -m bench.scale

sabotage: .venv/dev.stamp ## break one rule at a time and see its test fail
	$(BIN)/python -m tests.sabotage

cluster: .venv/dev.stamp ## try three apps, Postgres, Valkey and HAProxy as one service (needs haproxy)
	PATH="$$PATH:/usr/sbin" $(BIN)/python -m deploy.cluster

screenshots: .venv/dev.stamp ## write pictures of every screen to docs/screens/ (needs chromium)
	$(BIN)/python -m tests.support.screenshots

docs: .venv/dev.stamp ## build the documentation as a site in build/site; a broken link fails
	@$(BIN)/mkdocs build --strict --clean --quiet

sbom: .venv/dev.stamp ## list what the service runs on in build/sbom.cdx.json (CycloneDX), from requirements.txt
	@mkdir -p build
	@$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file build/sbom.cdx.json requirements.txt
