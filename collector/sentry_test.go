package collector_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/report"
)

const sentryKey = "0123456789abcdef0123456789abcdef"

// sentryRig is a rig with a Sentry project.
func sentryRig(t *testing.T) *rig {
	return newRig(t, func(o *collector.Options, _ *sqliteinbox.Options) {
		o.Settings.Sentry = collector.SentryProject{Project: "7", Key: sentryKey}
	})
}

// envelope posts an envelope; change may change the request.
func (r *rig) envelope(body string, change ...func(*http.Request)) answer {
	r.t.Helper()
	req := must(http.NewRequestWithContext(r.t.Context(), "POST", r.url+"/api/7/envelope/?sentry_key="+sentryKey, strings.NewReader(body)))(r.t)
	for _, c := range change {
		c(req)
	}
	return r.do(req)
}

// wrap puts items into an envelope. Each item is a type and a payload.
func wrap(items ...string) string {
	b := `{"event_id":"af54e6ab21584fc9b9d0e5724154b784","sent_at":"2026-11-30T03:42:26.000Z"}`
	for i := 0; i < len(items); i += 2 {
		b += fmt.Sprintf("\n{\"type\":%q}\n%s", items[i], items[i+1])
	}
	return b
}

// goEvent is what sentry-go sends, with everything that must not be kept.
const goEvent = `{"event_id":"af54e6ab21584fc9b9d0e5724154b784","platform":"go","level":"error","release":"shop@1.2.3","environment":"SECRET","server_name":"SECRET",` +
	`"timestamp":"2026-11-30T03:42:25.5Z","user":{"id":"SECRET","email":"anna@example.com","ip_address":"203.0.113.9"},"tags":{"a":"SECRET"},"extra":{"b":"SECRET"},` +
	`"request":{"url":"https://shop.example/SECRET","headers":{"Cookie":"SECRET"}},"breadcrumbs":[{"message":"SECRET"}],"surprise":"SECRET","modules":{"SECRET":"1"},` +
	`"contexts":{"os":{"name":"linux"},"trace":{"trace_id":"d90ca5f4827844fb967db480a029be7e"},"device":{"name":"SECRET"}},` +
	`"exception":{"values":[{"type":"*shop.CardError","value":"cause"},{"type":"*fmt.wrapError","value":"paying: card of anna@example.com refused",` +
	`"stacktrace":{"frames":[{"function":"main","module":"main","abs_path":"/home/SECRET/main.go","lineno":7,"vars":{"x":"SECRET"}},` +
	`{"function":"Pay","module":"shop.example/shop","abs_path":"/home/SECRET/pay.go","lineno":9,"context_line":"SECRET"},` +
	`{"function":"func1","module":"shop.example/shop","abs_path":"/home/SECRET/pay.go","lineno":11}]}}]}}`

func TestSentryEventBecomesAnApplicationError(t *testing.T) {
	r := sentryRig(t)
	a := r.envelope(wrap("event", goEvent))
	var said struct{ ID string }
	if err := json.Unmarshal(a.body, &said); a.status != http.StatusOK || err != nil || said.ID != "af54e6ab21584fc9b9d0e5724154b784" {
		t.Fatalf("answered %d %s, %v", a.status, a.body, err)
	}
	got := r.records(r.stored()[0].Segment)
	h := got[0].(*report.Header)
	if h.Client == [16]byte{} {
		t.Error("the client has no token")
	}
	h.Client = [16]byte{}
	if want := (report.Header{Source: report.SourceAgent, App: "shop", Version: "1.2.3", OS: "linux", Consent: report.Diagnostics}); fmt.Sprint(*h) != fmt.Sprint(want) {
		t.Errorf("header\n got %+v\nwant %+v", *h, want)
	}
	frames := []report.Frame{{Function: "shop.example/shop.Pay.func1", File: "pay.go", Line: 11}, {Function: "shop.example/shop.Pay", File: "pay.go", Line: 9},
		{Function: "main.main", File: "main.go", Line: 7}}
	want := report.ApplicationError{At: -500, Kind: report.KindError, Type: "*shop.CardError", Message: "paying: card of [email] refused", Count: 1, Frames: frames,
		Fingerprint: report.Fingerprint(report.KindError, "*shop.CardError", frames),
		TraceID:     [16]byte{0xd9, 0x0c, 0xa5, 0xf4, 0x82, 0x78, 0x44, 0xfb, 0x96, 0x7d, 0xb4, 0x80, 0xa0, 0x29, 0xbe, 0x7e}}
	if e := got[1].(*report.ApplicationError); fmt.Sprint(*e) != fmt.Sprint(want) {
		t.Errorf("error\n got %+v\nwant %+v", *e, want)
	}
	if strings.Contains(show(got), "SECRET") || strings.Contains(r.log.String(), "SECRET") {
		t.Errorf("more is kept than an agent would: %s", show(got))
	}
	for _, part := range []string{"user", "tags", "extra", "request", "breadcrumbs", "contexts", "environment", "server_name", "modules", "other"} {
		if n := r.metric("sentry_dropped_parts_total", part); n != 1 {
			t.Errorf("%s was dropped %v times", part, n)
		}
	}
}

