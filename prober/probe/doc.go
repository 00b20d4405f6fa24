// Package probe defines what a kind of probe is: an HTTP request, a TCP handshake, or any other
// question that a server can be asked from outside.
//
// A [Func] makes one attempt and returns its [Result]: a [report.Outcome], and the steps of the
// attempt in order, each with its duration. A [Spec] has the options of one target and makes its
// Func. A [Kind] connects the configuration file with a Spec.
//
// To probe something, start with the Options of a kind, such as those in package httpprobe or
// tcpprobe. To write a kind, start from tcpprobe: it uses [Attempt] to measure the steps, and
// package conn to look up a name and to connect. Package probetest has servers that misbehave. A
// new kind also needs an entry in package kinds.
package probe
