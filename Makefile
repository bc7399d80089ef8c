# For a new machine with python3 (3.11 or newer), make and git. Targets that need more say so.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE # tests start hundreds of processes, which need compiled code
.PHONY: help run demo dev test pytest check nightly lint format migrate lock bench scale screenshots sbom cluster sabotage docs pin-images

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/:/' | awk -F': ' '{printf "  make %-11s %s\n", $$1, $$2}'

.venv/run.stamp: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the dependencies of the service (a minute or two)."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

# uv installs in a tenth of pip's time, and does not read pip's settings (a mirror, a proxy): pip is the fallback.
.venv/dev.stamp: requirements.txt requirements-dev.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing the dependencies of the tests (a quarter of a minute with uv, a minute with pip)."
	@sed -n '/^uv==/,/[^\\]$$/p' requirements-dev.txt > .venv/uv.txt # its version and its hashes
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode -p $(BIN)/python --require-hashes \
		-r requirements.txt -r requirements-dev.txt || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements.txt -r requirements-dev.txt
	@touch .venv/run.stamp $@

run: .venv/run.stamp ## serve on http://localhost:8000 (configured by PORT, HOST and WEB_CONCURRENCY)
	@exec $(BIN)/python app.py

demo: .venv/run.stamp ## serve an application on http://localhost:8001 that logs in with the running service
	@exec $(BIN)/flask --app app auth demo-client

dev: .venv/run.stamp ## serve with reloader and debugger, on loopback only
	@exec $(BIN)/flask --app app --debug run --port $${PORT:-8000}

test: lint pytest ## lint, check types and run the fast tests

pytest: .venv/dev.stamp ## run the fast tests on SQLite and PostgreSQL
	$(BIN)/python -m pytest -n 3 --dist worksteal -q --durations=10

# Needs the packages that .ci/run installs: chromium, nginx, haproxy, caddy, promtool, docker-compose and others.
check: test ## run the slow tests as well, including those with system packages; none may be skipped
	$(BIN)/python -m pytest -n 3 --dist worksteal -q -m "slow and not nightly" --nothing-skipped

nightly: check ## run the long tests as well: a clean clone, a cluster, all interleavings, large tables
	$(BIN)/python -m pytest -n 2 --dist worksteal -q -m nightly --nothing-skipped

# Modules of your own, and virtual environments, may stand beside these.
OURS := app.py auth auth_testing bench config.py config_brand.py config_checks.py config_returns.py config_values.py deploy \
	migrations models.py oauth ops pages sdk tables tests utils

# mypy refuses a folder of which it excludes every file: migrations.
lint: .venv/dev.stamp ## run ruff, mypy --strict and the import contracts
	$(BIN)/ruff check $(OURS)
	$(BIN)/ruff format --check $(OURS)
	$(BIN)/mypy $(filter-out migrations,$(OURS))
	$(BIN)/lint-imports --no-logo --no-cache

format: .venv/dev.stamp ## format the code
	$(BIN)/ruff check --fix $(OURS)
	$(BIN)/ruff format $(OURS)

migrate: .venv/run.stamp ## apply the database migrations (DATABASE_URI)
	$(BIN)/flask --app app db upgrade

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes
lock: .venv/dev.stamp ## update the pinned requirements, with their hashes, from requirements*.in
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) -c requirements.txt requirements-serve.in -o requirements-serve.txt
	$(COMPILE) --no-strip-extras requirements-dev.in -o requirements-dev.txt
	$(COMPILE) bench/peers/requirements.in -o bench/peers/requirements.txt
	$(COMPILE) tests/clients/requirements.in -o tests/clients/requirements.txt
	$(COMPILE) tests/clients/streamlit.in -o tests/clients/streamlit.txt
	$(COMPILE) tests/clients/openapi.in -o tests/clients/openapi.txt
	$(COMPILE) tests/clients/further.in -o tests/clients/further.txt
	$(COMPILE) tests/clients/pgadmin.in -o tests/clients/pgadmin.txt

pin-images: ## write the digests of the images into Dockerfile and deploy/compose.yaml (asks Docker Hub)
	@$(PYTHON) -m deploy.pin_images

bench: .venv/dev.stamp ## measure throughput, latency and timing side channels (needs wrk)
	$(BIN)/python -m bench

scale: .venv/dev.stamp ## compare 1,000 with 1,000,000 accounts on a temporary PostgreSQL (6 GB of disk)
	$(BIN)/python -m bench.scale

sabotage: .venv/dev.stamp ## mutation tests: break one rule at a time, and its test must fail
	$(BIN)/python -m tests.sabotage

cluster: .venv/dev.stamp ## test a cluster of three apps, PostgreSQL, Valkey and HAProxy (needs haproxy)
	PATH="$$PATH:/usr/sbin" $(BIN)/python -m deploy.cluster

screenshots: .venv/dev.stamp ## write screenshots to docs/screens/ (needs chromium)
	$(BIN)/python -m tests.support.screenshots

docs: .venv/dev.stamp ## build the documentation site in build/site; broken links are errors
	@$(BIN)/mkdocs build --strict --clean --quiet

sbom: .venv/dev.stamp ## write the SBOM of requirements.txt to build/sbom.cdx.json (CycloneDX)
	@mkdir -p build
	@$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file build/sbom.cdx.json requirements.txt
