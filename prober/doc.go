// Package prober checks from outside whether servers answer, and keeps the answer in a heatmap.Map.
//
// A [Target] has a [probe.Spec], which says how one attempt is made: with a fresh connection and
// without retries. A [Prober] probes all its targets at an interval and judges them. A server is
// down only after several attempts in a row have failed, and only if at least one of the witnesses,
// independent addresses that should always answer, still answers. If none does, the fault is
// probably the prober's own. Its attempts are then inconclusive and the map stays as it is. The
// gauge heliograph_prober_vantage_in_doubt says that the map may be out of date.
//
// Options.Deliver gets the results of a few seconds at a time as [report.ProbeResults], to be sent
// by an agent or given to a detector.
//
// Start with [Options], [New] and [Prober.Run].
package prober
