package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
	"github.com/heliograph-net/heliograph/model"
)

func TestWhatChangedBetweenFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"then.csv": "name,row,state\na,r1,up\nb,r1,down\nc,r1,up\n", "now.csv": "name,row,state\nd,r1,up\nc,r2,down\nb,r1,up\n",
		"then.bits": "\xff", "now.bits": "\xfe", "more.bits": "\xff\xff",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ now, then, want string }{
		{"now.csv", "then.csv", "1 failed, 1 recovered, 0 still down, 1 added, 1 removed\n- r2/c\n+ r1/b\n"},
		{"now.bits", "then.bits", "1 failed, 0 recovered, 0 still down, 0 added, 0 removed\n- 0\n"},
		{"more.bits", "then.bits", "heat maps of 8 and 16 servers without names"},
		{"now.bits", "gone.bits", "no such file"},
	} {
		if _, stdout, stderr := invoke(t, "heatmap", filepath.Join(dir, c.now), "--from", filepath.Join(dir, c.then)); !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("%s from %s: %s%s, want %q", c.now, c.then, stdout, stderr, c.want)
		}
	}
	picture := filepath.Join(dir, "change.png")
	code, _, stderr := invoke(t, "heatmap", filepath.Join(dir, "now.csv"), "--from", filepath.Join(dir, "then.csv"), "--png", picture)
	if b, err := os.ReadFile(picture); code != 0 || err != nil || !strings.HasPrefix(string(b), "\x89PNG") {
		t.Errorf("exit %d, %s%v", code, stderr, err)
	}
}

// noClients knows of no requests of clients.
type noClients struct{ model.Reader }

func (noClients) Servers(context.Context, time.Time) ([]model.ServerCount, error) { return nil, nil }

// A map of more servers than the dashboard returns at once, now, then, and what changed since.
func TestHeatmapOfADashboard(t *testing.T) {
	const n = serversPage + 5
	servers := make([]heatmap.Server, n)
	for i := range servers {
		servers[i] = heatmap.Server{Name: fmt.Sprintf("s%05d", i), DataCentre: "fra", Cluster: fmt.Sprint("c", i/1000)}
	}
	topology, err := heatmap.NewTopology(servers)
	if err != nil {
		t.Fatal(err)
	}
	past, err := history.Open(history.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = past.Close() })
	m, noon := heatmap.NewMap(topology), time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for i := range n {
		m.Set(i, heatmap.Up, noon)
	}
	m.Set(7, heatmap.Down, noon)
	if err := past.Append(noon, m.Snapshot()); err != nil {
		t.Fatal(err)
	}
	m.Set(7, heatmap.Up, noon)
	m.Set(n-1, heatmap.Down, noon)
	m.Set(n-2, heatmap.Unknown, noon)
	d, err := dashboards.New(dashboards.Options{Reader: noClients{}, Servers: m, Past: past})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	for want, args := range map[string][]string{
		"10,005 servers  █ 10,003 up  ✗ 1 down  · 1 unknown":                                           nil,
		"10,005 servers  █ 10,004 up  ✗ 1 down":                                                        {"--at", "2026-11-29T12:00:30Z"},
		"1 failed, 1 recovered, 0 still down, 0 added, 0 removed\n- fra/c10/s10004\n+ fra/c0/s00007\n": {"--from", "2026-11-29T12:00:30Z"},
		"before the first frame": {"--at", "2026-11-29T11:00:00Z"},
	} {
		if _, stdout, stderr := invoke(t, append([]string{"heatmap", "--api", server.URL}, args...)...); !strings.Contains(stdout+stderr, want) {
			t.Errorf("%v: %.300s%s, want %q", args, stdout, stderr, want)
		}
	}
}
