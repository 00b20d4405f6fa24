package httpprobe_test

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/httpprobe"
)

func TestOptionsNameTheirFault(t *testing.T) {
	const secret = "s3cret"
	for _, c := range []struct {
		name string
		spec httpprobe.Options
		want string
	}{
		{"nothing", httpprobe.Options{}, "URL: want http"},
		{"no URL", httpprobe.Options{Connect: "a:1"}, "URL: want http"},
		{"other scheme", httpprobe.Options{URL: "ftp://a/" + secret}, "URL: want http"},
		{"user", httpprobe.Options{URL: "http://me:" + secret + "@a/"}, "user or password"},
		{"no host", httpprobe.Options{URL: "http:///" + secret}, "no host"},
		{"bad escape", httpprobe.Options{URL: "http://a/%zz" + secret}, "cannot be parsed"},
		{"long URL", httpprobe.Options{URL: "http://a/" + strings.Repeat("x", 2048)}, "longer than"},
		{"status too low", httpprobe.Options{URL: "http://a/", StatusMin: 99}, "status range 99"},
		{"status too high", httpprobe.Options{URL: "http://a/", StatusMax: 600}, "to 600"},
		{"status range upside down", httpprobe.Options{URL: "http://a/", StatusMin: 300, StatusMax: 200}, "300 to 200"},
		{"no port", httpprobe.Options{URL: "http://a/", Connect: "192.0.2.1"}, "host:port"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.spec.Probe(probe.Env{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error repeats the URL: %v", err)
			}
		})
	}
}
