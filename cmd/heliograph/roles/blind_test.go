package roles

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/internal/lifecycle"
)

// start runs roles with a new data directory.
func start(t *testing.T, config string, r Roles) *Process {
	t.Helper()
	dir := t.TempDir()
	const listen = "dashboard: {listen: '127.0.0.1:0'}\noperations: {listen: '127.0.0.1:0'}\n"
	if err := Init(dir, InitOptions{Config: []byte(listen + config)}); err != nil {
		t.Fatal(err)
	}
	c, err := Load(filepath.Join(dir, ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(t.Context(), Options{Config: c, Roles: r, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	stop := lifecycle.Background(p.Run)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// If its only feed refuses a detector, the detector is not ready, and names the feed. The page and
// the metrics show it.
func TestABlindDetectorSaysSo(t *testing.T) {
	collector := start(t, "collector: {listen: '127.0.0.1:0'}\n", Roles{Collector: true})
	p := start(t, fmt.Sprintf("detector:\n  feeds: [{id: c1, url: 'http://%s'}]\n", collector.CollectorAddr), Roles{Detector: true})
	awaitReady(t, p, func(body string) bool {
		return strings.Contains(body, "503 ") && strings.Contains(body, "feed_refused: the feed of c1 refuses this detector") && strings.Contains(body, "detector.feed_key")
	})
	now := get(t, "http://"+p.DashboardAddr+"/api/v1/now")
	for _, want := range []string{`"state":"unsure"`, "The detector is blind", "the feed of c1 refuses this detector"} {
		if !strings.Contains(now, want) {
			t.Errorf("/api/v1/now lacks %s:\n%s", want, now)
		}
	}
	metrics := get(t, "http://"+p.OperationsAddr+"/metrics")
	for _, want := range []string{"heliograph_detector_blind 1", `heliograph_detector_condition{condition="feed_refused",feed="c1"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}
