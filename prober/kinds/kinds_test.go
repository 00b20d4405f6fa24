package kinds_test

import (
	"testing"

	"github.com/heliograph-net/heliograph/prober/kinds"
	"github.com/heliograph-net/heliograph/prober/probe"
)

// Configuration finds a kind by its key, results name it, and options without anything in them are
// refused, not sent.
func TestKindsCanBeToldApart(t *testing.T) {
	common := []string{"name", "data_centre", "cluster", "row", "module", "target"}
	taken := map[string]bool{}
	for _, key := range common {
		taken[key] = true
	}
	names := map[string]bool{}
	for _, kind := range kinds.All {
		if names[kind.Name] || taken[kind.Key] || kind.Name == "" || kind.Key == "" {
			t.Errorf("kind %q with key %q is there twice, or has no name", kind.Name, kind.Key)
		}
		names[kind.Name], taken[kind.Key] = true, true
		spec := kind.New()
		if spec.Kind() != kind.Name || spec.Address() != "" {
			t.Errorf("empty options of kind %q are of kind %q at %q", kind.Name, spec.Kind(), spec.Address())
		}
		if _, err := spec.Probe(probe.Env{}); err == nil {
			t.Errorf("kind %q takes empty options", kind.Name)
		}
	}
}
