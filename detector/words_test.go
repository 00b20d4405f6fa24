package detector

import (
	"testing"

	"github.com/heliograph-net/heliograph/model"
)

// A title names whom an incident is limited to, and does not claim that it hits everyone: at first
// that is not known.
func TestTitle(t *testing.T) {
	i := model.Incident{App: "shop", Target: "https://shop.test", Outcome: "tcp.timed_out", Requests: 1000, Failed: 40, Clients: 12}
	for want, scope := range map[string]model.Scope{
		"tcp.timed_out for https://shop.test: 40 of 1000 requests fail, 12 clients":              {},
		"tcp.timed_out for https://shop.test from AS64502: 40 of 1000 requests fail, 12 clients": {ASNs: []uint32{64502}},
		"tcp.timed_out for https://shop.test over h3: 40 of 1000 requests fail, 12 clients":      {Protocols: []string{"h3"}},
	} {
		if i.Scope = scope; title(&i, nil) != want {
			t.Errorf("%q, want %q", title(&i, nil), want)
		}
	}
}
