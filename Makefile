# Both `make demo` and `make test` need only Python with venv, make and a package index.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test coverage soak bench zoo labs web clean

demo: .venv/installed
	$(BIN)/handlens run studies/first-look.toml

test: .venv/installed-dev
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --numprocesses 2

# The same tests, and which lines they run; slower, so not what CI waits for.
coverage: .venv/installed-dev
	$(BIN)/python -m pytest --numprocesses 2 --cov --cov-report=term

# Longer than a test may take: a study killed at fifty random instants, a Ray cluster that loses a node; intervals,
# copies among 70,000 images and verdicts simulated in full; a server under 100,000 requests.
soak: .venv/installed-dev
	HANDLENS_SOAK=1 $(BIN)/python -m pytest tests/studies/test_kill.py tests/studies/test_cluster.py -k "random or cluster"
	HANDLENS_SOAK=1 $(BIN)/python -m pytest tests/evaluate tests/studies/test_audit.py tests/data/test_noticed.py
	HANDLENS_SOAK=1 $(BIN)/python -m pytest tests/serve/test_serve_soak.py tests/serve/test_serve_fuzz.py

bench: .venv/installed-bench
	$(BIN)/python -m benchmarks --write

zoo: .venv/installed
	$(BIN)/handlens run studies/zoo-mnist.toml --workers 1
	$(BIN)/handlens run studies/zoo-fashion-mnist.toml --workers 1
	$(BIN)/python -m benchmarks.zoo

# All five labs in full, an hour and a half; stop it and call it again as you like.
labs: .venv/installed-dev
	$(BIN)/handlens labs --workers 2
	cp reports/labs/labs.md docs/labs.md

# The stamps are as new as what they were made from, so a second call installs nothing.
.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) --editable .
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP) --requirement requirements-dev.txt --editable '.[parquet,onnx,search,mlflow,ray,keras,notebook,serve]'
	touch $@

.venv/installed-bench: .venv/installed requirements-bench.txt
	$(PIP) --requirement requirements-bench.txt --editable '.[keras]'
	touch $@

# What the page draws with, from npm by its lock file; the copies are part of the package, so few ever need this.
web:
	cd web && npm ci --ignore-scripts && node vendor.mjs

clean:
	rm -rf .venv
