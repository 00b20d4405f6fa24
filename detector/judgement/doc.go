// Package judgement decides from reports and probes whether something is wrong: since when, for
// whom, and why. It is a state machine without clock, goroutine and I/O: the same rows in the same
// order give the same events.
package judgement
