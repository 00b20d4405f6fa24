// Package agent is the part of Heliograph that lives inside an application: it counts what became
// of every request, seals the counts to the operator's detector, keeps them through any outage and
// delivers them to collectors that share nothing with the service. Most readers need [New], the
// [Options] and [Agent.Shutdown]; requests reach [Agent.Observe] through agent/httpagent, segments
// reach the disk through agent/diskspool. Errors of the application itself are reported by
// [Agent.CaptureError], [Agent.Recover] and agent/slogagent.
//
// An agent never hurts its host: no method panics, blocks on the network or prints; every queue is
// bounded and what it drops is counted by reason and told to the operator. Without consent it
// counts nothing, writes no file and opens no connection, except for one deletion notice when
// consent was withdrawn after something had been sent.
//
// The core knows neither files nor HTTP, so that it also runs in browsers: both come in as a
// [Spool] and a [Transport].
package agent
