package prober

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
	"github.com/heliograph-net/heliograph/prober/probe/tcpprobe"
)

func TestTopologyTakesTheAddressFromTheSpec(t *testing.T) {
	topology, err := Topology([]Target{
		{Name: "a", Spec: &httpprobe.Options{URL: "https://Shop.example/x"}, DataCentre: "d", Cluster: "c", Row: "r"},
		{Name: "b", Spec: &httpprobe.Options{URL: "http://[2001:db8::1]/"}},
		{Name: "c", Spec: &httpprobe.Options{URL: "http://shop.example:8080/", Connect: "192.0.2.1:80"}},
		{Name: "d", Spec: tcp("192.0.2.2:25")},
		{Name: "e", Spec: probe.Custom{Func: nothing}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []heatmap.Server{
		{Name: "a", Address: "shop.example:443", DataCentre: "d", Cluster: "c", Row: "r"},
		{Name: "b", Address: "[2001:db8::1]:80"},
		{Name: "c", Address: "192.0.2.1:80"},
		{Name: "d", Address: "192.0.2.2:25"},
		{Name: "e"},
	} {
		if got := topology.Server(i); got != want {
			t.Errorf("server %d is %+v, want %+v", i, got, want)
		}
	}
	if _, err := New(Options{Targets: []Target{{Name: "bad", Spec: &httpprobe.Options{URL: "gopher://a"}}}}); err == nil || !strings.Contains(err.Error(), `"bad"`) {
		t.Errorf("a bad URL gives %v", err)
	}
	if _, err := Topology([]Target{{Name: "same"}, {Name: "same"}}); err == nil {
		t.Error("two targets of one name were taken")
	}
}

func tcp(address string) probe.Spec { return &tcpprobe.Options{Target: address} }
