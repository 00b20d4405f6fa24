// Package detection measures how well faults are detected and localised, on public data with known
// causes. The data is not part of the repository; see docs/benchmarks.md.
package detection
