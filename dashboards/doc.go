// Package dashboards shows operators what the detector and the probers know: one live page and the
// HTTP API behind it. New makes a Dashboard, which is an http.Handler for a listener of its own;
// the streams set their own write deadlines.
//
// Everything is read-only (GET and HEAD), on paths that the page itself uses too:
//
//	/                      the page; it asks nothing of any other host
//	/api/v1/totals         ?since=15m&by=type,asn,…&limit=   sums of requests, most failures first
//	/api/v1/reports        ?since=1h&type=&target=&limit=    single requests, newest first
//	/api/v1/incidents      ?since=24h                        open ones first
//	/api/v1/reachability   ?since=1h&step=1m                 origin network × time
//	/api/v1/servers        ?first=0&limit=1000&state=        groups with their counts, and servers
//	/api/v1/servers.bits   ?state=up                         bit i is server i, bit 0 the lowest of byte 0
//	/api/v1/servers.png    ?width=1200                       the same as a picture
//	/api/v1/stream                                           server-sent events
//
// Spans are Go durations, or days such as "7d"; none reaches further back than Options.Retention.
// Times in answers are RFC 3339 in UTC, counts of requests are estimates weighted by what agents
// sample. An answer cut at its limit says in X-Total-Count how many rows there were. Errors are
// JSON, {"error": …}; one about a parameter also has "parameter" and "allowed".
//
// The stream sends a "snapshot" of everything the page shows, then "totals", "incidents",
// "servers", "reachability", "reports" and "trouble", each at most once a second and only when it
// changed, and "clock" with a heartbeat comment every 15 seconds.
package dashboards
