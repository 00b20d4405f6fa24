// Package api has the types of the dashboard's HTTP API, and a client.
//
// Start with [Client]. Its methods return what the page shows: [Client.Now] the overall state in
// one sentence, [Client.Totals] and [Client.Reports] the requests, and [Client.Incidents],
// [Client.Reachability] and [Client.Servers] what their names say.
//
// Times in answers are in the format of RFC 3339, in UTC, to the millisecond. Numbers of requests
// are estimates, because agents send only a sample of the windows without failures; they are
// rounded to three decimals. Members that are documented as absent are left out of the JSON. Lists
// are never null. Later versions may add members.
package api

//go:generate go run ../internal/tsgen -out ../web/src/api.gen.ts
