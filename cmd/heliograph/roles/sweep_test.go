package roles

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// waitForCounts waits until a map has counts.
func waitForCounts(t *testing.T, m *heatmap.Map, want heatmap.Counts) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); m.Counts() != want; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("counts are %+v, want %+v", m.Counts(), want)
		}
	}
}

// A fleet is swept by HTTP, its states are on the map of the process, and a restart forgets none.
func TestFleetIsSwept(t *testing.T) {
	var asked atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked.Store(r.Host + r.URL.Path) }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	list := "name,address,data_centre,row\nweb-1,127.0.0.1:" + port + ",east,r1\nweb-2,127.0.0.1:1,east,r1\n"
	config := fmt.Sprintf("operations: {listen: \"127.0.0.1:0\"}\ndashboard: {listen: \"127.0.0.1:0\"}\nprober:\n  failures: 1\n  sweep: {list: fleet.csv, url: \"http://%s/healthz\", state: states, timeout: 1s, round: 50ms}\n", "{name}")
	for name, text := range map[string]string{"fleet.csv": list, "h.yaml": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Load(filepath.Join(dir, "h.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(t.Context(), Options{Config: c, Roles: Roles{Prober: true}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(p.Run)
	waitForCounts(t, p.probes, heatmap.Counts{Up: 1, Down: 1})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if asked.Load() != "web-1/healthz" {
		t.Errorf("asked for %q", asked.Load())
	}
	so, err := c.sweepOptions()
	if err != nil {
		t.Fatal(err)
	}
	past, err := history.Open(history.Options{Dir: filepath.Join(dir, "states")})
	if err != nil {
		t.Fatal(err)
	}
	defer past.Close()
	if restore(so.Map, past, time.Now().Add(2*maxStateAge)); so.Map.Counts().Unknown != 2 {
		t.Error("states of long ago are taken over")
	}
	if restore(so.Map, past, time.Now()); so.Map.Counts() != (heatmap.Counts{Up: 1, Down: 1}) {
		t.Errorf("after a restart: %+v", so.Map.Counts())
	}
}

func TestFaultySweepsAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"{list: a.csv, round: soon}":          "prober.sweep.round: want a duration",
		"{list: a.csv, url: \"{address}/x\"}": "prober.sweep.url",
	} {
		if _, err := parse("h.yaml", []byte("prober:\n  sweep: "+text+"\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	c, err := parse("h.yaml", []byte("prober:\n  sweep: {list: none.csv}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.sweepOptions(); err == nil || !strings.Contains(err.Error(), "prober.sweep.list") {
		t.Error(err)
	}
	c.Prober.Heartbeats.Racks = []RackConfig{{Name: "r17", Key: "none.pem"}}
	found := fmt.Sprint(c.Check(Roles{Prober: true}, time.Now()))
	for _, want := range []string{"none.csv", "none.pem"} {
		if !strings.Contains(found, want) || strings.Contains(found, "nothing is probed") {
			t.Errorf("the check finds %s, not %s", found, want)
		}
	}
}
