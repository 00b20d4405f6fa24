// Package model holds what is known behind the seal: the words that a detector, its stores, the
// dashboards and the alerts share. It imports [report] only, runs nothing and stores nothing.
//
// Most readers begin with [Series], the key by which requests are counted, and [Reader], the
// questions that can be asked. Times are instants; how a store rounds them is its own matter.
package model
