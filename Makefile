# Deepboard in two commands: `make run` starts the dashboard, `make test` proves that it works.

PORT ?= 8501
PYTHON := .venv/bin/python
QUICK := not heavy and not jobs and not browser and not long
LIGHT := $(QUICK) and not pages and not thorough
CORES := $(shell nproc 2>/dev/null || echo 2)

.PHONY: help run test test-long check style light screenshots bench setup

help:
	@echo "make run          start the dashboard on http://127.0.0.1:$(PORT)"
	@echo "make test         every test, the browser's included (about a quarter of an hour on two cores)"
	@echo "make check        format, lint, types and the light tests, within a minute"
	@echo "make test-long    what is too long for every day"
	@echo "make screenshots  a picture of every page in out/screenshots, and the one in the README"
	@echo "make bench        how good and how fast it is, on the data in DEEPBOARD_DATA; writes docs/bench.md, docs/engine/"

run:
	@tools/setup.sh run
	@$(PYTHON) -c "import socket; socket.create_server(('127.0.0.1', $(PORT)))" 2>/dev/null || \
		{ echo "Port $(PORT) is taken. Take another one: make run PORT=8502" >&2; exit 1; }
	@echo "Deepboard starts on http://127.0.0.1:$(PORT)   (Ctrl+C ends it; runs in progress go on)"
	@$(PYTHON) -m streamlit run app.py --server.port $(PORT)

setup:
	@tools/setup.sh dev

test: setup
	@tools/setup.sh chromium
	@failed=0; \
	$(PYTHON) -m pytest -n $(CORES) -m "$(QUICK)" || failed=1; \
	$(PYTHON) -m pytest -m "not ($(QUICK)) and not long" || failed=1; \
	exit $$failed

test-long: setup
	@tools/setup.sh chromium
	HYPOTHESIS_PROFILE=new $(PYTHON) -m pytest -n $(CORES) -m "$(QUICK)"
	$(PYTHON) -m pytest -m long

check: style light

style: setup
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

light: setup
	$(PYTHON) -m pytest -n $(CORES) -m "$(LIGHT)"

screenshots: setup
	@tools/setup.sh chromium
	DEEPBOARD_SCREENSHOTS=$(or $(TO),out/screenshots) $(PYTHON) -m pytest tests/browser/test_pages.py tests/browser/test_readme.py

bench: setup
	$(PYTHON) -m bench
