package detector_test

import (
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// What clients tell is stored in sums, one for each series and bin.
func ExampleFold() {
	bin := time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)
	var counts []model.Count
	for client := range uint64(100) {
		s := model.Series{App: "shop", Target: "https://shop.example", Outcome: report.OK, ASN: 64501, Country: "SE", Source: report.SourceAgent}
		if client%4 == 0 {
			s.Outcome = report.TCPTimedOut
		}
		counts = append(counts, model.Count{Series: s, Client: client + 1, Bucket: report.Bucket(client%10 + 1), End: bin, Raw: 2, Estimated: 2})
	}
	for _, c := range detector.Fold(counts) {
		fmt.Println(c.Outcome, c.Raw, "requests from", c.Places.Count(), "places")
	}
	// Output:
	// tcp.timed_out 50 requests from 5 places
	// ok 150 requests from 10 places
}
