// Package collector takes sealed batches from agents and Reporting API uploads from browsers,
// stores them durably and hands them to detectors. It is blind: it holds no opening key and reads
// of a segment no more than its framing.
//
// New wires a Collector; Handler serves the public routes, Operations the private ones. Every batch
// takes one way: a bounded admission, a bounded body, one committer that makes a whole group of
// uploads durable in one transaction of the Inbox, and one signature over all their receipts.
// Nothing is acknowledged before it is durable, and a refusal is a signed statement too.
//
// A peer's address is looked up for its network and country and then forgotten: it is in no inbox,
// log, metric or error text.
package collector
