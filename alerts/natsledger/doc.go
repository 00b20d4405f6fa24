// Package natsledger is an [alerts.Ledger] in a bucket of NATS JetStream: detectors with stores of
// their own agree in it who tells of a fault, so that people get one alert for one fault, whoever
// has judged it. Start with [New], and run [Ledger.Run].
//
// A fault belongs to who enters it first. Its owner renews the entry as long as it lives; if it
// does not for some time, another detector that sees the fault, too, takes it over and goes on
// under the same key. Entries change by compare-and-set, so that each has one owner. Times are
// measured by each detector's monotonic clock, from when it saw an entry change, so clocks may
// differ.
package natsledger
