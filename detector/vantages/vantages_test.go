package vantages

import (
	"fmt"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// words makes words of text such as "1:down 1:up 2:doubt".
func words(t *testing.T, text string) (all []Word) {
	t.Helper()
	judgements := map[string]report.Judgement{"up": report.JudgedUp, "down": report.JudgedDown, "doubt": report.JudgedInconclusive, "maintenance": report.JudgedMaintenance}
	for i, field := range strings.Fields(text) {
		w := Word{Vantage: fmt.Sprint(i)}
		var said string
		if _, err := fmt.Sscanf(field, "%d:%s", &w.ASN, &said); err != nil {
			t.Fatal(err)
		}
		w.Judgement = judgements[said]
		all = append(all, w)
	}
	return all
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		agree int
		text  string
		want  Reach
	}{
		{0, "", Unknown},
		{0, "1:doubt 2:maintenance", Unknown},
		{0, "1:up", Up},
		{0, "1:down", Global}, // there is nobody else
		{0, "1:down 2:doubt", Global},
		{0, "1:down 2:up", Local},
		{0, "1:down 2:down", Global},
		{0, "1:down 2:down 3:up", Global},
		{0, "1:down 2:up 3:up", Local},
		{0, "1:down 1:down 1:down 2:up 3:up", Local}, // one network
		{0, "1:down 1:down 2:up", Local},
		{0, "1:down 1:up", Up}, // at odds, and nobody else says down
		{0, "0:down 0:down 0:up", Global},
		{3, "1:down 2:down 3:up", Local},
		{3, "1:down 2:down", Global},
		{3, "1:down 2:down 3:down 4:up", Global},
		{2, "1:down 2:down 3:up 4:up", Local},
		{1, "1:down 2:down 3:up 4:up 5:up", Local},
		{1, "1:down 2:up", Local},
	} {
		if got := (Rule{Agree: c.agree}).Judge(words(t, c.text)); got != c.want {
			t.Errorf("%d must agree, %q: %v, want %v", c.agree, c.text, got, c.want)
		}
	}
}

func TestReachNames(t *testing.T) {
	if got := fmt.Sprint(Unknown, Up, Local, Global, Reach(9)); got != "unknown up local global unknown" {
		t.Error(got)
	}
}
