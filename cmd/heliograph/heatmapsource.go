package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/fleet"
	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
)

const maxList = 512 << 20 // bytes of a list

// snapshot returns the map at a moment from the source that the flags name.
func (h *heatmapCmd) snapshot(ctx context.Context, moment string) (heatmap.Snapshot, error) {
	at, err := momentOf(moment)
	if err != nil {
		return heatmap.Snapshot{}, err
	}
	switch {
	case h.History != "":
		return fromHistory(h.History, at)
	case h.File == "" && h.Demo == 0:
		return h.live(ctx, at)
	case moment != "":
		return heatmap.Snapshot{}, errors.New("a moment needs a dashboard or --history; a file has one only, and --from another file")
	case h.Demo != 0:
		s, err := fleet.Demo(h.Demo, h.Down)
		if err != nil {
			return s, fmt.Errorf("--demo: %w", err)
		}
		return s, nil
	}
	return h.file(h.File)
}

// earlier returns the map to compare with. With a file, --from names another one.
func (h *heatmapCmd) earlier(ctx context.Context) (heatmap.Snapshot, error) {
	if h.File != "" {
		return h.file(h.From)
	}
	return h.snapshot(ctx, h.From)
}

// fromHistory reads a map from a history, the last one if at is zero.
func fromHistory(dir string, at time.Time) (s heatmap.Snapshot, err error) {
	past, err := history.Open(history.Options{Dir: dir})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, past.Close()) }()
	if at.IsZero() {
		at = time.Now()
	}
	return past.At(at)
}

// file reads a bitset or a list.
func (h *heatmapCmd) file(name string) (heatmap.Snapshot, error) {
	f := os.Stdin
	if name != "-" {
		var err error
		if f, err = os.Open(name); err != nil {
			return heatmap.Snapshot{}, err
		}
		defer f.Close()
	}
	if filepath.Ext(name) == ".csv" {
		s, err := fleet.ReadList(io.LimitReader(f, maxList), time.Now())
		if err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
		s.Changed = time.Time{} // the list does not tell
		return s, nil
	}
	b, err := io.ReadAll(io.LimitReader(f, heatmap.MaxServers/8+1))
	if err != nil {
		return heatmap.Snapshot{}, fmt.Errorf("reading %s: %w", name, err)
	}
	n := cmp.Or(h.Servers, 8*len(b))
	up, err := heatmap.FromBytes(n, b)
	if err != nil {
		return heatmap.Snapshot{}, fmt.Errorf("%s is not a bitset of %d servers: %w (name their number with --servers)", name, n, err)
	}
	return heatmap.Snapshot{Up: up}, nil
}

// live gets the state from the dashboard. Bits and groups are separate answers; it is an error if
// the topology has changed between them.
func (h *heatmapCmd) live(ctx context.Context, at time.Time) (s heatmap.Snapshot, err error) {
	client, err := h.client()
	if err != nil {
		return s, err
	}
	if s.Topology, s.Changed, err = h.liveTopology(ctx, client, at); err != nil {
		return s, err
	}
	n := s.Topology.Len()
	if s.Up, err = bits(ctx, client, api.Up, at, n); err != nil {
		return s, err
	}
	unknown, err := bits(ctx, client, api.Unknown, at, n)
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

const serversPage = 10_000 // the most that the dashboard returns at once

// liveTopology gets the groups. For a difference, which follows servers by name, it gets all
// servers.
func (h *heatmapCmd) liveTopology(ctx context.Context, client *api.Client, at time.Time) (*heatmap.Topology, time.Time, error) {
	q := api.ServersQuery{NoServers: h.From == "", Limit: serversPage, At: at}
	answer, err := client.Servers(ctx, q)
	if err != nil {
		return nil, time.Time{}, explain(err)
	}
	if q.NoServers {
		t, err := topologyOf(answer.DataCentres)
		return t, answer.Changed, err
	}
	var servers []heatmap.Server
	q.Topology = answer.Topology // groups are not needed
	for {
		for _, s := range answer.Servers {
			servers = append(servers, heatmap.Server{Name: s.Name, Address: s.Address, Region: s.Region, DataCentre: s.DataCentre, Cluster: s.Cluster, Row: s.Row})
		}
		if q.First = len(servers); q.First >= answer.Count || len(answer.Servers) == 0 {
			break
		}
		if answer, err = client.Servers(ctx, q); err != nil {
			return nil, time.Time{}, explain(err)
		}
	}
	t, err := heatmap.NewTopology(servers)
	return t, answer.Changed, err
}

// topologyOf returns a topology with as many servers as the groups have, named by their numbers.
func topologyOf(centres []api.DataCentre) (*heatmap.Topology, error) {
	var servers []heatmap.Server
	for _, dc := range centres {
		for _, cluster := range dc.Clusters {
			for _, row := range cluster.Rows {
				for range min(row.Count, heatmap.MaxServers) {
					servers = append(servers, heatmap.Server{
						Name: strconv.Itoa(len(servers)), Region: dc.Region, DataCentre: dc.Name, Cluster: cluster.Name, Row: row.Name,
					})
				}
			}
		}
	}
	return heatmap.NewTopology(servers)
}

func bits(ctx context.Context, client *api.Client, state api.ServerState, at time.Time, n int) (*heatmap.Bitset, error) {
	b, err := client.ServersBitsAt(ctx, state, at)
	if err != nil {
		return nil, explain(err)
	}
	set, err := heatmap.FromBytes(n, b)
	if err != nil {
		return nil, fmt.Errorf("the servers' bits do not fit their list of %d (%w); try again", n, err)
	}
	return set, nil
}
