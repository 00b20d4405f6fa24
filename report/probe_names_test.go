package report_test

import (
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

func TestEndedAndMicros(t *testing.T) {
	r := report.ProbeResult{Steps: []report.ProbeStep{{Name: "dns", Micros: 1}, {Name: "connect", Micros: 20}, {Name: "tls", Micros: 300}}}
	if r.Ended() != "tls" || r.Micros() != 321 {
		t.Errorf("ended in %q after %d µs", r.Ended(), r.Micros())
	}
	if none := (&report.ProbeResult{}); none.Ended() != "" || none.Micros() != 0 {
		t.Errorf("an attempt without steps ended in %q after %d µs", none.Ended(), none.Micros())
	}
}

func TestJudgementNames(t *testing.T) {
	for j, name := range map[report.Judgement]string{
		report.JudgedUp: "up", report.JudgedDown: "down", report.JudgedInconclusive: "inconclusive", 0: "unknown", 4: "unknown",
	} {
		if j.String() != name {
			t.Errorf("%d is %q", j, j)
		}
	}
}
