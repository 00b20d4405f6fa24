// Package prober checks from outside whether servers answer, and keeps the answer in a heatmap.Map.
//
// A Probe is one attempt at one target: one address, a fresh connection, no retry, and a Result
// that tells the outcome and how long each phase took. A Prober sweeps all its targets at an
// interval and judges: a server is down only after several attempts in a row have failed, and only
// if one of the witnesses, independent addresses that should always answer, still does. Otherwise
// the fault is likely to be the prober's own; its attempts are inconclusive and the map stays as it
// was, however long that lasts: the gauge heliograph_prober_vantage_in_doubt tells that it may be
// out of date.
//
// Most readers need Options, New and Run.
package prober
