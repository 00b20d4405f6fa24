package prober

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/heatmap"
)

func TestTargetNamesItsFault(t *testing.T) {
	const secret = "s3cret"
	for _, c := range []struct {
		name   string
		target Target
		want   string
	}{
		{"nothing", Target{}, "address: missing"},
		{"unknown kind", Target{Kind: "icmp", Address: "a:1"}, `kind "icmp"`},
		{"tcp with URL", Target{Kind: KindTCP, URL: "http://a/" + secret}, "kind tcp has none"},
		{"http without URL", Target{Kind: KindHTTP, Address: "a:1"}, "URL: want http"},
		{"other scheme", Target{URL: "ftp://a/" + secret}, "URL: want http"},
		{"user", Target{URL: "http://me:" + secret + "@a/"}, "user or password"},
		{"no host", Target{URL: "http:///" + secret}, "no host"},
		{"bad escape", Target{URL: "http://a/%zz" + secret}, "cannot be parsed"},
		{"long URL", Target{URL: "http://a/" + strings.Repeat("x", maxURL)}, "longer than"},
		{"status too low", Target{URL: "http://a/", StatusMin: 99}, "status range 99"},
		{"status too high", Target{URL: "http://a/", StatusMax: 600}, "to 600"},
		{"status range upside down", Target{URL: "http://a/", StatusMin: 300, StatusMax: 200}, "300 to 200"},
		{"no port", Target{Address: "192.0.2.1"}, "host:port"},
		{"port 0", Target{Address: "192.0.2.1:0"}, "port of 1"},
		{"named port", Target{Address: "192.0.2.1:http"}, "port of 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewProbe(c.target, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error repeats the URL: %v", err)
			}
		})
	}
}

func TestTopologyTakesTheAddressFromTheURL(t *testing.T) {
	topology, err := Topology([]Target{
		{Name: "a", URL: "https://Shop.example/x", DataCentre: "d", Cluster: "c", Row: "r"},
		{Name: "b", URL: "http://[2001:db8::1]/"},
		{Name: "c", URL: "http://shop.example:8080/", Address: "192.0.2.1:80"},
		{Name: "d", Address: "192.0.2.2:25"},
		{Name: "e", Probe: nothing},
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
	if _, err := Topology([]Target{{Name: "bad", URL: "gopher://a"}}); err == nil || !strings.Contains(err.Error(), `"bad"`) {
		t.Errorf("a bad URL gives %v", err)
	}
	if _, err := Topology([]Target{{Name: "same"}, {Name: "same"}}); err == nil {
		t.Error("two targets of one name were taken")
	}
}
