# evd on a fresh machine: Python 3.11 to 3.13, gcc and make are enough.
#
#   make run    set up .venv, then `evd demo`: the whole chain, live     make test   the tests but those that follow
#   make browser  the console in a real browser (two minutes)            make check  linters and types
#   make faults  kills, power cuts, failing disks under load (two minutes): is what was acknowledged there?
#   make contract  schemathesis against the live API (a minute)
#   make simulation  300 seeds of failing disks and FCMs in virtual time (a minute)
#   make fuzz   foreign bytes for a minute; fuzz-atheris, fuzz-asan     make soak   an hour of mixed load; soak-picture draws it
#   make ci     what .ci/run runs: all of these                       make bench  benchmarks, JSON and a table
#   make bench-guard   is evd as fast as recorded?  (minutes)            make bench-peers  evd beside its peers, a picture
#   make bench-fleet   evd, Rust and Go over the size of the fleet; fails where what is owed is not kept  (an hour)
#   make bench-growth  ten million rows (long)                           make crashes  50 times kill -9 (minutes)
#   make nightly  all that is long: bursts, faults, growth, soak (five hours)  make lock   pin newer dependencies
#   make emulators  Firestore's for the tests, by npm where there is Node (make test does it, too)
#   make screenshots  docs/screenshots, made by the tests of the console   make architecture  draw docs/architecture.svg
#   make docs  the documents as a site, in build/site           make wheels  wheels and the source archive in dist/, each tried
#   make rebuild  archive and wheel made twice, the same bytes?          make sbom   what evd is made of, as CycloneDX
#   make settings  write docs/settings.md and evd/evd.toml.example from evd/config/settings.py

