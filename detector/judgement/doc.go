// Package judgement decides from reports and probes whether something is wrong: since when, for
// whom, and why. [Judge] is a state machine without clock, goroutine and I/O: the same rows in the
// same order give the same events.
//
// # The way of a row
//
// [Judge.Add] takes one row: what one client says of one kind of request. Its requests count as
// exposure, and its failures count bin by bin in series: for everyone, and for the row's network,
// server, country, version, operating system, protocol and collector, each for its outcome and for
// all failures together. Bins are of the time of the requests. Of a client the first failure
// counts, the second, the fourth, the eighth, and so on; of an address prefix eight, and four for
// each doubling after that; both anew every 48 bins. So nobody is heard much more than others.
// Failures are kept one by one while their bin is among the last 64.
//
// [Judge.Advance] judges every bin whose grace is over. Successes are told later than failures, so
// the exposure of a bin is the one to be expected: the level of all requests, learned from bins
// that are complete, times the long-run share of the value. A series stands out when its failures
// in one of seven windows, from one bin to 48, are improbable: X is negative binomial, because the
// rate of failures is known only roughly (gamma–Poisson, as in discounted Bayesian surveillance)
// and varies beyond chance by amounts that are learned from calm bins, because failures of one
// source come together, and because the few reports that stand for many requests tell only roughly
// how many there are. An alarm takes Options.Evidence nats and two prices: the logarithm of one
// over the value's share of requests, and the same of the stream's share of what is expected to
// fail. Since shares sum to one, this weighted Bonferroni correction makes the chance of a false
// alarm that of a single series. A bin is learned as normal when it leaves the ring, unless it was
// suspicious, so that slow faults are not learned while they grow.
//
// Alarms are explained by package localise, over all attributes together. What it finds is
// simplified and ranked by evidence less price. Where several values are hit, others join them by a
// mixture of values that are hit and values that are not (join.go). A cause belongs to an incident
// with the same scope, or to one beside it in time and outcome; else it makes a new one. The onset
// is the change point with the greatest likelihood ratio. An incident is over when its scope is
// calm for as long as would have brought some failures; the same fault within an hour opens it
// again, and each time it must be calm for longer.
//
// Package verdict then says why, from the facts that are gathered here. An incident alerts people
// only if it is told from enough address prefixes: so many that they, too, are improbable. Prefixes
// and networks are what collectors saw; tokens are what clients claim.
//
// # Hostile reports
//
// Names that clients claim (servers, versions, targets) are remembered once three sources have said
// them. A source, that is an address prefix of a network, that is far louder than all others and
// than its network's loudest ever was is a flood: it is told as forged and not listened to. A
// network that claims many times its usual requests is believed in part. Every table has a bound.
//
// # Reports of the past
//
// Rows that arrive five minutes or more after the fact raise nothing now. They make or extend
// incidents of the past, which are marked late.
package judgement
