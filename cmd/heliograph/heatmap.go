package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"

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

// group is a data centre, cluster or row in the dashboard's answer.
type group struct {
	Name     string  `json:"name"`
	Count    int     `json:"count"`
	Clusters []group `json:"clusters"`
	Rows     []group `json:"rows"`
}

// live asks the dashboard. Bits and groups are separate answers; a topology that changed between
// them is an error.
func (h *heatmapCmd) live(ctx context.Context) (heatmap.Snapshot, error) {
	body, err := h.fetch(ctx, "/api/v1/servers", url.Values{"limit": {"0"}})
	if err != nil {
		return heatmap.Snapshot{}, err
	}
	defer body.Close()
	var answer struct {
		Count       int     `json:"count"`
		DataCentres []group `json:"data_centres"`
	}
	if err := json.NewDecoder(body).Decode(&answer); err != nil {
		return heatmap.Snapshot{}, fmt.Errorf("reading the dashboard's answer: %w", err)
	}
	var servers []heatmap.Server
	for _, dc := range answer.DataCentres {
		for _, cluster := range dc.Clusters {
			for _, row := range cluster.Rows {
				for range min(row.Count, heatmap.MaxServers) {
					servers = append(servers, heatmap.Server{Name: strconv.Itoa(len(servers)), DataCentre: dc.Name, Cluster: cluster.Name, Row: row.Name})
				}
			}
		}
	}
	s := heatmap.Snapshot{}
	if s.Topology, err = heatmap.NewTopology(servers); err != nil {
		return s, err
	}
	if s.Up, err = h.bits(ctx, "up", len(servers)); err != nil {
		return s, err
	}
	unknown, err := h.bits(ctx, "unknown", len(servers))
	if err != nil {
		return s, err
	}
	if s.Known, err = heatmap.NewBitset(len(servers)); err != nil {
		return s, err
	}
	for i := range len(servers) {
		s.Known.Set(i, !unknown.Get(i))
	}
	return s, nil
}

func (h *heatmapCmd) bits(ctx context.Context, state string, n int) (*heatmap.Bitset, error) {
	body, err := h.fetch(ctx, "/api/v1/servers.bits", url.Values{"state": {state}})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, fmt.Errorf("reading the dashboard's answer: %w", err)
	}
	set, err := heatmap.FromBytes(n, b)
	if err != nil {
		return nil, fmt.Errorf("the servers' bits do not fit their list of %d (%w); try again", n, err)
	}
	return set, nil
}
