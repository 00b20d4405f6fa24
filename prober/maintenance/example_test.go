package maintenance_test

import (
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/prober/maintenance"
)

func Example() {
	w := maintenance.Window{
		Targets:  maintenance.Place{Name: "db-*", DataCentre: "east"},
		Weekdays: []time.Weekday{time.Sunday}, At: 2 * time.Hour, Duration: 90 * time.Minute,
	}
	if err := w.Compile(); err != nil {
		fmt.Println(err)
		return
	}
	sunday := time.Date(2026, time.November, 29, 3, 0, 0, 0, time.UTC)
	fmt.Println(w.Covers(maintenance.Place{Name: "db-1", DataCentre: "east"}), w.Open(sunday), w.Open(sunday.Add(time.Hour)))
	// Output: true true false
}