// What applications send in other forms, and what becomes of it.
func TestSentryKinds(t *testing.T) {
	event := func(s string) string { return wrap("event", s) }
	const stack = `"stacktrace":{"frames":[{"function":"main","module":"app","filename":"app.py","lineno":1},{"function":"pay","module":"shop","filename":"pay.py","lineno":2}]}`
	for name, c := range map[string]struct {
		body string
		want string // kind, type, number of frames; or the reason of the drop
	}{
		"caught":            {event(`{"platform":"python","exception":{"values":[{"type":"ValueError","value":"v",` + stack + `}]}}`), "1 ValueError shop.pay,app.main"},
		"uncaught":          {event(`{"platform":"python","exception":{"values":[{"type":"ValueError","mechanism":{"handled":false},` + stack + `}]}}`), "2 ValueError shop.pay,app.main"},
		"old list":          {event(`{"platform":"java","exception":[{"type":"E","value":"v",` + stack + `}]}`), "1 E shop.pay,app.main"},
		"cause's stack":     {event(`{"platform":"java","exception":{"values":[{"type":"C",` + stack + `},{"type":"E"}]}}`), "1 E shop.pay,app.main"},
		"uncaught in pages": {event(`{"platform":"javascript","exception":{"values":[{"type":"TypeError","mechanism":{"handled":false},` + stack + `}]}}`), "1 TypeError pay,main"},
		"nameless function": {event(`{"platform":"node","exception":{"values":[{"type":"E","stacktrace":{"frames":[{"function":"?","module":"m","filename":"/x/a.js","lineno":3}]}}]}}`), "1 E <anonymous>"},
		"only texts in go":  {event(`{"platform":"go","exception":{"values":[{"type":"*errors.errorString"},{"type":"*fmt.wrapError"}]}}`), "1 *fmt.wrapError "},
		"panic with text":   {event(`{"platform":"go","level":"fatal","message":"boom","threads":{"values":[{"current":true,` + stack + `}]}}`), "2 string shop.pay,app.main"},
		"logged":            {event(`{"platform":"go","level":"error","logentry":{"message":"cart %s","formatted":"cart 7"}}`), "3 ERROR "},
		"message of node":   {event(`{"platform":"node","level":"error","message":"m","exception":{"values":[{"value":"m","mechanism":{"synthetic":true},` + stack + `}]}}`), "3 ERROR pay,main"},
		"only informs":      {event(`{"platform":"node","level":"info","message":"m"}`), "level"},
		"nothing in it":     {event(`{"platform":"node"}`), "invalid"},
		"no object":         {event(`[]`), "invalid"},
		"wrong types":       {event(`{"platform":7,"release":[],"level":{},"exception":{"values":[{"type":"E"},7]},"contexts":"x","threads":1,"timestamp":"x"}`), "1 E "},
		"too deep":          {event(`{"extra":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`), "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			r := sentryRig(t)
			if a := r.envelope(c.body); a.status != http.StatusOK {
				t.Fatalf("answered %d %s", a.status, a.body)
			}
			if len(r.stored()) == 0 {
				if n := r.metric("sentry_items_total", "event", c.want); n != 1 {
					t.Errorf("not stored, and not counted as %q", c.want)
				}
				return
			}
			e := r.records(r.stored()[0].Segment)[1].(*report.ApplicationError)
			var names []string
			for _, f := range e.Frames {
				names = append(names, f.Function)
			}
			if got := fmt.Sprintf("%d %s %s", e.Kind, e.Type, strings.Join(names, ",")); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Only events are kept; the rest is counted by kind, and SDKs are asked to keep it to themselves.
func TestSentryDropsByKind(t *testing.T) {
	r := sentryRig(t)
	items := []string{"transaction", `{}`, "session", `{"did":"SECRET"}`, "attachment", "SECRET", "span", `{}`, "strange_new", `{}`}
	for range 10 {
		items = append(items, "event", goEvent)
	}
	a := r.envelope(wrap(items...))
	if a.status != http.StatusOK || len(r.stored()) != 1 || len(r.records(r.stored()[0].Segment)) != 16 {
		t.Fatalf("answered %d, stored %d", a.status, len(r.stored()))
	}
	for kind, want := range map[string]float64{"transaction": 1, "session": 1, "attachment": 1, "span": 1, "other": 1} {
		if n := r.metric("sentry_items_total", kind, "kind"); n != want {
			t.Errorf("%s was counted %v times", kind, n)
		}
	}
	if n := r.metric("sentry_items_total", "event", "overflow"); n != 2 {
		t.Errorf("%v events were too many, want 2", n)
	}
	if got := a.header.Get("X-Sentry-Rate-Limits"); !strings.HasPrefix(got, "3600:transaction;session;") || strings.Contains(got, "error") {
		t.Errorf("rate limits %q", got)
	}
}

// A key may come in three places, and is looked at before the body is read.
func TestSentryKeyAndProject(t *testing.T) {
	auth := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.URL.RawQuery = ""; r.Header.Set("X-Sentry-Auth", value) }
	}
	dsn := func(dsn string) string { return fmt.Sprintf(`{"dsn":%q}`+"\n"+`{"type":"event"}`+"\n"+goEvent, dsn) }
	none := func(r *http.Request) { r.URL.RawQuery = "" }
	r := sentryRig(t)
	for name, c := range map[string]struct {
		answer answer
		want   int
	}{
		"query":          {r.envelope(wrap("event", goEvent)), 200},
		"header":         {r.envelope(wrap("event", goEvent), auth("Sentry sentry_version=7, sentry_key="+sentryKey+", sentry_client=x")), 200},
		"envelope":       {r.envelope(dsn("https://"+sentryKey+"@c1.example/7"), none), 200},
		"another key":    {r.envelope(wrap("event", goEvent), auth("Sentry sentry_key=x")), 403},
		"no key":         {r.envelope(wrap("event", goEvent), none), 403},
		"another dsn":    {r.envelope(dsn("https://"+sentryKey+"@c1.example/8"), none), 403},
		"no dsn":         {r.envelope(dsn("::"), none), 403},
		"another number": {r.envelope(wrap("event", goEvent), func(r *http.Request) { r.URL.Path = "/api/8/envelope/" }), 403},
		"another method": {r.envelope("", func(r *http.Request) { r.Method = "GET" }), 405},
		"preflight":      {r.envelope("", func(r *http.Request) { r.Method = "OPTIONS" }), 204},
	} {
		if c.answer.status != c.want {
			t.Errorf("%s: answered %d %s, want %d", name, c.answer.status, c.answer.body, c.want)
		}
		if c.answer.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: pages cannot read the answer", name)
		}
	}
	if n := len(r.stored()); n != 3 {
		t.Errorf("stored %d, want 3", n)
	}
}

