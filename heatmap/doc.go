// Package heatmap stores and draws which servers of a fleet are up or down: one bit per server,
// 1,000,000 servers in 125,000 bytes. A server is anything that can be up or down, such as a
// machine, a switch, a file system or a link.
//
// Start with [NewTopology]. A [Topology] lists the servers and groups them by data centre, cluster
// and row. A [Map] holds the present state of the servers of a topology. A prober writes it with
// [Map.Set]; a reader takes a [Snapshot]. [RenderPNG] and [RenderText] draw a snapshot such that a
// fault of a whole row, cluster or data centre is easy to see.
package heatmap
