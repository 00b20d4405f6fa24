package metricset

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func counter(name string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: name})
}

func names(t *testing.T, r *prometheus.Registry) (all string) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		all += f.GetName() + " "
	}
	return all
}

func TestAllOrNone(t *testing.T) {
	r := prometheus.NewRegistry()
	service := prometheus.WrapRegistererWith(prometheus.Labels{"id": "1"}, r)
	unregister, err := Set{counter("a"), counter("b")}.Register(service)
	if err != nil || names(t, r) != "a b " {
		t.Fatalf("%v, %s", err, names(t, r))
	}
	if _, err := (Set{counter("c"), counter("b")}).Register(service); err == nil || names(t, r) != "a b " {
		t.Errorf("a name that is taken: %v, %s", err, names(t, r))
	}
	unregister()
	unregister()
	if got := names(t, r); got != "" {
		t.Errorf("%s are left", got)
	}
	if _, err := (Set{counter("c"), counter("b")}).Register(service); err != nil {
		t.Error(err)
	}
	if unregister, err := (Set{counter("a")}).Register(nil); err != nil {
		t.Error(err)
	} else {
		unregister()
	}
}
