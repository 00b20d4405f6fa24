package dnsprobe_test

import (
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/prober/probe"
	"github.com/heliograph-net/heliograph/prober/probe/dnsprobe"
)

func TestAddressOfANameServer(t *testing.T) {
	for want, o := range map[string]dnsprobe.Options{
		"":                  {Server: "ftp://ns.example"},
		"192.0.2.1:53":      {Server: "192.0.2.1"},
		"192.0.2.1:853":     {Server: "192.0.2.1", OverTLS: true},
		"[2001:db8::1]:53":  {Server: "[2001:db8::1]"},
		"[2001:db8::2]:53":  {Server: "2001:db8::2"},
		"ns.example:5353":   {Server: "ns.example:5353"},
		"doh.example:443":   {Server: "https://doh.example/dns-query"},
		"doh.example:8443":  {Server: "https://doh.example:8443/dns-query"},
		"[2001:db8::3]:443": {Server: "https://[2001:db8::3]/"},
	} {
		if got := o.Address(); got != want {
			t.Errorf("%s is at %q, want %q", o.Server, got, want)
		}
	}
}

func TestOptionsNameTheirFault(t *testing.T) {
	bad := dnsprobe.Rules{FailIfMatches: []string{"ok", "("}}
	for want, o := range map[string]dnsprobe.Options{
		"address: missing":         {QueryName: "a"},
		"query_name: missing":      {Server: "a"},
		"query_name: not a domain": {Server: "a", QueryName: "a..b"},
		"query_type":               {Server: "a", QueryName: "a", QueryType: "B"},
		"query_class":              {Server: "a", QueryName: "a", QueryClass: "XX"},
		"valid_rcodes[1]":          {Server: "a", QueryName: "a", ValidCodes: []string{"NOERROR", "FINE"}},
		"transport_protocol: want": {Server: "a", QueryName: "a", Transport: "quic"},
		"always uses tcp":          {Server: "a", QueryName: "a", Transport: "udp", OverTLS: true},
		"with a URL, leave out":    {Server: "https://a/", QueryName: "a", Transport: "tcp"},
		"https://":                 {Server: "http://a/", QueryName: "a"},
		"validate_answer_rrs.fail_if_matches_regexp[1]": {Server: "a", QueryName: "a", Answer: bad},
	} {
		if _, err := o.Probe(probe.Env{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
