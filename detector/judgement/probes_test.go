package judgement

import (
	"fmt"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// Where a twentieth of all requests fails, single probes fail at all servers, by turns. That does
// not make any of them down; a server that all vantages cannot reach twice is.
func TestVantages(t *testing.T) {
	j := newJudge(t, Options{})
	probe := func(at int64, vantage, server int, ok bool) {
		o := report.TCPRefused
		if ok {
			o = report.OK
		}
		j.AddProbe(Probe{At: at, Vantage: fmt.Sprintf("v%d", vantage), VantageASN: uint32(vantage), Server: serverName(server), Outcome: o})
	}
	for round := range 4 {
		for v := 1; v <= 3; v++ {
			for s := range 20 {
				probe(int64(round)*30_000, v, s, (round+v+s)%20 != 0)
			}
		}
	}
	j.now = 120_000
	turn := turn{j: j}
	for _, v := range turn.vantages(&Scope{}) {
		if v.Down > 0 || v.Up < 18 {
			t.Errorf("%s finds %d servers up and %d down", v.Name, v.Up, v.Down)
		}
	}
	for round := range 2 {
		for v := 1; v <= 3; v++ {
			probe(130_000+int64(round)*30_000, v, 5, false)
			probe(130_000+int64(round)*30_000, v, 6, v != 2) // seen by one vantage alone
		}
	}
	j.now = 170_000
	for _, v := range turn.vantages(&Scope{}) {
		if v.Down != 1 {
			t.Errorf("%s finds %d servers down", v.Name, v.Down)
		}
	}
	for _, v := range turn.vantages(&Scope{ASN: []uint32{2}}) {
		// what is inside of the scope speaks for itself
		if v.Name == "v2" && v.Down != 2 || v.Name != "v2" && v.Down != 1 {
			t.Errorf("%s finds %d servers down", v.Name, v.Down)
		}
	}
}
