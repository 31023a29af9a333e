# evd on a fresh machine: Python 3.11 to 3.13, gcc and make are enough.
#
#   make run    set up .venv, then `evd demo`: the whole chain, live     make test   all tests
#   make check  linters and types                                        make bench  benchmarks, JSON and a table
#   make ci     what .ci/run runs                                        make lock   pin newer dependencies

SHELL := /bin/bash
BIN := .venv/bin
READY := .venv/.ready

.PHONY: run test check bench ci build lock format clean help

run: $(READY)
	@exec $(BIN)/evd demo

test: $(READY)
	$(BIN)/pytest -q

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH=$$PWD/$(BIN):$$PATH cython-lint evd/_codec.pyx evd/_codec_json.pxi

bench: $(READY)
	@mkdir -p bench/results
	$(BIN)/pytest bench -q --benchmark-disable-gc --benchmark-columns=median,iqr,ops,rounds \
	    --benchmark-sort=name --benchmark-group-by=group --benchmark-json=bench/results/bench.json

ci: check test

build: $(READY)

format: $(READY)
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format -q .

lock: $(READY)
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade --no-annotate --no-header \
	    --no-emit-index-url --no-emit-find-links --all-extras pyproject.toml -o requirements.lock

clean:
	rm -rf .venv build evd.egg-info evd/_codec.c evd/*.so

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -7

# Setting up again is only needed when one of these changes.
$(READY): requirements.lock pyproject.toml setup.py evd/_codec.pyx evd/_codec_json.pxi .ci/setup
	@bash .ci/setup
	@touch $(READY)
