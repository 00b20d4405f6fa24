// Package dashboards shows operators what the detector and the probers know, on a live page and
// through the HTTP API behind it. Start with [New], which returns a [Dashboard]. It is a
// [net/http.Handler] for a listener of its own. [Dashboard.Run] feeds its streams, which set their
// own write deadlines.
//
// All requests are read-only (GET and HEAD). The page is at "/" and loads nothing from other hosts.
// The API is below /api/v1. docs/api.md documents its routes; package [api] has its types
// and a client.
//
// To add a route, add an entry to routeTable. To add a section of the stream, add one to sections.
package dashboards
