# Everything runs from .venv, made here from the lock files: `make run` and `make test` need Python 3.11+ and nothing else.
# .venv/bin/python is named by a relative path throughout, so that the folder's own name may hold spaces.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
PIP = .venv/bin/python -m pip --disable-pip-version-check install --quiet
ARGS ?=

.PHONY: run test crash reloads bench bench-check lint lock clean

run: .venv/.installed
	@.venv/bin/python -m supervisor demo $(ARGS)

test: .venv/.installed-dev .venv/.installed-buckets
	.venv/bin/python -m pytest $(ARGS)

# Services are killed at random under load: ARGS="--minutes 5 --seed 7".
crash: .venv/.installed-dev
	@.venv/bin/python -m tests.crash.storm $(ARGS)

# Benchmarks, not tests: ARGS="ledger start --quick", ARGS=--json.
bench: .venv/.installed-bench
	@.venv/bin/python -m tests.bench $(ARGS)

# Fails when a ratio is worse than the committed one by more than 20 %.
bench-check: .venv/.installed-bench
	@.venv/bin/python -m tests.bench --check $(ARGS)

# A thousand reloads under load; `make test` has a tenth of them.
reloads: .venv/.installed-dev
	CAMPAIGND_RELOADS=1000 .venv/bin/python -m pytest -n 0 tests/reload -k many_reloads

lint: .venv/.installed-dev
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy

.venv/.python:
	@test -n "$(PYTHON)" || { echo "campaignd needs Python 3.11 or newer; none found (set PYTHON=…)" >&2; exit 2; }
	@$(PYTHON) -m venv .venv || { echo "could not create .venv (on Debian: apt install python3-venv)" >&2; exit 2; }
	@touch $@

.venv/.installed: requirements.lock pyproject.toml | .venv/.python
	@echo "installing into .venv …" >&2
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --no-index -e .
	@touch $@

.venv/.installed-dev: requirements-dev.lock .venv/.installed
	@echo "installing the development tools into .venv …" >&2
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@

.venv/.installed-buckets: requirements-buckets.lock | .venv/.python
	@echo "installing the servers of buckets that tests talk to into .venv/buckets …" >&2
	@.venv/bin/python -m venv .venv/buckets
	@.venv/buckets/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements-buckets.lock
	@touch $@

.venv/.installed-bench: requirements-bench.lock .venv/.installed-dev
	@echo "installing what the benchmarks measure against into .venv …" >&2
	@$(PIP) --require-hashes -r requirements-bench.lock
	@touch $@

# Locks hold for Python 3.11 to 3.13 on every platform, with hashes and without the address of any index.
lock:
	UV_NO_CONFIG=1 uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml --extra build -o requirements.lock
	UV_NO_CONFIG=1 uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml --extra build --extra dev -c requirements.lock -o requirements-dev.lock
	UV_NO_CONFIG=1 uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml --extra build --extra dev --extra bench -c requirements-dev.lock -o requirements-bench.lock
	UV_NO_CONFIG=1 uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --group buckets -o requirements-buckets.lock

clean:
	rm -rf .venv build dist
