package judgement_test

import (
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/report"
)

// One network of twenty can no longer reach the service.
func Example() {
	judge, err := judgement.New(judgement.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC).UnixMilli()
	for second := range int64(40 * 60) {
		now := start + second*1000
		for network := range uint32(20) {
			client := uint64(second)*20 + uint64(network) // each asks once
			row := judgement.Row{At: now, App: "shop", Target: "https://shop.example", Outcome: report.OK, Source: report.SourceAgent,
				ASN: 64500 + network, Country: "SE", Bucket: report.Bucket(client * 7 % 4096), Client: client, Raw: 1, Estimated: 1}
			if network == 3 && second >= 30*60 && second < 35*60 {
				row.Outcome = report.TCPTimedOut
			}
			judge.Add(row)
		}
		for _, e := range judge.Advance(now) {
			fmt.Println(e.Kind, e.Verdict, "page:", e.Page, "networks:", e.Scope[0].ASN, "onset:", time.UnixMilli(e.Onset).UTC().Format("15:04:05"))
		}
	}
	// Output:
	// opened network_path page: true networks: [64503] onset: 08:30:00
	// cleared network_path page: true networks: [64503] onset: 08:30:00
}
