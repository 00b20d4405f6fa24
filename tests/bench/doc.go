// Package bench is the module of Heliograph's benchmarks beside its peers. It is a module of its
// own so that the peers are nobody's dependencies. docs/benchmarks.md says how to run it and
// what came out.
//
//	client     the agent's side: costs of requests and failures, bytes on the wire and in a binary
//	ingest     the collector's side: a floor, ours, the OpenTelemetry Collector, and their load
//	intake     the detector's side: a floor that opens and decodes, ours, a long backlog
//	probes     the prober's side: scrapes beside blackbox_exporter, the sweep of a large fleet
//	detection  how well faults are detected and localised, on public data with known causes
//	cmd/bench  runs all of these but detection in interleaved rounds and prints tables with ratios
//	cmd/benchdetect  measures how well the detector judges
//	cmd/benchscale   measures collector and detector together, under ten million clients
package bench
