package collector

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/heliograph-net/heliograph/internal/syncbuffer"
)

func TestUnlistedProxiesAreNoticed(t *testing.T) {
	for _, c := range []struct {
		peer, header, value string
		want                bool
	}{
		{"127.0.0.1:9", "X-Forwarded-For", "203.0.113.9", true},
		{"[::1]:9", "Forwarded", "for=203.0.113.9", true},
		{"10.1.2.3:9", "X-Real-IP", "203.0.113.9", true},
		{"172.17.0.1:9", "CF-Connecting-IP", "203.0.113.9", true},
		{"[fd00::1]:9", "X-Forwarded-For", "203.0.113.9", true},
		{"100.64.0.1:9", "True-Client-IP", "203.0.113.9", true},
		{"127.0.0.1:9", "X-Request-ID", "1", false},
		{"203.0.113.9:9", "X-Forwarded-For", "198.51.100.1", false}, // anybody can write that
		{"192.168.0.1:9", "X-Forwarded-For", "203.0.113.9", false},  // is listed
	} {
		t.Run(c.peer+" "+c.header, func(t *testing.T) {
			s, err := prepare(Settings{ReceiptKey: testKey, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}})
			if err != nil {
				t.Fatal(err)
			}
			s.unlisted = &unlisted{log: slog.New(slog.DiscardHandler), requests: prometheus.NewCounter(prometheus.CounterOpts{})}
			r := httptest.NewRequest(http.MethodPost, "/v1/batches", nil)
			r.RemoteAddr = c.peer
			r.Header.Set(c.header, c.value)
			s.client(r)
			if got := s.unlisted.outlook(time.Now()) != ""; got != c.want {
				t.Errorf("noticed: %v, want %v", got, c.want)
			}
		})
	}
}

// The log says it once an hour, readiness until the proxy is listed, and the metric counts.
func TestUnlistedProxiesAreToldOfWithMeasure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log syncbuffer.Buffer
		u := &unlisted{log: slog.New(slog.NewTextHandler(&log, nil)), requests: prometheus.NewCounter(prometheus.CounterOpts{Name: "requests"})}
		header := http.Header{"X-Forwarded-For": {"203.0.113.9"}}
		for range 5 {
			u.note(netip.MustParseAddr("127.0.0.1"), header)
			time.Sleep(time.Minute)
		}
		if n := strings.Count(log.String(), "trusted_proxies"); n != 1 || strings.Contains(log.String(), "203.0.113.9") {
			t.Errorf("%d lines, want one without an address:\n%s", n, log.String())
		}
		r := prometheus.NewRegistry()
		r.MustRegister(u.requests)
		if all, err := r.Gather(); err != nil || all[0].GetMetric()[0].GetCounter().GetValue() != 5 {
			t.Errorf("counted %v, %v; want 5", all, err)
		}
		if u.outlook(time.Now()) == "" {
			t.Error("readiness does not warn")
		}
		time.Sleep(unlistedFor)
		if text := u.outlook(time.Now()); text != "" {
			t.Errorf("long after the last one: %q", text)
		}
		time.Sleep(unlistedLog)
		u.note(netip.MustParseAddr("127.0.0.1"), header)
		if n := strings.Count(log.String(), "trusted_proxies"); n != 2 {
			t.Errorf("%d lines after another hour, want 2", n)
		}
	})
}
