// Package api is the dashboard's HTTP API as types: what every answer holds, and a client.
//
// Begin with [Client]. Its methods ask for what the page shows: [Client.Now] for the state of
// everything in one sentence, [Client.Totals] and [Client.Reports] for requests,
// [Client.Incidents], [Client.Reachability] and [Client.Servers].
//
// In all answers times are RFC 3339 in UTC, to the millisecond. Counts of requests are estimates
// weighted by what agents sample, rounded to three decimals. A member that is documented as absent
// is not in the JSON; lists are never null. Later versions may add members.
package api

//go:generate go run ../internal/tsgen -out ../web/src/api.gen.ts
