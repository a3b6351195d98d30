# `make help` lists the targets.

.DEFAULT_GOAL := help
SHELL := /bin/sh

# Compiled with the toolchain that go.mod names; kept in .tools.
GOLANGCI_LINT_VERSION := v2.12.2
LINT := .tools/golangci-lint-$(GOLANGCI_LINT_VERSION)

# How long each fuzz target runs, for `make fuzz`.
FUZZTIME ?= 20s
# How often `make soak-ordering` kills what stands before Metadb.
ROUNDS ?= 10

# What draws the torments, and for how long or how many kills, for `make torture`.
SEED ?= 1
MINUTES ?= 10
KILLS ?= 0
# How many random sources `make soak-repetition` tries.
SEEDS ?= 500
# Further flags for `make bench` and `make demo`: make demo ARGS=--once
ARGS ?=

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/metadb
	go build -o bin/metadb ./cmd/metadb

.PHONY: demo
demo: build ## Show Metadb at work on a generated library (ARGS=--once: run through and exit)
	@scripts/install
	@go build -o bin/demo ./internal/tools/demo/cmd
	@bin/demo --metadb bin/metadb $(ARGS)

# The packages with the longest tests, in this order, are begun first: a long one that is
# begun last runs alone.
LONGEST := ./internal/testkit/e2e ./internal/server ./cmd/metadb ./internal/testkit/scenario ./internal/target/apply

.PHONY: test
test: ## Run every test, those with a real Kafka and Debezium and other languages' drivers included
	@scripts/install e2e
	go test -race -tags e2e -timeout 45m -p $$(($$(nproc) + 1)) $(LONGEST) ./...

.PHONY: golden
golden: ## Write the SQL statements that tests compare with, into internal/target/apply/sqlgen/testdata
	go test -count=1 -run '^TestGolden$$' ./internal/target/apply/sqlgen -update

.PHONY: test-short
test-short: ## Run in a minute the tests that need no database, and each scenario in one way
	@scripts/install
	go test -short -timeout 5m -p $$(($$(nproc) + 1)) ./internal/testkit/scenario ./...

.PHONY: torture
torture: ## Torture a server while it streams and compare with the oracle (SEED=1 MINUTES=10, or KILLS=1000)
	@scripts/install
	go test -count=1 -v -timeout 0 -run '^TestTorture$$' ./internal/testkit/chaos -seed $(SEED) -minutes $(MINUTES) -kills $(KILLS) $(ARGS)

.PHONY: soak
soak: ## Let a server work with a slow database and see what it uses (MINUTES=60)
	@scripts/install
	go test -count=1 -v -timeout 0 -run '^TestSoak$$' ./internal/testkit/chaos -soak $(MINUTES)

.PHONY: soak-analyst
soak-analyst: ## Let an analyst do what her rights allow, and see how late the stream is (MINUTES=10 SEED=1)
	go test -count=1 -v -timeout 0 -run '^TestAnalystCannotStopTheStream$$' ./internal/testkit/grudge -minutes $(MINUTES) -seed $(SEED) -late 5s

.PHONY: soak-repetition
soak-repetition: ## Let random sources' connectors crash and send again, and compare all versions (SEEDS=500)
	@scripts/install
	METADB_REPETITION_SEEDS=$(SEEDS) go test -count=1 -timeout 0 -run '^TestRepetition$$' ./internal/pipeline

.PHONY: soak-ordering
soak-ordering: ## Kill a real broker and Connect worker under a backlog of four partitions a topic, and compare all versions (ROUNDS=10)
	@scripts/install e2e
	go test -count=1 -v -tags e2e -timeout 0 -run '^TestOrderUnderBacklog$$' ./internal/testkit/e2e -rounds $(ROUNDS)

.PHONY: soak-guessing
soak-guessing: ## Guess passwords for a minute, 10,000 of them, and count who gets in
	@scripts/install test
	go test -count=1 -v -timeout 0 -run '^TestGuessing$$' ./internal/admin/wire -guessing 1m

.PHONY: licences
licences: ## Write docs/dependencies.md: what is linked into metadb, with its licences
	go test -count=1 -run '^TestDependencies$$' ./internal/testkit/doctest -update

.PHONY: command-page
command-page: ## Write the list of commands in docs/admin.md
	go test -count=1 -run '^TestPage$$' ./internal/admin/command -update

.PHONY: vulnerabilities
vulnerabilities: ## Ask vuln.go.dev about the dependencies
	@scripts/vulnerabilities

.PHONY: conformance
conformance: ## Print what becomes of each type in each mode, and write docs/types.md
	@scripts/install
	@go test -count=1 -run '^TestConformance$$' ./internal/testkit/scenario -update >/dev/null
	@cat docs/types.md

.PHONY: screenshots
screenshots: ## Make the pictures of the live page that docs/ shows, with Chromium
	@scripts/install e2e
	go test -count=1 -tags e2e -run '^TestPageInBrowser$$' ./internal/observe/monitor -update

.PHONY: bench
bench: build ## Measure against a raw COPY of the same rows, into bench/results (ARGS="--only mixed"; "--help" has more)
	@scripts/install
	go run ./internal/tools/bench/cmd --metadb bin/metadb --results bench/results $(ARGS)

.PHONY: version-dump
version-dump: build ## Dump a filled database of the present version into testdata/versions, before its layout changes
	@scripts/install
	go run ./internal/testkit/versions/cmd --metadb bin/metadb

.PHONY: lint
lint: $(LINT) ## Check formatting, imports and common mistakes
	$(LINT) run --allow-parallel-runners --build-tags e2e ./...

.PHONY: fmt
fmt: $(LINT) ## Format the code
	$(LINT) fmt ./...

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (20s, or as many inputs as in 4000x), two at a time
	@grep -rl '^func Fuzz' --include='*_test.go' cmd internal | while read -r file; do \
		sed -n "s|^func \(Fuzz[A-Za-z0-9_]*\).*|\1 ./$$(dirname "$$file")|p" "$$file"; \
	done | xargs -n 2 -P 2 sh -c 'go test -parallel 1 -run "^$$" -fuzz "^$$0$$" -fuzztime $(FUZZTIME) "$$1"'

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin .tools

$(LINT):
	GOBIN=$(CURDIR)/.tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv .tools/golangci-lint $@