func TestSentryIsOffByDefault(t *testing.T) {
	r := newRig(t, nil)
	for _, method := range []string{"POST", "GET", "OPTIONS"} {
		if a := r.envelope(wrap("event", goEvent), func(r *http.Request) { r.Method = method }); a.status != http.StatusNotFound {
			t.Errorf("%s: answered %d", method, a.status)
		}
	}
}

func TestSentryBodies(t *testing.T) {
	r := sentryRig(t)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, wrap("event", goEvent))
	_ = z.Close()
	var bomb bytes.Buffer
	z = gzip.NewWriter(&bomb)
	_, _ = io.WriteString(z, wrap("attachment", strings.Repeat("x", 4<<20)))
	_ = z.Close()
	gzipped := func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }
	chunked := func(r *http.Request) { r.ContentLength = -1 }
	for name, c := range map[string]struct {
		answer answer
		want   int
	}{
		"gzip":      {r.envelope(zipped.String(), gzipped), 200},
		"chunked":   {r.envelope(wrap("event", goEvent), chunked), 200},
		"bomb":      {r.envelope(bomb.String(), gzipped), 413},
		"too large": {r.envelope(wrap("attachment", strings.Repeat("x", 1<<20))), 413},
		"brotli":    {r.envelope("x", func(r *http.Request) { r.Header.Set("Content-Encoding", "br") }), 415},
		"no JSON":   {r.envelope("x"), 400},
		"empty":     {r.envelope(""), 400},
	} {
		if c.answer.status != c.want {
			t.Errorf("%s: answered %d %s, want %d", name, c.answer.status, c.answer.body, c.want)
		}
	}
}

