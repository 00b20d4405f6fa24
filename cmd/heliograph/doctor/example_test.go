package doctor_test

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/doctor"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

// A collector in the service's network is of no use when that network fails.
func ExampleJudge() {
	service := []doctor.Facts{{Name: "shop.example", Addresses: []netip.Addr{netip.MustParseAddr("192.0.2.10")}, ASNs: []uint32{64501}}}
	collectors := []doctor.Facts{{Name: "c1", Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.7")}, ASNs: []uint32{64501}}}
	now := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	findings := doctor.Judge(service, collectors, &policy.Policy{}, now)
	for _, f := range findings {
		if f.Subject == "c1" {
			fmt.Printf("%v: %s %s\n", f.Severity, f.Subject, f.Text)
		}
	}
	// Output:
	// FAULT: c1 shares the autonomous system AS64501 with shop.example
}
