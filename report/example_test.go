package report_test

import (
	"fmt"
	"log"

	"github.com/heliograph-net/heliograph/report"
)

// A record has exactly one encoding, and decoding it returns its type.
func ExampleAppendRecord() {
	b, err := report.AppendRecord(nil, &report.Window{End: -500, Length: 60_000, SampledPPM: report.FullPPM, Counters: []report.Counter{
		{Target: "https://shop.example", Outcome: report.TCPRefused, Server: "192.0.2.1:443", Count: 3},
	}})
	if err != nil {
		log.Fatal(err)
	}
	r, err := report.DecodeRecord(b)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range r.(*report.Window).Counters {
		fmt.Println(c.Count, c.Outcome, c.Target)
	}
	// Output: 3 tcp.refused https://shop.example
}

// An outcome that a program does not know counts under its prefix.
func ExampleOutcome_Under() {
	o := report.Outcome("tls.cert.revoked.yesterday")
	fmt.Println(o.Under("tls.cert"), o.Parent(), o.Phase(), o.Failed())
	// Output: true tls.cert.revoked connection true
}
