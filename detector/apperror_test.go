package detector

import (
	"slices"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

func TestApplicationErrorsBecomeSamplesAndCountNowhere(t *testing.T) {
	e := &report.ApplicationError{
		At: 500, Kind: report.KindPanic, Type: "runtime.boundsError", Message: "index out of range", Fingerprint: [16]byte{1}, TraceID: [16]byte{2}, Count: 3,
		Frames: []report.Frame{{Function: "main.pay", File: "pay.go", Line: 7}, {Function: "plugin.run"}},
	}
	b, _, err := testOpener().open(envelope(t, report.Delivery{Age: 2000}, ShopHeader(7), e), time.UnixMilli(received))
	if err != nil {
		t.Fatal(err)
	}
	want := model.Sample{
		At: time.UnixMilli(received - 1500), App: "shop", Version: "1.2", OS: "linux", Source: report.SourceAgent, Outcome: report.AppPanic,
		Phase: report.PhaseApplication, TraceID: [16]byte{2}, ASN: 64502, Country: "XA", Client: 7,
		Error: model.ApplicationError{Type: "runtime.boundsError", Message: "index out of range", Stack: "main.pay pay.go:7\nplugin.run", Fingerprint: [16]byte{1}, Count: 3},
	}
	if !slices.Equal(b.Samples, []model.Sample{want}) {
		t.Errorf("samples\n got %+v\nwant %+v", b.Samples, want)
	}
	for _, c := range b.Counts {
		if c.App != model.DeliveryApp {
			t.Errorf("counted as a request: %+v", c)
		}
	}
}

// What a browser reports of a page names the page, and says in its outcome which of the browser's
// own words it is.
func TestBrowsersReportsOfPagesBecomeSamples(t *testing.T) {
	h := &report.Header{Source: report.SourceBrowser, App: "chrome", Version: "156", OS: "linux", Consent: report.Diagnostics}
	e := &report.ApplicationError{At: -500, Kind: report.KindCSPViolation, Type: "script-src-elem", Message: "blocked inline", Fingerprint: [16]byte{1},
		Count: 2, URL: "https://shop.example/cart/:id"}
	b, _, err := testOpener().open(envelope(t, report.Delivery{}, h, e), time.UnixMilli(received))
	if err != nil || len(b.Samples) != 1 {
		t.Fatalf("%d samples, %v", len(b.Samples), err)
	}
	b.Samples[0].Client = 0
	want := model.Sample{
		At: time.UnixMilli(received - 500), App: "chrome", Version: "156", OS: "linux", Source: report.SourceBrowser, Outcome: "browser.csp.script_src_elem",
		Phase: report.PhaseApplication, ASN: 64502, Country: "XA", Target: "https://shop.example", URL: "https://shop.example/cart/:id",
		Error: model.ApplicationError{Type: "script-src-elem", Message: "blocked inline", Fingerprint: [16]byte{1}, Count: 2},
	}
	if b.Samples[0] != want {
		t.Errorf("sample\n got %+v\nwant %+v", b.Samples[0], want)
	}
	for _, c := range b.Counts {
		if c.App != model.DeliveryApp {
			t.Errorf("counted as a request: %+v", c)
		}
	}
}

func TestDeletionNoticeNamesClients(t *testing.T) {
	h := ShopHeader(7)
	token := h.Client
	h.Client = [16]byte{}
	n := &report.DeletionNotice{Clients: [][16]byte{token}}
	b, _, err := testOpener().open(envelope(t, report.Delivery{}, h, n), time.UnixMilli(received))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.Deleted, []uint64{7}) {
		t.Errorf("deleted %v, want the client that the token stood for", b.Deleted)
	}
	many := &report.DeletionNotice{}
	for i := range byte(report.MaxClients) {
		many.Clients = append(many.Clients, [16]byte{i + 1})
	}
	if b, _, err = testOpener().open(envelope(t, report.Delivery{}, h, n, many, many), time.UnixMilli(received)); err != nil || len(b.Deleted) != report.MaxClients {
		t.Errorf("%d clients of one batch, %v; want MaxClients", len(b.Deleted), err)
	}
}
