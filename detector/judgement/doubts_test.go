package judgement

import (
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// What fails for many clients behind one address prefix is not judged, and it is said why: at first
// because nothing is known of the target, then because one machine can be any number of clients.
func TestDoubts(t *testing.T) {
	j := newJudge(t, Options{})
	at := int64(worldStart)
	pass := func(d time.Duration, outcome report.Outcome, prefixes int64) []Doubt {
		for end := at + d.Milliseconds(); at < end; at += 1000 {
			n := at / 1000 % 20
			j.Add(Row{At: at, Arrived: at, App: "shop", Target: "https://shop.example", Outcome: outcome, Source: report.SourceAgent,
				Bucket: report.Bucket(7 + n%prefixes), Client: uint64(n), Raw: 1, Estimated: 1})
			j.Advance(at)
		}
		return j.Doubts()
	}
	if d := pass(time.Minute, report.OK, 20); len(d) != 1 || d[0] != (Doubt{"https://shop.example", "too early to judge (known for less than 5 min)"}) {
		t.Errorf("after a minute: %+v", d)
	}
	if d := pass(20*time.Minute, report.OK, 20); len(d) != 0 {
		t.Errorf("in calm: %+v", d)
	}
	if d := pass(time.Minute, report.TCPRefused, 1); len(d) != 1 || !strings.HasPrefix(d[0].Why, "too few to judge (one source ") {
		t.Errorf("failures behind one prefix: %+v", d)
	}
	pass(20*time.Minute, report.OK, 20)
	if d := pass(time.Minute, report.TCPRefused, 2); len(d) != 1 || !strings.HasPrefix(d[0].Why, "too few to judge (2 address prefixes of the ") {
		t.Errorf("failures behind two prefixes: %+v", d)
	}
}
