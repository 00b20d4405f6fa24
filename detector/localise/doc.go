// Package localise says which requests a fault hits: it looks for the combination of attributes,
// such as one server and one country, that explains best why more requests fail than usual. Start
// with [NewTable] and [Explain].
//
// The input is a [Table] of leaves: one for each combination of attribute values that occurs, with
// the requests of the time in question and those of the time before. [Explain] answers with ranked
// explanations. Each is an AND over at most three attributes, and an OR over the values of each:
// "servers a or b, from country SE". The explanation without terms is everyone.
//
// # Method
//
// The expected failures e of a leaf are its requests at the rate of its own history, which is
// shrunk towards the rate of all leaves. An explanation that covers x failures is scored by the
// Poisson log-likelihood ratio F = x ln(x/e) + e − x in nats, with e raised by the ratio of failed
// to expected requests outside of the explanation. This is the expectation-based spatial scan
// statistic with a background that is estimated from the complement (Kulldorff 1997, Neill 2009).
// The background decides between parent and child: an explanation that leaves a part of the fault
// outside raises its own background and loses, and one that takes in healthy requests dilutes its
// own ratio and loses, too. The price of having picked the explanation is subtracted: the logarithm
// of the number of values, for each value that it names.
//
// Single values are tried first, then pairs, then triples that extend the best pairs. The best of
// them are widened: one attribute after the other takes in the values that belong to the fault as
// well, with the other terms held fixed (fast multidimensional subset scan: Neill, McFowland and
// Zheng 2013). A value is taken in only if it is clearly hit by itself, at the price of having
// been picked.
//
// The package is pure: it reads no clock, starts no goroutine and keeps nothing. Equal tables give
// equal explanations, whatever the order of the leaves.
package localise
