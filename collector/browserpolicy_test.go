package collector_test

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/privacy/policy"
	"github.com/heliograph-net/heliograph/report"
)

func TestPolicyDecidesWhatBrowserReportsAreKept(t *testing.T) {
	r := newRig(t, nil)
	for name, c := range map[string]struct {
		change  func(*policy.Policy)
		consent report.Consent
	}{
		"all":      {func(*policy.Policy) {}, report.Diagnostics},
		"counts":   {func(p *policy.Policy) { p.MaxConsent = report.Counts }, report.Counts},
		"expired":  {func(p *policy.Policy) { p.Expires = time.Now().Unix() - 1 }, report.Counts},
		"off":      {func(p *policy.Policy) { p.MaxConsent = report.Off }, report.Off},
		"disabled": {func(p *policy.Policy) { p.Disabled = true }, report.Off},
	} {
		whole := r.policy
		c.change(&r.policy)
		if err := r.Reload(r.settings()); err != nil {
			t.Fatal(err)
		}
		r.policy = whole
		if c.consent == report.Off {
			before, dropped := len(r.stored()), r.metric("dropped_reports_total", "disabled")
			if a := r.report("[" + nel() + "]"); a.status != http.StatusNoContent {
				t.Errorf("%s: status %d", name, a.status)
			}
			if len(r.stored()) != before || r.metric("dropped_reports_total", "disabled") != dropped+1 {
				t.Errorf("%s: was stored, or not counted as dropped", name)
			}
			continue
		}
		got := r.reported("[" + nel() + "]")
		wantRecords := 2
		if c.consent == report.Diagnostics {
			wantRecords = 3
		}
		if h := got[0].(*report.Header); h.Consent != c.consent || len(got) != wantRecords {
			t.Errorf("%s: consent %v, %d records", name, h.Consent, len(got))
		}
	}
	if err := r.Reload(collector.Settings{ReceiptKey: r.receiptKey}); err != nil {
		t.Fatal(err)
	}
	before := len(r.stored())
	if a := r.report("[" + nel() + "]"); a.status != http.StatusNoContent || len(r.stored()) != before {
		t.Errorf("without a policy: status %d, %d stored", a.status, len(r.stored())-before)
	}
}

// Any failure makes browsers come back: what cannot be kept is dropped, counted and answered 204.
func TestBrowsersAreNeverToldToComeBack(t *testing.T) {
	r := newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) { o.MaxUploads = 1 })
	busy := r.rawUpload(batchID(1), 2000, "HGS")
	r.await("an upload in flight", func() bool { return r.metric("uploads_in_flight") == 1 })
	if a := r.report("[" + nel() + "]"); a.status != 204 || r.metric("dropped_reports_total", "overload") != 1 {
		t.Errorf("overload: status %d, %v counted", a.status, r.metric("dropped_reports_total", "overload"))
	}
	busy.Close()
	r.await("no upload in flight", func() bool { return r.metric("uploads_in_flight") == 0 })
	if err := r.inbox.Close(); err != nil {
		t.Fatal(err)
	}
	if a := r.report("[" + nel() + "," + nel() + "]"); a.status != 204 || r.metric("dropped_reports_total", "unavailable") != 2 {
		t.Errorf("broken inbox: status %d, %v counted", a.status, r.metric("dropped_reports_total", "unavailable"))
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if a := r.report("[" + nel() + "]"); a.status != 204 {
		t.Errorf("shut down: status %d", a.status)
	}
}

func TestClientTokenTellsBrowsersApart(t *testing.T) {
	r := newRig(t, nil)
	token := func(replace ...string) [16]byte {
		return r.reported("[" + nel(replace...) + "]")[0].(*report.Header).Client
	}
	first, again, other := token(), token(), token("Chrome/120", "Chrome/121")
	if first == [16]byte{} || first != again || first == other {
		t.Errorf("tokens %x, %x of one browser, %x of another", first, again, other)
	}
	restarted := newRig(t, nil)
	if got := restarted.reported("[" + nel() + "]")[0].(*report.Header).Client; got == first {
		t.Error("the key outlives the collector")
	}
	// One upload is one client, whatever its reports say.
	headers := 0
	for _, rec := range r.reported("[" + nel() + "," + nel("Chrome/120", "Chrome/121") + "]") {
		if _, ok := rec.(*report.Header); ok {
			headers++
		}
	}
	if headers != 1 {
		t.Errorf("%d headers", headers)
	}
}

// What must not be kept is nowhere: not even in what the detector opens.
func TestReportsAreScrubbed(t *testing.T) {
	r := newRig(t, nil)
	body := "[" + nel("https://shop.example/\"", "https://me@mail.example/from?q=referrer-secret\"", "GET", "GET secret-method",
		"192.0.2.7", "192.0.2.99") + "]"
	for _, rec := range r.reported(body) {
		b := must(report.AppendRecord(nil, rec))(t)
		for _, secret := range []string{"secret", "card", "mail", "192.0.2", "Mozilla", "Win64", "120.0"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%q is in %+v", secret, rec)
			}
		}
	}
}