SHELL := /bin/bash
BIN := .venv/bin
READY := .venv/.ready
COMPILED := $(wildcard $(foreach depth,evd evd/* evd/*/*,$(depth)/*.pyx $(depth)/*.pxi))

EXTRA = $(BIN)/python -c 'import sys, tomllib; found = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
    print(*found["optional-dependencies"][sys.argv[1]], sep="\n")'

.PHONY: docs wheels
.PHONY: run test contract browser faults simulation check bench bench-fleet bench-growth bench-guard bench-guard-record bench-peers bench-picture
.PHONY: soak soak-picture fuzz fuzz-atheris fuzz-asan
.PHONY: rebuild sbom
.PHONY: screenshots burst crashes nightly ci build emulators auth-emulator lock format architecture access settings clean help

run: $(READY)
	@exec $(BIN)/evd demo

test: $(READY) emulators
	$(BIN)/pytest -q -n 3 --dist loadfile --ignore=tests/faults --ignore=tests/simulation --ignore=tests/soak --ignore=tests/web \
	    --ignore=tests/api/test_schemathesis.py

# The live API against its OpenAPI document, by schemathesis.
contract: $(READY)
	$(BIN)/pytest -q tests/api/test_schemathesis.py

# The console in Debian's Chromium.
browser: $(READY)
	$(BIN)/pytest -q -n 2 --dist loadfile tests/web

# Kills, power cuts, disks that fail or are full, clocks that jump; KILLS=… CUTS=… for more, SEED=… takes a run again.
faults: $(READY)
	$(BIN)/pytest -q -n 2 --dist loadfile tests/faults

# Ingest, writer and pushes in virtual time, with failing disks and FCMs: SEEDS=… for more, SEED=… takes one again.
simulation: $(READY)
	$(BIN)/pytest -q -n 2 --dist load tests/simulation

# An hour of mixed load over TLS with phases; SOAK_S=300 for a look, `make soak-picture` draws docs/soak.png of the last one.
soak: $(READY)
	$(BIN)/pytest -q -n 0 -s tests/soak

soak-picture: $(READY)
	$(BIN)/python bench/soak_picture.py

# Foreign bytes for FUZZ_S seconds: random mutations, on extensions built with AddressSanitizer; atheris watches coverage.
FUZZ_S ?= 50
ASAN := build/asan
fuzz: $(READY)
	$(BIN)/python tests/fuzz/fuzz.py --seconds $(FUZZ_S)

fuzz-atheris: $(READY)
	$(BIN)/python -m pip install -q "atheris==3.0.0"
	$(BIN)/python tests/fuzz/fuzz.py --engine atheris --seconds $(FUZZ_S)

fuzz-asan: $(READY)
	mkdir -p $(ASAN) && cp -r evd $(ASAN)/
	CFLAGS="-fsanitize=address -fno-omit-frame-pointer" LDFLAGS=-fsanitize=address \
	    $(BIN)/python setup.py -q build_ext --force --build-lib $(ASAN) --build-temp $(ASAN)-temp
	FUZZ_TREE=$$PWD/$(ASAN) LD_PRELOAD=$$(gcc -print-file-name=libasan.so) PYTHONMALLOC=malloc \
	    ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 $(BIN)/python tests/fuzz/fuzz.py --seconds $(FUZZ_S)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH=$$PWD/$(BIN):$$PATH cython-lint $(COMPILED)

BENCH := $(BIN)/pytest -q -rs --benchmark-disable-gc --benchmark-columns=median,iqr,ops,rounds \
    --benchmark-sort=name --benchmark-group-by=group

bench: $(READY)
	@mkdir -p bench/results
	$(BENCH) bench --ignore=bench/bench_growth.py --benchmark-json=bench/results/bench.json

# Shows its progress, so its output is not captured.
bench-growth: $(READY)
	@mkdir -p bench/results
	$(BENCH) -s bench/bench_growth.py --benchmark-json=bench/results/growth.json

bench-guard: $(READY)
	$(BIN)/python bench/guard.py

bench-guard-record: $(READY)
	$(BIN)/python bench/guard.py --record

# FLAGS="--python PYTHON" names a Python that has FastAPI; more: .venv/bin/python bench/peers.py --help
bench-peers: $(READY)
	$(BIN)/python bench/peers.py $(FLAGS)

bench-picture: $(READY)
	$(BIN)/python bench/peers.py --draw-only

# An hour on a quiet machine. FLAGS="--seconds 5 --rounds 1 --fleets 1000" for a look; "--large" for a million vehicles.
bench-fleet: $(READY)
	$(BIN)/python bench/bench_fleet.py $(FLAGS)

# 100,000 callbacks over 1,000 connections, against a queue that is too short for them.
burst: $(READY)
	BURST=100000x1000 $(BIN)/pytest -q -s tests/system/test_overload.py -k burst

# evd is killed under load again and again: are its pushes complete?  SEED=… repeats a round.
crashes: $(READY)
	KILLS=$${KILLS:-50} $(BIN)/pytest -q -s tests/faults/test_push_crash.py

# mkdocs fails for a link or an anchor that leads nowhere.
docs: $(READY)
	@mkdir -p build
	$(EXTRA) docs > build/docs.txt && $(BIN)/pip install -q -r build/docs.txt
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build -q

wheels: $(READY)
	@mkdir -p build
	$(EXTRA) wheels > build/wheels.txt && $(BIN)/pip install -q -r build/wheels.txt
	$(BIN)/python tests/wheels.py

# STEPS="burst crashes" runs these only (tests/nightly.py has them all).
nightly: $(READY) emulators auth-emulator
	@$(BIN)/python tests/nightly.py $(STEPS)

ci: check test contract browser faults simulation fuzz

build: $(READY)

# npm installs what package-lock.json pins, once; without Node the tests that need it are skipped and say so.
EMULATORS := tests/emulators/node_modules/.package-lock.json
emulators: $(if $(shell command -v npm),$(EMULATORS))
$(EMULATORS): tests/emulators/package-lock.json
	npm ci --prefix tests/emulators --ignore-scripts --no-progress --loglevel=error
	@touch $@

# 625 packages, a quarter of a GB: for `make nightly` only.
AUTH_EMULATOR := tests/emulators/auth/node_modules/.package-lock.json
auth-emulator: $(if $(shell command -v npm),$(AUTH_EMULATOR))
$(AUTH_EMULATOR): tests/emulators/auth/package.json
	npm install --prefix tests/emulators/auth --ignore-scripts --no-progress --loglevel=error
	@touch $@

format: $(READY)
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format -q .

# The pictures of the console in docs/screenshots, as its tests see it.
screenshots: $(READY)
	SCREENSHOTS=1 $(BIN)/pytest -q -n 0 tests/web

architecture: $(READY)
	$(BIN)/python docs/architecture_picture.py

access: $(READY)
	$(BIN)/python docs/access_table.py

settings: $(READY)
	$(BIN)/python docs/settings_table.py

lock: $(READY)
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --upgrade --no-annotate --no-header \
	    --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml -o requirements.lock

# Archive and wheel are made twice, in empty environments, and compared; then evd is run from them (six minutes).
rebuild: $(READY)
	NIGHTLY=1 $(BIN)/pytest -q -p no:cacheprovider tests/test_wheels.py

# dist/evd.cdx.json: a CycloneDX document of what evd is made of.
sbom: $(READY)
	@bash .ci/sbom

clean:
	rm -rf .venv build evd.egg-info
	find evd -name "_*.c" -delete -o -name "*.so" -delete

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -16

# Setting up again is only needed when one of these changes.
$(READY): requirements.lock pyproject.toml setup.py $(COMPILED) evd/store/sqlite/sqlite_table.h .ci/setup
	@bash .ci/setup
	@touch $(READY)
