// Package bench is the module of Heliograph's benchmarks beside its peers. It is a module of its
// own so that the peers are nobody's dependencies. docs/benchmarks.md says how to run it and
// what came out.
//
//	client     the agent's side: costs of requests and failures, bytes on the wire and in a binary
//	ingest     the collector's side: a floor, ours, the OpenTelemetry Collector, and their load
//	cmd/bench  runs all of it in interleaved rounds and prints tables with ratios
package bench
