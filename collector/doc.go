// Package collector receives sealed batches from agents and Reporting API uploads from browsers,
// stores them durably and serves them to detectors. It cannot read reports: it has no opening key
// and parses only the framing of a segment.
//
// Start with [New], serve [Collector.Handler] and call [Collector.Run]. Every batch passes the same
// steps: a place among the uploads in flight, a bounded body, one transaction of the [Inbox] for a
// group of uploads, and one signature over all their receipts. No batch is acknowledged before it
// is durable. A refusal is a signed statement, too.
//
// An [Inbox] is either one database, or a [Queue] and a [Ledger] that [Join] combines. Package
// inboxes opens the kind that a configuration names. Package inboxtest checks an implementation
// of your own.
//
// The collector looks up the network and the country of a peer's address and then forgets the
// address. No inbox, log, metric or error contains it.
package collector
