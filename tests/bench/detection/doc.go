// Package detection measures how well the detector judges: in simulated worlds whose truth is
// known, beside the simple rules that others use ([RunWorld]), on public data with known anomalies
// ([NAB]) and causes ([RS]), and what a bin costs ([RunLoad]). The data is not part of the
// repository; see docs/replay.md.
package detection
