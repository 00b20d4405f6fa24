// Package heatmap keeps and draws the up/down state of a fleet: one bit per server, 1,000,000
// servers in 125,000 bytes. A server is anything that is up or down: a machine, a switch, a file
// system, a link.
//
// A Topology says which servers there are and how they stand together (data centre, cluster, row).
// A Map is the present state of one topology, safe for concurrent use; whoever probes writes it,
// whoever shows it takes a Snapshot. RenderPNG and RenderText draw a snapshot so that a fault
// common to a row, a cluster or a data centre is plain at a glance.
package heatmap
