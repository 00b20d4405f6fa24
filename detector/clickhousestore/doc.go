// Package clickhousestore is a detector's store for events in ClickHouse, for more than one machine
// can hold. Start with [Open].
//
// # Exactly once
//
// ClickHouse has no transactions, wants few large insertions, and may have carried out one whose
// answer was lost. So nothing is written to it directly. What Append is given goes, in one durable
// transaction, into a journal: a small SQLite file beside the detector's state. From there it is
// inserted in blocks. A block is a range of the journal, which is recorded before its first
// insertion, so its rows are the same however often it is tried. Each table gets one insertion of a
// block for each day, which ClickHouse carries out as a whole or not at all, and whose rows carry
// the number of the block. After a crash or an error, the store waits until the server has no
// insertion of that block under way any more, asks which tables and days have it, and inserts the
// others. Then it deletes the range from the journal.
//
// Tables that sum rows lose their numbers in doing so. There, each insertion has a mark: a row of
// its own with the number of the block, which nothing is summed with.
//
// # What stays in the journal
//
// Rows that wait to be judged never leave the journal, so judging does not wait for ClickHouse.
// The latest minutes and hours of rollups and durations are summed there until they are over, and
// so come to ClickHouse once and not with each page.
//
// # While the server is away
//
// Batches are taken whose ids the journal does not have; it keeps those of the latest million. Each
// is a row of its own then, and is looked up before it comes into a block. Answers are errors that
// wrap model.ErrAway.
//
// One process writes to a database. The SQL is that of ClickHouse 18.16, the server of Debian 12;
// docs/scale.md says what newer servers do better.
package clickhousestore
