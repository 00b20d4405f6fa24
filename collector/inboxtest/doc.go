// Package inboxtest checks whether an implementation of [collector.Inbox] follows the rules of that
// interface. Start with [TestInbox]. To check a [collector.Queue] or a [collector.Ledger], test the
// inbox that [collector.Join] makes from them.
package inboxtest
