package replay

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/simulate"
)

// A scope does not name all systems: that says nothing about who is hit.
func TestNoScopeNamesAllValues(t *testing.T) {
	s, err := simulate.Parse("networks.yaml", []byte(`about: Three networks are cut off.
duration: 80m
jitter: 60s
faults:
  - start: 45m
    duration: 20m
    outcomes: {tcp.timed_out: 1}
    scope: {networks: 3, network_share: 0.01}
    verdict: network_path
`))
	if err != nil {
		t.Fatal(err)
	}
	var in cells
	if err := simulate.Run(s, 4, &in); err != nil {
		t.Fatal(err)
	}
	var out, summary bytes.Buffer
	if err := Cells(Input{Reader: bytes.NewReader(in.b), Name: "-"}, judgement.Options{Seed: 1}, &out, &summary); err != nil {
		t.Fatal(err)
	}
	var last judgement.Event
	for d := json.NewDecoder(&out); d.More(); {
		var e judgement.Event
		if err := d.Decode(&e); err != nil {
			t.Fatal(err)
		}
		for _, scope := range e.Scope {
			if len(scope.OS) > 3 {
				t.Errorf("%+v", scope)
			}
		}
		last = e
	}
	if len(last.Scope) == 0 || len(last.Scope[0].ASN) != 3 {
		t.Errorf("%+v", last)
	}
}
