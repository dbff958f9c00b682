# SPDX-License-Identifier: Apache-2.0
# `make` alone says what there is.

SWIFT ?= swift
# One build serves the command and the tests.
FLAGS := -c release -Xswiftc -enable-testing
# scripts/get-libtorch turns LIBTORCH into the link .deps/libtorch; the build then sees the same path every time.
RUN := env -u LIBTORCH $(SWIFT)
LETHE := .build/release/lethe

.DEFAULT_GOAL := help
.PHONY: help setup build demo test bench lint docs gates fuzz check check-all gpu-bundle install dist clean

help: ## print this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## install missing system packages, find or fetch LibTorch
	@SWIFT="$(SWIFT)" scripts/setup-system
	@scripts/get-libtorch

build: setup ## build the command, the shim and the plugins into .build/release
	$(RUN) build $(FLAGS)

demo: build ## compare six ways of forgetting on the embedded data
	$(LETHE) compare examples/glyphs-demo.yaml

# LibTorch seeds for a whole process: runs on diffusion models draw in one of their own.
test: setup ## build and run every test
	$(RUN) test $(FLAGS) --disable-xctest --skip DiffusionRunTests
	$(RUN) test $(FLAGS) --disable-xctest --skip-build --filter DiffusionRunTests

bench: build ## measure the numbers of docs/performance.md
	$(LETHE) bench

lint: ## check the format of all Swift
	$(SWIFT) format lint --strict --parallel --recursive $(wildcard Package.swift Sources Plugins sdk Tests)

docs: ## write the pages of methods, check the links and the copied code of the documents
	scripts/method-pages
	.ci/docs

gates: ## run the checks that need no build
	.ci/hygiene
	.ci/layering
	.ci/docs
	scripts/method-pages --check
	.ci/headers
	scripts/abi
	.ci/test-gates

fuzz: ## feed every reader of files with made-up bytes, ten minutes each
	scripts/fuzz

check: ## what guards a commit: lint, gates, tests, plugins on their own
	.ci/run

check-all: ## that with the slow tests, fuzzing, and tests under sanitizers
	.ci/check-all

gpu-bundle: build ## collect what a GPU machine needs into gpu-bundle/ (DATA=folder adds data)
	scripts/gpu-bundle $(DATA)

install: build ## copy command, plugins, kit and documents into PREFIX
	scripts/install "$(PREFIX)"

dist: build ## pack a tarball that runs wherever it is unpacked into dist/
	scripts/dist

clean: ## delete what was built; the cache of LibTorch stays
	rm -rf .build gpu-bundle dist
