package nel_test

import (
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/cmd/heliograph/nel"
	"github.com/heliograph-net/heliograph/privacy/policy"
)

func ExampleHeaders() {
	collectors := []policy.Collector{{ID: "c1", URL: "https://c1.example", Priority: 1, Weight: 1}}
	headers, err := nel.Headers(collectors, nel.Options{
		Group: "heliograph", MaxAge: 30 * 24 * time.Hour, SuccessFraction: 0.05, FailureFraction: 1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, h := range headers {
		fmt.Printf("%s: %s\n", h.Name, h.Value)
	}
	// Output:
	// Report-To: {"group":"heliograph","max_age":2592000,"endpoints":[{"url":"https://c1.example/v1/reports","priority":1,"weight":1}]}
	// NEL: {"report_to":"heliograph","max_age":2592000,"success_fraction":0.05,"failure_fraction":1}
}
