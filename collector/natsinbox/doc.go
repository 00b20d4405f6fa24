// Package natsinbox is a [collector.Queue] in a stream of NATS JetStream, for collectors whose
// batches must outlive the collector's own disk. Start with [Open], and join the queue with a
// [collector.Ledger] by [collector.Join].
//
// Each collector has a stream of its own. A message is one encoded envelope. Its header Nats-Msg-Id
// has the batch's id and the beginning of its body's SHA-256, because anyone who has seen an id can
// send another body under it. The server recognizes such a pair for some minutes, which covers an
// append whose answer was lost. The ledger recognizes it for a week.
//
// A group of batches is one atomic publish (NATS 2.12), so the server writes and replicates it at
// once. An older server gets the messages one by one, and all acknowledgements are awaited.
//
// Append returns when the server has acknowledged the group, so a receipt promises no more than the
// stream does. Open therefore accepts only a stream in files that has three replicas, or one whose
// server syncs every write (sync_interval: always). See [Options] for how the second is known.
//
// The cursors of the readers are in a key-value bucket beside the stream, with as many replicas.
package natsinbox
