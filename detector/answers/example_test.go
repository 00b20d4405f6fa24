package answers_test

import (
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// Two rollups of one minute are summed, and a client that is in both counts once.
func ExampleRollups() {
	var clients sketch.Clients
	clients.Add(7)
	minute := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC).UnixMilli()
	sums := answers.NewRollups(model.RollupQuery{Step: model.RollupMinute, By: []model.Facet{model.FacetOS}}, 100, 10)
	for _, version := range []string{"1.4", "1.5"} {
		if err := sums.Add(minute, &model.RollupKey{Version: version, OS: "linux", Outcome: "ok"}, 1, 20, clients.Append(nil)); err != nil {
			fmt.Println(err)
		}
	}
	for _, r := range sums.Answer() {
		fmt.Println(r.Key.OS, r.OK, r.Reports, r.Clients)
	}
	// Output: linux 40 2 1
}
