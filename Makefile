# make run: build everything and watch a staged outage. make test: set up what is needed, then all tests.
BIN := bin/heliograph
PAGE := dashboards/web

.PHONY: build run test setup check page race fuzz bench bench-collector clean

build:
	go build -trimpath -o $(BIN) ./cmd/heliograph

run: build
	./$(BIN) demo

test: setup check page race build
	./$(BIN) demo --once

setup:
	tests/setup.sh

# The benchmarks are a module of their own, which must follow the API.
check:
	@! gofmt -l $$(git ls-files '*.go') | grep . || { echo 'gofmt would change these files'; exit 1; }
	go vet ./...
	cd tests/bench && go vet ./...

# The page's bundle is committed, so that `go build` needs no Node; this rebuilds it and compares.
page:
	cd $(PAGE) && npm ci --no-audit --no-fund && npm run check
race:
	go test -race ./...
fuzz:
	tests/fuzz.sh 30s
bench:
	cd tests/bench && go run ./cmd/bench
bench-collector:
	cd tests/bench && go run ./cmd/bench -only ingest -otelcol
clean:
	rm -rf bin $(PAGE)/node_modules
