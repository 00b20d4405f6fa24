package verdict_test

import (
	"fmt"

	"github.com/heliograph-net/heliograph/detector/verdict"
	"github.com/heliograph-net/heliograph/report"
)

func ExampleJudge() {
	r := verdict.Judge(&verdict.Facts{
		Target:    "https://shop.example",
		Outcomes:  []verdict.Outcome{{Outcome: report.TCPTimedOut, Excess: 90}},
		Scope:     verdict.Scope{ASNs: []uint32{64501}},
		Inside:    verdict.Count{Failed: 93, Requests: 95, Expected: 3},
		Elsewhere: verdict.Count{Failed: 40, Requests: 4000, Expected: 42},
		Breadth:   verdict.Breadth{Clients: 31, Buckets: 20, Networks: 1},
		Vantages:  []verdict.Vantage{{Name: "north", ASN: 65001, Up: 4}, {Name: "south", ASN: 65002, Up: 4}},
	})
	fmt.Println(r.Verdict, r.Page)
	for _, s := range r.Evidence {
		fmt.Println("-", s.Text)
	}
	// Output:
	// network_path true
	// - only requests from AS64501 fail: the path from there is at fault, not the service
	// - 93 of 95 requests from AS64501 failed; 3.0 were expected
	// - all others fare as usual: 40 of 4,000 requests failed
	// - 31 clients with failures, behind 20 address prefixes, in 1 network
	// - the failures are tcp.timed_out 100 %
	// - 2 of 2 vantages reach the servers
}
