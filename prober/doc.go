// Package prober checks from outside whether servers answer, and keeps the answer in a heatmap.Map.
//
// A [Target] names a [probe.Spec]: how one attempt is made, of one address, with a fresh connection
// and no retry. A Prober sweeps all its targets at an interval and judges: a server is down only
// after several attempts in a row have failed, and only if one of the witnesses, independent
// addresses that should always answer, still does. Otherwise the fault is likely to be the prober's
// own; its attempts are inconclusive and the map stays as it was, however long that lasts: the
// gauge heliograph_prober_vantage_in_doubt tells that it may be out of date.
//
// Options.Deliver gets the results as [report.ProbeResults], a few seconds' worth at a time, for an
// agent or a detector.
//
// Most readers need [Options], [New] and [Prober.Run].
package prober
