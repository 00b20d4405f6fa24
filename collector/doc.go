// Package collector takes sealed batches from agents and Reporting API uploads from browsers,
// stores them durably and hands them to detectors. It is blind: it holds no opening key and reads
// of a segment no more than its framing.
//
// Begin with [New], serve [Collector.Handler] and call [Collector.Run]. A batch takes one way: a
// place among the uploads in flight, a bounded body, one transaction of the [Inbox] for a whole
// group of uploads, and one signature over all their receipts. Nothing is acknowledged before it is
// durable, and a refusal is a signed statement, too.
//
// An [Inbox] may be one database or a [Queue] and a [Ledger] that [Join] brings together. The
// package inboxes opens the kind that a configuration names; inboxtest checks one that you write.
//
// A peer's address is looked up for its network and country and then forgotten: it is in no inbox,
// log, metric or error text.
package collector
