package judge_test

import (
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/model/judge"
)

func ExampleOverall() {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	j := judge.Overall(judge.Facts{
		Now: now, Thresholds: judge.Thresholds{Clients: 24, Failures: 10},
		Window: 15 * time.Minute, Recent: 5 * time.Minute,
		Targets: []judge.Sum{{Name: "https://shop.example", Failed: 40, Clients: 20, RecentFailed: 40}},
		Heard:   now.Add(-time.Minute), Step: time.Minute, Horizon: time.Hour,
	})
	fmt.Println(j.State)
	fmt.Println(j.Headline)
	// Output:
	// unsure
	// 40 of 40 requests to https://shop.example failed, 20 clients: too few to judge (24 needed)
}