// A policy that allows only counts keeps no texts, and one that allows nothing keeps nothing.
func TestSentryUnderThePolicy(t *testing.T) {
	r := sentryRig(t)
	reload := func(consent report.Consent) {
		r.policy.Version++
		r.policy.MaxConsent = consent
		s := r.settings()
		s.Sentry = collector.SentryProject{Project: "7", Key: sentryKey, App: "backend"}
		if err := r.Reload(s); err != nil {
			t.Fatal(err)
		}
	}
	reload(report.Counts)
	r.envelope(wrap("event", strings.Replace(goEvent, "shop@", "", 1)))
	got := r.records(r.stored()[0].Segment)
	h, e := got[0].(*report.Header), got[1].(*report.ApplicationError)
	if h.App != "backend" || h.Version != "1.2.3" || e.Message != "" || len(e.Frames) != 0 || e.TraceID != [16]byte{} || e.Fingerprint == [16]byte{} {
		t.Errorf("stored %s", show(got))
	}
	reload(report.Off)
	if a := r.envelope(wrap("event", goEvent)); a.status != http.StatusOK || len(r.stored()) != 1 {
		t.Errorf("answered %d, stored %d", a.status, len(r.stored()))
	}
	if n := r.metric("sentry_items_total", "event", "disabled"); n != 1 {
		t.Errorf("counted %v", n)
	}
}

// An SDK learns for how long it must be silent.
func TestSentryIsToldToComeLater(t *testing.T) {
	r := sentryRig(t)
	if err := r.inbox.Close(); err != nil {
		t.Fatal(err)
	}
	a := r.envelope(wrap("event", goEvent))
	limits, seconds := a.header.Get("X-Sentry-Rate-Limits"), a.header.Get("Retry-After")
	if a.status != http.StatusTooManyRequests || seconds == "" || seconds == "0" || limits != seconds+"::organization" {
		t.Errorf("answered %d, Retry-After %q, limits %q", a.status, seconds, limits)
	}
	if n := r.metric("sentry_items_total", "envelope", "unavailable"); n != 1 {
		t.Errorf("counted %v", n)
	}
}

func TestSentryProjectFaults(t *testing.T) {
	for _, p := range []collector.SentryProject{{Project: "shop", Key: sentryKey}, {Project: "7", Key: "short"}, {Key: sentryKey}, {Project: "7", Key: strings.Repeat("é", 16)},
		{Project: "7", Key: sentryKey, App: strings.Repeat("x", 300)}} {
		if p.Check() == nil {
			t.Errorf("%+v is taken", p)
		}
	}
}
