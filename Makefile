# make run: build everything and watch a staged outage. make test: set up what is needed, then all tests.
BIN := bin/heliograph
PAGE := dashboards/web
SHIM := wasm/npm
CI := npm ci --no-audit --no-fund
.PHONY: build run test setup check page wasm shim npm python node windows sizes race model fuzz bench bench-detect bench-hostile bench-collector dist clean

build: wasm
	go build -trimpath -o $(BIN) ./cmd/heliograph
run: build
	./$(BIN) demo
test: setup check page shim race build
	./$(BIN) demo --once
setup:
	tests/setup.sh
# Format, vet, staticcheck and dead code, over all modules.
check:
	tests/check.sh
# The bundles are committed, so that `go build` needs no Node; these rebuild and compare.
page:
	cd $(PAGE) && $(CI) && npm run check
wasm:
	go run ./wasm/build wasm/dist
shim npm: wasm
	cd $(SHIM) && $(CI) && npm run check
# The wheel, into bin/: docs/python.md.
python:
	bindings/python/build.sh
# The npm package for Node.js and Electron, into bin/: docs/node.md.
node:
	bindings/node/build.sh
# The C library for Windows, into bin/windows/: docs/c.md.
windows:
	bindings/c/windows.sh
sizes: wasm
	cd tests/bench/sizes && $(CI) && node sizes.mjs
# Four packages of tests at a time, because many wait for servers, browsers and clocks. No test may be skipped because
# something is missing that setup installs.
race:
	HELIOGRAPH_TEST_NOTHING_MISSING=1 go test -race -timeout 40m ./...
	cd tests && go test -race -p 4 -timeout 40m ./...
	cd tests/otlp && go test ./...
# What a release consists of, into dist/: docs/release.md.
dist:
	deploy/dist/build.sh
# The delivery protocol's model alone, with the size of each search; race has it, too.
model:
	cd tests && go test -count=1 -v ./model
fuzz:
	tests/fuzz.sh 30s
bench:
	cd tests/bench && go run ./cmd/bench && go test -count 1 -run TestCostOfEarlyReports -v ./client
bench-collector:
	cd tests/bench && go run ./cmd/bench -only ingest -otelcol
# How well the detector judges, beside simple rules and on public data (HELIOGRAPH_DATA, default ../shared/data).
# Attacks at full size beside honest traffic: some ten minutes.
bench-hostile:
	cd tests/bench && go run ./cmd/benchhostile
bench-detect:
	cd tests/bench && go run ./cmd/benchdetect
clean:
	rm -rf bin dist $(PAGE)/node_modules $(SHIM)/node_modules tests/bench/sizes/node_modules
