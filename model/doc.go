// Package model defines the types that a detector, its stores, the dashboards and the alerts share:
// everything that is known once reports have been opened. It imports only package report. It
// contains plain data and interfaces; it runs nothing and stores nothing.
//
// Start with [Series], the key under which requests are counted, and [Reader], the interface for
// queries. [Incident] describes a fault. Times are instants; each store decides how it rounds them.
package model
