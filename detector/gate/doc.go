// Package gate compares a release of an application with the one before, while it is being rolled
// out. Start with [Compare], which has the statistics, or with [Judge], which reads the rollups
// of a store.
//
// # The test
//
// Releases are compared among the same networks, because those who update first are not a random
// sample of the users: the difference is that of Mantel and Haenszel, with autonomous systems as
// strata. Networks with few reports make up one stratum together.
//
// A pipeline asks again and again, and may stop at any time. So the test is a sequential one: the
// mixture sequential probability ratio test (Robbins, "Statistical methods related to the law of
// the iterated logarithm", 1970), which gives p-values and confidence limits that are valid at all
// times together (Johari, Koomen, Pekelis and Walsh, "Peeking at A/B tests", KDD 2017). A release
// that is no worse is called worse with the stated probability at most, however often it is asked.
//
// Its variance is estimated from the differences of minutes within networks, because failures
// come in clusters: a client on a bad connection fails many times, and requests without failures
// are sampled by windows. So the guarantee holds for large samples (Waudby-Smith, Arbour, Sinha,
// Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences",
// 2024). The variance is at least that of independent requests.
package gate
