// Package httpagent connects an agent to net/http. Start with [Wrap], which observes the requests
// of an application, and [NewTransport], which delivers segments to collectors. The two never share
// a client, so deliveries are not observed.
package httpagent
