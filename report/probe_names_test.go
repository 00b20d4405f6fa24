package report_test

import (
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

func TestJudgementNames(t *testing.T) {
	for j, name := range map[report.Judgement]string{
		report.JudgedUp: "up", report.JudgedDown: "down", report.JudgedInconclusive: "inconclusive", 0: "unknown", 4: "unknown",
	} {
		if j.String() != name {
			t.Errorf("%d is %q", j, j)
		}
	}
}
