package collector

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/internal/sentry"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Whatever events are accepted can be sealed, at most as many as fit into a segment, and no part of
// them is kept that has no place in an application error.
func FuzzSentryEvents(f *testing.F) {
	for _, seed := range []string{
		`{"platform":"go","exception":{"values":[{"type":"*fmt.wrapError","value":"v","stacktrace":{"frames":[{"function":"func1","module":"m"},{"function":"2","module":"m"}]}}]}}`,
		`{"platform":"node","level":"error","message":"m","exception":[{"value":"m","mechanism":{"synthetic":true},"stacktrace":{"frames":[{"function":"?","filename":"/a/b.js","lineno":1e300}]}}]}`,
		`{"release":"@","message":"\u0000\ud800","level":"fatal","platform":"go","timestamp":-1,"contexts":{"os":{"name":"macOS"},"trace":{"trace_id":"d90ca5f4827844fb967db480a029be7e"}},"user":{"id":"QQQQ"}}`,
		`{"exception":{"values":[{"type":"` + strings.Repeat("é", 400) + `"}]},"timestamp":"2026-11-30T03:42:25","request":{"url":"QQQQ"},"extra":{"QQQQ":"QQQQ"}}`,
		`{}`, `[]`, `{"level":"error","message":"m"}`,
	} {
		f.Add([]byte(seed))
	}
	key, err := seal.GenerateOpenKey()
	if err != nil {
		f.Fatal(err)
	}
	s := &sentryServer{metrics: newMetrics()}
	now := &settings{policy: &policy.Policy{MaxConsent: report.Diagnostics, Expires: time.Now().Add(time.Hour).Unix()}}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e := &sentry.Envelope{SentAt: time.Unix(1e9, 0)}
		for range maxSentryEvents + 1 {
			e.Items = append(e.Items, sentry.Item{Type: sentryEvent, Payload: payload})
		}
		records := s.errors(now, e, netip.IPv6Loopback(), "Firefox/1")
		if len(records) == 0 {
			return
		}
		if len(records) != 2*maxSentryEvents {
			t.Fatalf("%d records of one event each", len(records))
		}
		if _, err := sealRecords(key.SealKey(), report.BatchID{1}, records); err != nil {
			t.Fatalf("%v for %q", err, payload)
		}
	})
}
