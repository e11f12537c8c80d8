# `make run` and `make test` work on a fresh Debian 12 that has a Swift toolchain on the PATH, and `make bench` after
# them. What the rest do is in the list that plain `make` prints.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# Where `make run` serves predictions: host:port.
LISTEN ?= 127.0.0.1:8080

# Debian packages, installed where missing: what a Swift toolchain that was merely unpacked lacks to run and to link,
# headers of the libraries we link (zlib is swift-nio-extras'), and programs.
PACKAGES := gcc libc6-dev libstdc++-12-dev libncurses6 libxml2
PACKAGES += libyaml-dev libsqlite3-dev zlib1g-dev
PACKAGES += pkg-config git python3
run: PACKAGES += curl
test: PACKAGES += sqlite3 curl openssl python3-venv wrk nghttp2-client

# Holds a `python` where the system has none; see the target.
TOOLS := $(CURDIR)/.build-tools/bin
export PATH := $(TOOLS):$(PATH)

SWIFT_SOURCES := Package.swift Sources Tests

define HOW_TO_ASK

Ask the trained model, from another terminal:

  curl http://$(LISTEN)/orchestrator/iris/classifier -d '{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}'

endef
export HOW_TO_ASK

.PHONY: help run test build bench bench-long check clients format lint clean toolchain packages python

help:
	@echo 'make run      build in release mode and serve manifests/ on $(LISTEN) (LISTEN=HOST:PORT changes it)'
	@echo 'make test     run every test'
	@echo 'make check    the part of it that needs no Swift: the examples and the models'
	@echo 'make bench    measure speed and memory, beside nginx, HAProxy and Caddy; about a quarter of an hour'
	@echo 'make bench-long  memory over ten minutes, and 10,000 models; about as long'
	@echo 'make format   format the sources;  make lint  checks the format'
	@echo 'make clean    remove what was built; state/ is kept'

run: build python
	@echo "$$HOW_TO_ASK"
	exec .build/release/modelet serve --manifests manifests --state state --listen $(LISTEN)

# The tests come last: the runner's closing line is the verdict that people and CI look for.
test: toolchain packages check clients
	swift build --build-tests
	@scripts/run-tests .build/tests.log

# One product a call is what SwiftPM takes; the second finds nearly everything built.
# Without exclusivity checks at run time the gateway takes a tenth less processor time a request (bench/README.md); the
# tests run with them.
RELEASE := -c release -Xswiftc -enforce-exclusivity=unchecked
build: toolchain packages
	swift build $(RELEASE) --product modelet
	swift build $(RELEASE) --product modelet-shim

# Programs that nobody here wrote, to be tested against.
clients: packages
	scripts/install-clients .build-tools/clients

check: packages python
	scripts/check-examples
	scripts/check-models

bench: build
	bench/run
	bench/cold-start
	bench/stream
	bench/allocations
	bench/pass
	bench/edit

bench-long: build
	bench/idle
	bench/soak
	bench/many-models

format: toolchain
	swift format --in-place --recursive --parallel $(SWIFT_SOURCES)

lint: toolchain
	swift format lint --strict --recursive --parallel $(SWIFT_SOURCES)

clean:
	rm -rf .build .build-tools

toolchain:
	$(if $(shell command -v swift),@:,$(error modelet is built with Swift 6.2 or later, \
	  and there is no `swift` on the PATH: install it from https://www.swift.org/install/linux))

packages:
	@scripts/install-missing $(PACKAGES)

# The documented example is started with `python`, which Debian does not have: its python3 is given that name here, for
# what make starts, so that the system stays as it is. A `python` that is Python 3 already is left alone.
python: packages
	@python -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null || \
	  { mkdir -p '$(TOOLS)' && ln -sfn "$$(command -v python3)" '$(TOOLS)/python'; }
