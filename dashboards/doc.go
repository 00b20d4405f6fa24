// Package dashboards shows operators what the detector and the probers know: one live page and the
// HTTP API behind it. [New] makes a [Dashboard], which is an [net/http.Handler] for a listener of
// its own; [Dashboard.Run] feeds its streams, which set their own write deadlines.
//
// Everything is read-only (GET and HEAD). The page is at "/" and asks nothing of any other host.
// The API lies below /api/v1: docs/api.md has its routes, package [api] its types and a client.
//
// A route is a line in the table of routes, a section of the stream one in the table of sections.
package dashboards
