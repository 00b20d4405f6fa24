package score_test

import (
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector/score"
)

func Example() {
	s, err := score.New(5 * time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	at := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for i := range 3000 {
		failures := float64(10 + i%7)
		if i == 2900 || i == 2901 {
			failures = 400
		}
		if got := s.Add(at, failures, 0); got > 0.8 {
			fmt.Printf("%s: %v failures score %.2f\n", at.Format(time.DateTime), failures, got)
		}
		at = at.Add(5 * time.Minute)
	}
	// Output: 2026-03-12 01:40:00: 400 failures score 0.83
}
