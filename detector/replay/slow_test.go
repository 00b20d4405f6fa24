package replay

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/simulate"
)

// cells is a sink that writes what replay reads.
type cells struct{ b []byte }

func (c *cells) Row(r simulate.Row) error     { c.b = AppendRow(c.b, &r); return nil }
func (c *cells) Probe(p simulate.Probe) error { c.b = AppendProbe(c.b, &p); return nil }
func (c *cells) Tick(at int64) error          { c.b = AppendTick(c.b, at); return nil }

// Rows of slow requests are no failures: usually some are, and when many are, that is told as slow,
// for whom it is, once.
func TestSlowRows(t *testing.T) {
	s, err := simulate.Parse("slow.yaml", []byte(`about: A network is slow.
duration: 45m
world: {requests_per_second: 60, networks: 50, slow_rate: 0.01}
faults:
  - {start: 30m, duration: 10m, outcomes: {slow: 1}, share: 0.5, scope: {network_share: 0.2}, verdict: slow}
`))
	if err != nil {
		t.Fatal(err)
	}
	var in cells
	if err := simulate.Run(s, 1, &in); err != nil {
		t.Fatal(err)
	}
	var out, summary bytes.Buffer
	if err := Cells(Input{Reader: bytes.NewReader(in.b), Name: "-"}, judgement.Options{}, &out, &summary); err != nil {
		t.Fatal(err)
	}
	truth := simulate.Truths(s, 1)[0]
	opened := 0
	for line := range bytes.Lines(out.Bytes()) {
		var e judgement.Event
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Verdict != model.SlowAnswers || e.Outcomes[0] != model.Slow || !e.Page || e.Onset < truth.Start-60_000 || len(e.Scope[0].ASN) != 1 {
			t.Errorf("%s", line)
		}
		if e.Kind == judgement.Opened {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("%d incidents, want 1:\n%s", opened, out.Bytes())
	}
}
