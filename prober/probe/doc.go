// Package probe says what a kind of probe is: an HTTP request, a TCP handshake, and whatever else
// may be asked of a server from outside.
//
// A [Func] makes one attempt and tells its [Result]: an outcome in the words of package report, and
// the steps of the attempt, in order, each with its duration. A [Spec] holds the options of one
// target and makes its Func. A [Kind] names the configuration that belongs to a Spec.
//
// A kind is a package of its own, such as httpprobe and tcpprobe, and an entry in package kinds. To
// write one, begin with tcpprobe: it uses [Attempt] to keep the time, and package conn to look up a
// name and connect. Package probetest has servers that misbehave.
package probe
