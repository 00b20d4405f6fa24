package search

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

func failedRequest() model.Sample {
	return model.Sample{App: "Shop", Version: "1.5.0", OS: "linux", Source: report.SourceAgent, Target: "https://shop.example:8443",
		URL: "https://shop.example:8443/cart/Überblick", Method: "GET", Outcome: "tls.cert.expired", Phase: report.PhaseConnection, Protocol: "h2",
		Server: "[2001:db8::1]:443", Status: 503, TraceID: [16]byte{0xab, 15: 1}, ASN: 64501, Country: "DE"}
}

func thrown() model.Sample {
	return model.Sample{App: "shop", Version: "1.5.0", Outcome: "app.exception", Error: model.ApplicationError{
		Type: "TypeError", Message: "Cannot read properties of undefined (reading 'total')", Stack: "cart.total cart.js:17\nmain main.js:3",
		Fingerprint: [16]byte{1, 2, 3}, Count: 2}}
}

// What matches is found by its terms, and only that.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		query           string
		request, thrown bool
	}{
		{"", true, true},
		{" ,;- ", true, true},
		{"app:shop", true, true},
		{"APP:SHOP", true, true},
		{"release:1.5.0 version:1.5.0", true, true},
		{"version:1.5", false, false},
		{"outcome:tls", true, false},
		{"type:tls.cert", true, false},
		{"outcome:tls.ce", false, false},
		{"asn:AS64501", true, false},
		{"asn:64501 country:de", true, false},
		{"asn:64501 country:fr", false, false},
		{"asn:0", false, true},
		{"target:https://shop.example:8443/", true, false},
		{"target:shop.example", true, false},
		{"server:2001:db8::1", true, false},
		{"status:503 method:get protocol:h2 os:linux source:agent", true, false},
		{"status:0", false, false},
		{"trace:ab000000000000000000000000000001", true, false},
		{"trace:ab000000-0000-0000-0000-000000000001", true, false},
		{"fingerprint:01020300000000000000000000000000", false, true},
		{"error:typeerror", false, true},
		{"error:Type", false, false},
		{"TypeError undefined", false, true},
		{"undefined reading", false, true},
		{`"undefined reading"`, false, true},
		{`"reading undefined"`, false, false},
		{"cart.js:17", false, true},
		{"cart.js:3", false, false},
		{"cart", true, true},
		{"car", false, false},
		{"überblick", true, false},
		{"https://shop.example:8443/cart", true, false},
		{"shop", true, true},
	} {
		q, err := Parse(c.query)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		for i, s := range []model.Sample{failedRequest(), thrown()} {
			want := []bool{c.request, c.thrown}[i]
			if got := q.Match(&s); got != want {
				t.Errorf("%q: sample %d matches: %v", c.query, i, got)
			}
			if terms := Terms(nil, &s); want && !hasAll(terms, q.Terms()) {
				t.Errorf("%q: sample %d is not found by its terms", c.query, i)
			}
		}
		if nothing := len(q.Terms()) == 0; nothing != q.Empty() {
			t.Errorf("%q: %d terms, empty: %v", c.query, len(q.Terms()), q.Empty())
		}
	}
}

func hasAll(terms, want []Term) bool {
	for _, w := range want {
		if _, ok := slices.BinarySearch(terms, w); !ok {
			return false
		}
	}
	return true
}

func TestBadQueries(t *testing.T) {
	for _, text := range []string{`"open`, `version:"1`, "version:", `app:"" x`, strings.Repeat("x", MaxText+1), strings.Repeat("x ", MaxParts+1), strings.Repeat("x.", MaxParts+1)} {
		if _, err := Parse(text); !errors.Is(err, model.ErrQuery) {
			t.Errorf("%q: %v", text, err)
		} else if strings.Contains(err.Error(), "xx") {
			t.Errorf("%v: has the query's text", err)
		}
	}
}

// Very long texts are found by their beginning, and a very long word by any word that begins alike.
func TestBounds(t *testing.T) {
	s := model.Sample{Error: model.ApplicationError{Message: strings.Repeat("again ", maxWords) + "last " + strings.Repeat("ß", 100)}}
	if n := len(Terms(nil, &s)); n > 50 {
		t.Errorf("%d terms", n)
	}
	s.Error.Message = strings.Repeat("ß", 100)
	for text, want := range map[string]bool{"last": false, strings.Repeat("ß", 90): true, strings.Repeat("ß", 3): false} {
		q, err := Parse(text)
		if err != nil || q.Match(&s) != want {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

// Terms are stored: they must not change.
func TestTermsAreStable(t *testing.T) {
	if got := [...]Term{term(0, "timeout"), ValueTerm("asn", "AS64501"), ValueTerm("trace", "00")}; got != [...]Term{133116596294710, 4328092516498, 2651681735266} {
		t.Errorf("%v: older stores have other terms", got)
	}
}

// No query and no sample breaks anything, and what matches has all terms of the query.
func FuzzMatch(f *testing.F) {
	f.Add("version:1.5.0 timeout", "a Timeout of /cart")
	f.Add(`"x y" İ ß`, "x.y ẞ i̇")
	f.Fuzz(func(t *testing.T, text, message string) {
		s := thrown()
		s.Error.Message = message
		q, err := Parse(text)
		if err == nil && q.Match(&s) && !hasAll(Terms(nil, &s), q.Terms()) {
			t.Errorf("%q matches %q, and its terms do not find it", text, message)
		}
	})
}
