# Everything a checkout needs, from a bare machine: `make test` and `make demo` install what is missing.

BIN := node_modules/.bin
ADDON := build/Release/policyc_native.node
NATIVE := src/loader/native
OBJECTS := $(patsubst $(NATIVE)/%.cc,build/native/%.o,$(wildcard $(NATIVE)/*.cc))
SOURCES := $(shell find bench src grammar \( -name '*.ts' -o -name '*.json' \) 2>/dev/null)

# Node's C interface is stable across major versions: one build serves Node 20, 22 and 24.
CXXFLAGS := -std=c++17 -O2 -fPIC -fvisibility=hidden -Wall -Wextra -Wconversion
CPPFLAGS := -DNAPI_VERSION=8 -DNODE_ADDON_API_CPP_EXCEPTIONS_ALL -DNODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS -DNODE_ADDON_API_DISABLE_DEPRECATED \
  -isystem node_modules/node-api-headers/include -isystem node_modules/node-addon-api
LDLIBS := -lbpf -lelf -lz

export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
MAKEFLAGS += --no-print-directory

.PHONY: build setup addon built-addon built-dist demo test test-all test-kernels bench bench-ready check clean
.DEFAULT_GOAL := build

build: setup addon
	@$(MAKE) built-dist

setup:
	@bash scripts/setup.sh

# A second make, so that its file times are read after setup has run.
addon: setup
	@if bash scripts/can-build-addon.sh; then $(MAKE) -j$(shell nproc) built-addon; fi

built-addon: $(ADDON)
	@:

built-dist: dist/.built
	@:

$(ADDON): $(OBJECTS)
	@mkdir -p $(@D)
	@echo "build: $@"
	@g++ -shared -o $@.new $(OBJECTS) $(LDLIBS)
	@mv $@.new $@

build/native/%.o: $(NATIVE)/%.cc $(wildcard $(NATIVE)/*.h) Makefile
	@mkdir -p $(@D)
	@echo "build: $<"
	@g++ $(CXXFLAGS) $(CPPFLAGS) -c $< -o $@

# From empty, so that nothing of a deleted source stays behind.
dist/.built: $(SOURCES) tsconfig.json tsconfig.build.json package-lock.json
	@echo "build: dist"
	@rm -rf dist
	@$(BIN)/tsc -p tsconfig.build.json
	@touch $@

demo: build
	@if [ -f scripts/demo.sh ]; then bash scripts/demo.sh; else echo "demo: scripts/demo.sh is not there yet" >&2; exit 1; fi

test: build
	@$(BIN)/vitest run

# The long ones too: more random policies, and other kernels.
test-all: export POLICYC_TEST_ALL := 1
test-all: test
	@$(MAKE) test-kernels

# Debian's kernels under QEMU, one after the other; SUITES="bullseye sid" for some of them.
test-kernels: build
	@bash scripts/setup-kernels.sh
	@$(BIN)/tsc -p test/kernels/tsconfig.json
	@cp -r test/verdicts/*.yaml build/kernels/compiled/test/verdicts/
	@node build/kernels/compiled/test/kernels/main.js $(SUITES)

# Ratios in one run; needs root. BENCH="--full" for all of it.
bench: bench-ready
	@node dist/bench/main.js $(BENCH)

bench-ready: build
	@bash scripts/setup-bench.sh

check: build
	@$(BIN)/prettier --check bench grammar src test scripts
	@$(BIN)/eslint --max-warnings 0 bench grammar src test scripts
	@$(BIN)/tsc -p tsconfig.json --noEmit
	@$(MAKE) test

clean:
	@rm -rf build dist
