// Package operator has a collector and a detector in the process of a test, and says what arrived
// there, for the tests of agents that are other processes. Start with [New].
package operator

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/internal/lifecycle"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/tests/freeport"
)

// Site is a collector and a detector. They run until the test ends.
type Site struct {
	*testing.T
	Dir    string       // has the configuration and the keys
	Policy string       // file with the signed policy
	Store  model.Reader // nil before Start
}

// New starts a site. The policy lists the collectors at before first.
func New(t *testing.T, before ...string) *Site {
	t.Helper()
	s := Prepare(t, before...)
	s.Start()
	return s
}

// Prepare makes a site whose collector does not listen before Start.
func Prepare(t *testing.T, before ...string) *Site {
	t.Helper()
	collector := FreePort(t)
	list := ""
	for i, url := range append(before, "http://"+collector) {
		list += fmt.Sprintf("  - {id: c%d, url: %q, priority: %d, weight: 1, receipt_key: keys/receipt.pub.pem}\n", i+1, url, i+1)
	}
	return prepare(t, fmt.Sprintf("collector: {listen: %q}", collector), list, nil)
}

// NewWith starts a site with a configuration of the collector, collectors in its policy, and files
// beside these.
func NewWith(t *testing.T, collector, list string, files map[string][]byte) *Site {
	t.Helper()
	s := prepare(t, collector, list, files)
	s.Start()
	return s
}

func prepare(t *testing.T, collector, list string, files map[string][]byte) *Site {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "d")
	err := roles.Init(dir, roles.InitOptions{
		Config: []byte(collector + "\ndashboard: {listen: \"127.0.0.1:0\"}\noperations: {listen: \"127.0.0.1:0\"}\n"),
		Policy: []byte("success_fraction: 1\nseal_key: keys/seal.pem\nsigners: [keys/policy.pub.pem]\ncollectors:\n" + list),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &Site{T: t, Dir: dir, Policy: filepath.Join(dir, "policy")}
}

// Start starts what Prepare made.
func (s *Site) Start() {
	s.Helper()
	config, err := roles.Load(filepath.Join(s.Dir, roles.ConfigName))
	if err != nil {
		s.Fatal(err)
	}
	n, err := roles.New(s.Context(), roles.Options{
		Config: config, Roles: roles.Roles{Collector: true, Detector: true}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		s.Fatal(err)
	}
	stop := lifecycle.Background(n.Run)
	s.Cleanup(func() { _ = stop() })
	s.Store = n.Store
}

// FreePort returns an address on which the caller may listen. Until it does, so may anybody.
func FreePort(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", freeport.On(t, "127.0.0.1"))
}

// Eventually asks until want is the answer, or a minute is over, and returns the last answer.
func Eventually[T any](t *testing.T, ask func() (T, error), want func(T) bool) T {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got, err := ask()
		if err == nil && want(got) || time.Now().After(deadline) {
			if err != nil {
				t.Error(err)
			}
			return got
		}
	}
}

// Counts are how often which outcome was counted, by target.
type Counts map[string]map[report.Outcome]float64

// Counts returns the counts, once there are n requests.
func (s *Site) Counts(n float64) Counts {
	s.Helper()
	return s.CountsOnce(func(all Counts) bool {
		var sum float64
		for _, outcomes := range all {
			for _, count := range outcomes {
				sum += count
			}
		}
		return sum >= n
	})
}

// CountsOnce returns the counts, once they are enough.
func (s *Site) CountsOnce(enough func(Counts) bool) Counts {
	s.Helper()
	return Eventually(s.T, func() (Counts, error) {
		totals, err := s.Store.Totals(s.Context(), model.TotalsQuery{Since: time.Now().Add(-time.Hour), By: model.DimensionsOf(model.ByTarget, model.ByOutcome)})
		all := make(Counts)
		for _, t := range totals {
			if all[t.Key.Target] == nil {
				all[t.Key.Target] = make(map[report.Outcome]float64)
			}
			all[t.Key.Target][t.Key.Outcome] += t.OK + t.Failed
		}
		return all, err
	}, enough)
}

// Samples returns the samples and errors that the detector has, once there are n.
func (s *Site) Samples(n int) []model.Sample {
	s.Helper()
	return Eventually(s.T, func() ([]model.Sample, error) {
		return s.Store.Samples(s.Context(), model.SampleQuery{Since: time.Now().Add(-time.Hour), Limit: 1000})
	}, func(all []model.Sample) bool { return len(all) >= n })
}
