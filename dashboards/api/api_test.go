package api

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

func TestParseSpan(t *testing.T) {
	for s, want := range map[string]time.Duration{"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "7d": 7 * 24 * time.Hour} {
		if got, err := ParseSpan(s); err != nil || got != want {
			t.Errorf("%s: %v, %v", s, got, err)
		}
		if back, err := ParseSpan(FormatSpan(want)); err != nil || back != want {
			t.Errorf("%v is written as %s", want, FormatSpan(want))
		}
	}
	for _, s := range []string{"", "d", "-1d", "1.5d", "65536d", "7"} {
		if got, err := ParseSpan(s); err == nil {
			t.Errorf("%q: %v, want an error", s, got)
		}
	}
}

// The words of the API must be those of package model.
func TestWordsAreThoseOfTheModel(t *testing.T) {
	dimensions := []Dimension{ByType, ByApp, ByTarget, ByASN, ByCountry, ByServer, ByProtocol, ByStatus, BySource}
	names := model.AllDimensions.Names()
	if len(dimensions) != len(names) {
		t.Fatalf("%d dimensions, the model has %v", len(dimensions), names)
	}
	total := reflect.TypeFor[Total]()
	for i, d := range dimensions {
		if string(d) != names[i] {
			t.Errorf("dimension %q, the model has %q", d, names[i])
		}
		if !hasMember(total, string(d)) {
			t.Errorf("Total has no member %q", d)
		}
	}
	for state, want := range map[ServerState]heatmap.State{Up: heatmap.Up, Down: heatmap.Down, Unknown: heatmap.Unknown} {
		if string(state) != want.String() {
			t.Errorf("state %q, the heat map has %q", state, want)
		}
	}
}

func hasMember(t reflect.Type, name string) bool {
	for field := range t.Fields() {
		if member, _, _ := strings.Cut(field.Tag.Get("json"), ","); member == name {
			return true
		}
	}
	return false
}

// answering returns a client of a dashboard that always gives the same answer and records what it
// was asked.
func answering(t *testing.T, status int, body string) (c *Client, asked *[]string) {
	t.Helper()
	asked = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.RequestURI())
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	c, err := NewClient(server.URL+"/base", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, asked
}

func TestClientAsksAsTheAPIWants(t *testing.T) {
	ctx := t.Context()
	lists, asked := answering(t, http.StatusOK, `[]`)
	objects, askedToo := answering(t, http.StatusOK, `{}`)
	calls := []func() error{
		func() error {
			_, err := lists.Totals(ctx, TotalsQuery{Since: 15 * time.Minute, By: []Dimension{ByType, ByASN}, Type: "tls", Limit: 3})
			return err
		},
		func() error {
			_, err := lists.Reports(ctx, ReportsQuery{Type: report.TCPReset, Target: "https://shop.example", Since: 48 * time.Hour})
			return err
		},
		func() error { _, err := lists.Incidents(ctx, 0); return err },
		func() error { _, err := lists.ServersBits(ctx, Down); return err },
		func() error { _, err := objects.Now(ctx); return err },
		func() error { _, err := objects.Reachability(ctx, time.Hour, time.Minute); return err },
		func() error { _, err := objects.Servers(ctx, ServersQuery{NoServers: true}); return err },
		func() error {
			_, err := objects.Servers(ctx, ServersQuery{First: 5, State: Down, Limit: 9})
			return err
		},
	}
	for i, call := range calls {
		if err := call(); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	want := []string{
		"/base/api/v1/totals?by=type%2Casn&limit=3&since=15m0s&type=tls",
		"/base/api/v1/reports?since=2d&target=https%3A%2F%2Fshop.example&type=tcp.reset",
		"/base/api/v1/incidents",
		"/base/api/v1/servers.bits?state=down",
		"/base/api/v1/now",
		"/base/api/v1/reachability?since=1h0m0s&step=1m0s",
		"/base/api/v1/servers?limit=0",
		"/base/api/v1/servers?first=5&limit=9&state=down",
	}
	if got := slices.Concat(*asked, *askedToo); !slices.Equal(got, want) {
		t.Errorf("asked %s", strings.Join(got, "\n"))
	}
}

func TestClientReadsValues(t *testing.T) {
	c, _ := answering(t, http.StatusOK, `[{"type":"tcp.reset","asn":0,"ok":0,"failed":2.5,"clients":3,"later":"added"}]`)
	rows, err := c.Totals(t.Context(), TotalsQuery{})
	if err != nil || len(rows) != 1 || *rows[0].Type != report.TCPReset || *rows[0].ASN != 0 || rows[0].App != nil || rows[0].Failed != 2.5 {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestClientErrorsAreTypedAndSayWhatWasAsked(t *testing.T) {
	c, _ := answering(t, http.StatusBadRequest, `{"error":"by must be one of: type","parameter":"by","allowed":["type"]}`)
	_, err := c.Totals(t.Context(), TotalsQuery{By: []Dimension{"colour"}})
	fault, ok := errors.AsType[*Error](err)
	if !ok || fault.Status != http.StatusBadRequest || fault.Problem.Parameter != "by" || !slices.Equal(fault.Problem.Allowed, []string{"type"}) {
		t.Fatalf("%#v", err)
	}
	if want := "the dashboard answered 400 to /base/api/v1/totals?by=colour: by must be one of: type"; err.Error() != want {
		t.Errorf("%s\nwant %s", err, want)
	}
	c, _ = answering(t, http.StatusBadGateway, "<html>nobody there")
	if _, err = c.Now(t.Context()); err == nil || !strings.Contains(err.Error(), "502 to /base/api/v1/now: <html>nobody there") {
		t.Errorf("a proxy's answer: %v", err)
	}
	c, _ = answering(t, http.StatusOK, "<html>log in")
	if _, err = c.Now(t.Context()); err == nil || !strings.Contains(err.Error(), "/now") {
		t.Errorf("a captive portal's answer: %v", err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	c, err = NewClient(gone.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Now(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("nobody there: %v", err)
	}
	for _, bad := range []string{"", "localhost:8418", "ftp://a.example", "http://", "http://a b"} {
		if _, err := NewClient(bad, nil); err == nil {
			t.Errorf("%q is taken for a base", bad)
		}
	}
}

func TestClientBoundsAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		block := make([]byte, 1<<20)
		for range MaxAnswer>>20 + 1 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	c, err := NewClient(server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := c.ServersBits(t.Context(), Up); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
