package slo_test

import (
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector/slo"
	"github.com/heliograph-net/heliograph/model"
)

func ExampleJudge() {
	// for half an hour a fifth of 100 requests a second has failed
	sum := func(window time.Duration) slo.Sum {
		return slo.Sum{Requests: 100 * window.Seconds(), Failed: 20 * min(window, 30*time.Minute).Seconds()}
	}
	s := slo.Judge(model.Objective{Target: "https://shop.example", Share: 0.999}, sum)
	fmt.Printf("%s, %.0f %% of the budget left\n%s\n", s.Alert, 100*s.BudgetLeft, s.Why)
	// Output:
	// page, 86 % of the budget left
	// 10 % of the requests of an hour failed where 0.1 % may: the budget of 30 days lasts 7 hours at this rate
}
