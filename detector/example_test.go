package detector_test

import (
	"fmt"
	"log"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// The statistics have no clock and no goroutine: bins of counts go in, events come out.
func ExampleSeriesDetector() {
	d, err := detector.NewSeriesDetector(detector.SeriesOptions{Bin: time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	bin := time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)
	for minute := range 6 {
		bin = bin.Add(time.Minute)
		var counts []model.Count
		for client := range uint64(100) { // in ten networks
			s := model.Series{App: "shop", Target: "https://shop.example", Outcome: report.OK, ASN: uint32(64500 + client%10),
				Country: "SE", Source: report.SourceAgent}
			if minute >= 3 && client%3 == 0 {
				s.Outcome = report.TCPTimedOut
			}
			counts = append(counts, model.Count{Series: s, Client: client + 1, End: bin, Raw: 2, Estimated: 2})
		}
		for _, e := range d.Step(bin, detector.Fold(counts)) {
			fmt.Println(e.Kind, e.Incident.Title)
		}
	}
	// Output:
	// opened tcp.timed_out for https://shop.example from everyone: 136 of 400 requests fail, 34 clients
	// changed tcp.timed_out for https://shop.example from everyone: 204 of 600 requests fail, 34 clients
}
