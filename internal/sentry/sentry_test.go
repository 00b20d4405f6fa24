package sentry

import (
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	at := time.Date(2026, 11, 30, 3, 42, 25, 0, time.UTC)
	for name, c := range map[string]struct {
		in   string
		want Envelope
	}{
		"nothing in it":    {`{}`, Envelope{}},
		"header":           {"{\"event_id\":\"a\",\"dsn\":\"d\",\"sent_at\":\"2026-11-30T03:42:25Z\"}\n", Envelope{EventID: "a", DSN: "d", SentAt: at}},
		"without a length": {"{}\n{\"type\":\"event\"}\n{\"a\":1}", Envelope{Items: []Item{{"event", []byte(`{"a":1}`)}}}},
		"empty payload":    {"{}\n{\"type\":\"event\"}", Envelope{Items: []Item{{Type: "event"}}}},
		"with a length":    {"{}\n{\"type\":\"attachment\",\"length\":3}\na\nb\n", Envelope{Items: []Item{{"attachment", []byte("a\nb")}}}},
		"of length zero":   {"{}\n{\"type\":\"attachment\",\"length\":0}\n\n{\"type\":\"x\"}\ny", Envelope{Items: []Item{{"attachment", []byte{}}, {"x", []byte("y")}}}},
		"both":             {"{}\n{\"type\":\"a\",\"length\":2}\n{}\n{\"type\":\"b\"}\n{}\n\n", Envelope{Items: []Item{{"a", []byte("{}")}, {"b", []byte("{}")}}}},
	} {
		got, err := Parse([]byte(c.in))
		if err != nil || !reflect.DeepEqual(got, &c.want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "header of the envelope: is not a JSON object",
		"[]":                         "header of the envelope: is not a JSON object",
		"{}\nx":                      "item 1: header: is not a JSON object",
		"{}\n{}":                     "item 1: its header has no type",
		"{}\n{\"type\":\"a\"}\n\n{}": "item 2: its header has no type",
		`{"a":` + strings.Repeat("[", 65) + strings.Repeat("]", 65) + "}": "nests deeper than 64",
		`{"a":"` + strings.Repeat("x", MaxHeader) + `"}`:                  "is longer than",
		"{}\n{\"type\":\"a\",\"length\":4}\nabc":                          "ends before the item's length",
		"{}\n{\"type\":\"a\",\"length\":-1}\nabc":                         "ends before the item's length",
		"{}\n{\"type\":\"a\",\"length\":2}\nabc":                          "is longer than its length",
	} {
		if _, err := Parse([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", in, err, want)
		}
	}
	e, err := Parse([]byte("{}" + strings.Repeat("\n{\"type\":\"a\"}\n{}", MaxItems+3)))
	if err != nil || len(e.Items) != MaxItems || e.Surplus != 3 {
		t.Errorf("%d items, %d surplus, %v", len(e.Items), e.Surplus, err)
	}
}

func TestInstants(t *testing.T) {
	want := time.Date(2026, 11, 30, 3, 42, 25, 5e8, time.UTC)
	for _, in := range []string{`1796010145.5`, `"2026-11-30T03:42:25.5Z"`, `"2026-11-30T03:42:25.5"`, `"2026-11-30T04:42:25.5+01:00"`} {
		if got := instant([]byte(in)); !got.Equal(want) {
			t.Errorf("%s: %v", in, got)
		}
	}
	for _, in := range []string{``, `null`, `-1`, `1e300`, `"now"`, `{}`} {
		if got := instant([]byte(in)); !got.IsZero() {
			t.Errorf("%s: %v", in, got)
		}
	}
}

func TestKeys(t *testing.T) {
	r := httptest.NewRequest("POST", "/api/7/envelope/?sentry_key=q", nil)
	if got := Key(r); got != "q" {
		t.Errorf("in the query: %q", got)
	}
	r.Header.Set("Authorization", "Sentry sentry_version=7,sentry_key=a")
	if got := Key(r); got != "a" {
		t.Errorf("in Authorization: %q", got)
	}
	r.Header.Set("X-Sentry-Auth", "Sentry sentry_version=7, sentry_key=x, sentry_secret=s")
	if got := Key(r); got != "x" {
		t.Errorf("in X-Sentry-Auth: %q", got)
	}
	if key, project := ParseDSN("https://k:secret@h.example/path/7"); key != "k" || project != "7" {
		t.Errorf("DSN: %q, %q", key, project)
	}
}

// Nothing crashes the parser. What an envelope's items have is in the envelope, in order, and all
// that an event drops has a name that the metric knows.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"{\"event_id\":\"a\",\"sent_at\":\"2026-11-30T03:42:25Z\"}\n{\"type\":\"event\"}\n{\"message\":\"m\"}\n",
		"{}\n{\"type\":\"attachment\",\"length\":3}\na\nb\n{\"type\":\"event\",\"length\":2}\n{}",
		"{}\r\n{\"type\":\"event\"}\r\n{\"exception\":{\"values\":[{\"type\":\"E\",\"stacktrace\":{\"frames\":[{\"lineno\":1}]}}]},\"user\":{}}",
		"{}", "", "\n", "{}\n{\"type\":\"a\",\"length\":9999999999}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := Parse(body)
		if err != nil {
			return
		}
		total := 0
		for _, item := range e.Items {
			total += len(item.Payload)
			if item.Type == "" {
				t.Error("an item without a type")
			}
			event, err := ParseEvent(item.Payload)
			if err != nil {
				continue
			}
			for _, part := range event.Dropped {
				if !slices.Contains(Parts, part) {
					t.Errorf("dropped %q", part)
				}
			}
		}
		if total > len(body) {
			t.Errorf("%d bytes in items of %d", total, len(body))
		}
	})
}
