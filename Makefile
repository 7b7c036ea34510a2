# Shortcuts. What each does stands in .ci/run, so that a check by hand and a
# check by machine are the same check.

GO ?= go
FUZZTIME ?= 30
BENCH ?= .

.PHONY: help check test race bench bench-compare fuzz hostile faults cover tidy generate

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: ## all that must hold before a change goes in
	.ci/run

test: ## the tests
	$(GO) test ./...

race: ## the tests under the race detector, long simulations cut short
	.ci/run race

bench: ## the benchmarks, BENCH=regexp for some of them
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

bench-compare: ## this library beside others, in one run
	$(GO) -C bench run ./compare

fuzz: ## every fuzz target, FUZZTIME=seconds for each
	.ci/fuzz $(FUZZTIME)

hostile: ## what hostile servers cost a shard, as the table of SECURITY.md
	@table=$$(mktemp) && $(GO) test ./internal/hostile -count=1 -run '^TestHostile$$' -table $$table && cat $$table; rm -f $$table

faults: ## a session and its resume cut after every byte: some 75,000 times
	$(GO) test ./gatewayshard -count=1 -timeout 60m -run '^TestCuts$$' -v -cuts

cover: ## coverage of the tables and the core
	.ci/cover

tidy: ## go.mod and go.sum of every module
	@for mod in $$(find . -name go.mod -not -path '*/.*/*' -not -path '*/testdata/*' -not -path '*/node_modules/*'); do \
		echo "- $$(dirname "$$mod")"; $(GO) -C "$$(dirname "$$mod")" mod tidy || exit; \
	done

generate: ## the pages of docs/ and the package discord, which are made from tables
	$(GO) -C tools test ./gen ./schema -update
