package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/heatmap"
)

type heatmapCmd struct {
	apiFlag
	File    string `arg:"" optional:"" help:"Bitset as /api/v1/servers.bits gives it; - is standard input. Default: ask the dashboard."`
	Servers int    `help:"Number of servers in FILE. Default: 8 for each byte." placeholder:"N"`
	PNG     string `name:"png" help:"Write a PNG there instead of text to standard output." placeholder:"FILE"`
	Width   int    `help:"Pixels of the PNG's width (${min_width} to ${max_width}); without --png, columns of the text." placeholder:"N"`
	Colour  bool   `help:"ANSI colours."`
}

// Run renders a bitset.
func (h *heatmapCmd) Run(ctx context.Context, out *output) error {
	snapshot, err := h.snapshot(ctx)
	if err != nil {
		return err
	}
	if h.PNG == "" {
		return heatmap.RenderText(out.stdout, snapshot, heatmap.TextOptions{Columns: h.Width, Colour: h.Colour})
	}
	f, err := os.Create(h.PNG)
	if err != nil {
		return err
	}
	return errors.Join(heatmap.RenderPNG(f, snapshot, heatmap.PNGOptions{Width: h.Width}), f.Close())
}

func (h *heatmapCmd) snapshot(ctx context.Context) (heatmap.Snapshot, error) {
	if h.File == "" {
		return h.live(ctx)
	}
	f := os.Stdin
	if h.File != "-" {
		var err error
		if f, err = os.Open(h.File); err != nil {
			return heatmap.Snapshot{}, err
		}
		defer f.Close()
	}
	b, err := io.ReadAll(io.LimitReader(f, heatmap.MaxServers/8+1))
	if err != nil {
		return heatmap.Snapshot{}, fmt.Errorf("reading %s: %w", h.File, err)
	}
	n := h.Servers
	if n == 0 {
		n = 8 * len(b)
	}
	up, err := heatmap.FromBytes(n, b)
	if err != nil {
		return heatmap.Snapshot{}, fmt.Errorf("%s is not a bitset of %d servers: %w (name their number with --servers)", h.File, n, err)
	}
	return heatmap.Snapshot{Up: up}, nil
}

// live gets the state from the dashboard. Bits and groups are separate answers; it is an error if
// the topology has changed between them.
func (h *heatmapCmd) live(ctx context.Context) (s heatmap.Snapshot, err error) {
	client, err := h.client()
	if err != nil {
		return s, err
	}
	answer, err := client.Servers(ctx, api.ServersQuery{NoServers: true})
	if err != nil {
		return s, explain(err)
	}
	if s.Topology, err = topologyOf(answer.DataCentres); err != nil {
		return s, err
	}
	n := s.Topology.Len()
	if s.Up, err = bits(ctx, client, api.Up, n); err != nil {
		return s, err
	}
	unknown, err := bits(ctx, client, api.Unknown, n)
	if err != nil {
		return s, err
	}
	if s.Known, err = heatmap.NewBitset(n); err != nil {
		return s, err
	}
	for i := range n {
		s.Known.Set(i, !unknown.Get(i))
	}
	return s, nil
}

// topologyOf returns a topology with as many servers as the groups have, named by their numbers.
func topologyOf(centres []api.DataCentre) (*heatmap.Topology, error) {
	var servers []heatmap.Server
	for _, dc := range centres {
		for _, cluster := range dc.Clusters {
			for _, row := range cluster.Rows {
				for range min(row.Count, heatmap.MaxServers) {
					servers = append(servers, heatmap.Server{Name: strconv.Itoa(len(servers)), DataCentre: dc.Name, Cluster: cluster.Name, Row: row.Name})
				}
			}
		}
	}
	return heatmap.NewTopology(servers)
}

func bits(ctx context.Context, client *api.Client, state api.ServerState, n int) (*heatmap.Bitset, error) {
	b, err := client.ServersBits(ctx, state)
	if err != nil {
		return nil, explain(err)
	}
	set, err := heatmap.FromBytes(n, b)
	if err != nil {
		return nil, fmt.Errorf("the servers' bits do not fit their list of %d (%w); try again", n, err)
	}
	return set, nil
}
