// Package agent is the part of Heliograph that is embedded in applications. It counts the outcomes
// of requests, seals the counts to the operator's detector, stores them through any outage and
// delivers them to collectors that share nothing with the service. Start with [New], [Options] and
// [Agent.Shutdown]. Package agent/httpagent passes requests to [Agent.Observe], and agent/diskspool
// stores segments on disk. To report errors of the application itself, use [Agent.CaptureError],
// [Agent.Recover] or agent/slogagent.
//
// An agent never harms its host: no method panics, blocks on the network or prints. Every queue is
// bounded, and dropped records are counted by reason and reported to the operator. Without consent,
// an agent counts nothing, writes no file and opens no connection. There is one exception: if
// consent is withdrawn after something was sent, it sends one deletion notice.
//
// This package uses neither files nor HTTP, so that it also runs in browsers. The host provides
// both as a [Spool] and a [Transport].
package agent
