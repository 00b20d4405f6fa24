// Package httpagent connects an agent to net/http: [Wrap] observes the requests that an application
// makes, [NewTransport] delivers segments to collectors. The two never share a client, so that no
// report is about a report.
package httpagent
