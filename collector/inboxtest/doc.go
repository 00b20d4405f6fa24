// Package inboxtest checks that a kind of [collector.Inbox] keeps the rules of that interface. It
// is for who writes one: most readers need [TestInbox]. A [collector.Queue] or a [collector.Ledger]
// is checked as part of what [collector.Join] makes of it.
package inboxtest
