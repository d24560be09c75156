# Every command there is. `make` lists them.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO        ?= go
ADDR      ?= 127.0.0.1:8080
DATA      ?=
FUZZTIME  ?= 10s
# CI adds -race, which needs a C compiler; a fresh machine needs Go and make alone.
TESTFLAGS ?= -shuffle=on

# Named, since a wildcard leaves out folders with a dot.
TOOLS     := ./.ci/testreport ./.ci/zip
FUNCTIONS := stream control ingest changes sweep
VERSION   := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# A zipped function has to stay below this, for the sake of its cold start.
MAX_ZIP   := 8000000

.PHONY: help
help: ## list the commands
	@awk -F':.*## ' '/^[a-z][a-z\/-]*:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: dev
dev: ## serve everything on this machine and open a page to try it (ADDR=host:port, DATA=dir keeps the events)
	@mkdir -p bin
	@$(GO) build -o bin/runnel ./cmd/runnel
	@exec bin/runnel dev --addr $(ADDR) $(if $(DATA),--data $(DATA))

.PHONY: test
test: ## all tests; what needs a browser, Node or a local cloud skips, and says so
	@$(GO) run ./.ci/testreport $(TESTFLAGS) -timeout 5m ./...

.PHONY: build
build: ## the command line, and the functions as zips for Lambda (arm64), with their sizes
	@mkdir -p bin dist
	@$(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/runnel ./cmd/runnel
	@for f in $(FUNCTIONS); do \
		CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -tags lambda.norpc -trimpath -ldflags '-s -w' -o dist/$$f/bootstrap ./functions/$$f; \
	done
	@$(GO) run ./.ci/zip -max $(MAX_ZIP) $(FUNCTIONS:%=dist/%/bootstrap)

.PHONY: generate
generate: ## write what follows from the definitions in events/, and the generator's golden files
	@mkdir -p bin
	@$(GO) build -o bin/runnel ./cmd/runnel
	@bin/runnel generate --from events
	@for dir in pkg/generate/testdata/*/; do bin/runnel generate --from $$dir; done

.PHONY: check
check: generate-check lint test ## what CI asks for: generated files fresh, lint, tests

.PHONY: generate-check
generate-check:
	@$(GO) run ./cmd/runnel generate --from events --check

.PHONY: lint
lint: ## gofumpt, go vet, go fix, staticcheck
	@unformatted=$$($(GO) tool gofumpt -l $$(git ls-files '*.go')); \
		[ -z "$$unformatted" ] || { echo "gofumpt: run '$(GO) tool gofumpt -w' on:" $$unformatted; exit 1; }
	@$(GO) vet ./... $(TOOLS)
	@$(GO) fix -diff ./...
	@$(GO) tool staticcheck ./... $(TOOLS)

.PHONY: fuzz
fuzz: ## every fuzz test for FUZZTIME, one after another
	@git grep -l '^func Fuzz' -- '*_test.go' | while read -r file; do \
		sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file" | while read -r name; do \
			echo "== $$name in $$(dirname "$$file")"; \
			$(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")"; \
		done; \
	done

.PHONY: bench
bench: ## what docs/benchmarks.md quotes
	@cd bench && $(GO) run ./cmd/bench

.PHONY: bench/leases
bench/leases: ## what a day of a thousand users costs with each kind of lease: docs/benchmarks-leases.md
	@cd bench && $(GO) run ./cmd/leases -out ../docs/benchmarks-leases.md

.PHONY: e2e/deps
e2e/deps: ## install the npm clients that the interoperability test reads with
	@cd e2e/clients && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error

.PHONY: interop
interop: ## curl, npm clients, a Go client and Chromium read the same stream
	@$(GO) test -count=1 -v -run 'TestEveryClient' ./e2e

.PHONY: validators/deps
validators/deps: ## install what the tests judge generated files with: tsc, and validators of schemas
	@cd .ci/validators && npm install --ignore-scripts --no-audit --no-fund --loglevel=error

.PHONY: clients/deps clients/test
clients/deps: ## install what the clients and what is generated for them are built and tested with
	@cd clients/typescript && npm install --ignore-scripts --no-audit --no-fund --loglevel=error
	@cd clients/elm && npm install --ignore-scripts --no-audit --no-fund --loglevel=error
	@# Each puts its binary in its own place when it is run first, which two at once would trip over.
	@cd clients/elm && node_modules/.bin/elm --version >/dev/null && node_modules/.bin/elm-format --help >/dev/null
clients/test: clients/deps ## build and test the TypeScript client, in Node.js and in Chromium on `runnel dev`, and what connects Elm to it
	@mkdir -p bin && $(GO) build -o bin/runnel ./cmd/runnel
	@cd clients/typescript && npm test --silent
	@cd clients/elm && npm test --silent

.PHONY: app app/deps app/test
app: app/deps ## the example page on `make dev`: comments, presence, alerts, a task, prices
	@cd examples/comments && npm run --silent build
	@exec bin/runnel dev --addr $(ADDR) $(if $(DATA),--data $(DATA)) --app examples/comments/build
app/deps: clients/deps
	@mkdir -p bin && $(GO) build -o bin/runnel ./cmd/runnel
	@cd clients/typescript && npm run --silent build
	@cd examples/comments && npm install --no-package-lock --ignore-scripts --no-audit --no-fund --loglevel=error
app/test: app/deps ## build and test the example page in Chromium
	@cd examples/comments && npm test --silent

.PHONY: local/up local/down
local/up: ## start DynamoDB and SQS on 127.0.0.1:4566 and create the tables and queues
	@localstack/up
local/down: ## stop them
	@localstack/down

.PHONY: clean
clean: ## remove what was built
	@rm -rf bin dist
