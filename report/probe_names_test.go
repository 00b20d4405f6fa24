package report_test

import (
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

func TestJudgementNames(t *testing.T) {
	for j, name := range map[report.Judgement]string{
		report.JudgedUp: "up", report.JudgedDown: "down", report.JudgedInconclusive: "inconclusive",
		report.JudgedMaintenance: "maintenance", 0: "unknown", 5: "unknown",
	} {
		if j.String() != name {
			t.Errorf("%d is %q", j, j)
		}
	}
}
