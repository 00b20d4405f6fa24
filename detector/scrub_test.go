package detector

import (
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// What no agent would send is scrubbed behind the seal, too.
func TestForgedTextsAreScrubbed(t *testing.T) {
	const evil = "x\x1b[2J\x00\u202ey"
	id := BatchNumber(1)
	now := time.UnixMilli(1_700_000_000_000)
	header := &report.Header{Source: report.SourceAgent, App: "shop" + evil, Version: evil, OS: evil, Consent: report.Diagnostics, Client: [16]byte{1}}
	window := &report.Window{Length: 1000, SampledPPM: report.FullPPM, Counters: []report.Counter{
		{Target: "https://bob:pw@shop.test/a?password=hunter2", Outcome: report.OK, Count: 1},
		{Target: "https://shop.test" + evil, Outcome: report.OK, Protocol: "h2", Count: 1},
	}}
	samples := []any{header, window}
	for _, target := range []string{"user=bob&password=hunter2", "javascript:hunter2", "file:///home/bob", "ftp://bob:hunter2@shop.test", "https:/shop.test/reset/hunter2",
		"HTTPS://bob@Shop.test", "https://shop.test?bob"} {
		samples = append(samples, &report.Window{Length: 1000, SampledPPM: report.FullPPM, Counters: []report.Counter{{Target: target, Outcome: report.OK, Count: 1}}})
	}
	for _, url := range []string{"https://shop.test/cart?password=hunter2&user=bob#frag", "javascript:alert(document.cookie)", "data:text/html,hunter2", "https://bob:hunter2@shop.test/users/bob"} {
		samples = append(samples, &report.Sample{URL: url, Method: "GET", Outcome: report.TCPReset, Phase: report.PhaseConnection})
	}
	samples = append(samples, &report.ApplicationError{Kind: report.KindPanic, Fingerprint: [16]byte{1}, Type: "T" + evil, Message: "password=hunter2 " + evil, URL: "javascript:hunter2", Count: 1,
		Frames: []report.Frame{{Function: "main.f" + evil, File: "f.go" + evil, Line: 1}}})
	e := &report.Envelope{Seq: 1, Batch: id, Received: now.UnixMilli(), Collector: "c1", Country: "XA", Segment: Seal(t, id, samples...)}
	o := &opener{keys: seal.NewKeyring(TestKey), bin: time.Minute, maxAge: time.Hour}
	b, reason, err := o.open(e, now)
	if err != nil {
		t.Fatal(reason, err)
	}
	var all strings.Builder
	for _, c := range b.Counts {
		all.WriteString(c.Series.App + "|" + c.Series.Target + "|" + c.Series.Protocol + "\t")
	}
	// and nothing else that could be taken for one
	for _, target := range []string{"https://shop.test", invalidTarget} {
		if !strings.Contains(all.String(), "|"+target+"|") {
			t.Errorf("no counter is of %s: %q", target, all.String())
		}
	}
	for _, s := range b.Samples {
		all.WriteString(s.App + s.Version + s.OS + "|" + s.Target + "|" + s.URL + "|" + s.Error.Type + s.Error.Message + s.Error.Stack + "\t")
	}
	for _, leak := range []string{"hunter2", "bob", "frag", "javascript", "data:", "\x1b", "\x00", "\u202e"} {
		if strings.Contains(all.String(), leak) {
			t.Errorf("%q is left in %q", leak, all.String())
		}
	}
	if len(b.Samples) != 5 || b.Samples[0].URL != "https://shop.test/cart" || b.Samples[1].URL != "" {
		t.Errorf("samples %+v", b.Samples)
	}
}
