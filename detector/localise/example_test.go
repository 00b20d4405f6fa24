package localise_test

import (
	"fmt"

	"github.com/heliograph-net/heliograph/detector/localise"
)

// Two of four servers do not answer clients from one of three countries.
func ExampleExplain() {
	t := localise.NewTable("server", "country")
	for server := uint32(1); server <= 4; server++ {
		for country := uint32(1); country <= 3; country++ {
			l := localise.Leaf{Failed: 1, Requests: 100, UsualFailed: 60, UsualRequests: 6000}
			if server <= 2 && country == 3 {
				l.Failed = 95
			}
			t.Add([]uint32{server, country}, l)
		}
	}
	for _, term := range localise.Explain(t, localise.Options{})[0].Terms {
		fmt.Println(t.Attributes()[term.Attribute], term.Values)
	}
	// Output:
	// server [1 2]
	// country [3]
}
