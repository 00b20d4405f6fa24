package agenttest_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/agenttest"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// What does the operator learn of a failing request? A test with a *testing.T begins with op :=
// agenttest.For(t) and a := op.Start(t, report.Diagnostics) instead.
func Example() {
	op, err := agenttest.New()
	if err != nil {
		log.Fatal(err)
	}
	defer op.Close()
	a, err := agent.New(op.Options(report.Diagnostics))
	if err != nil {
		log.Fatal(err)
	}
	defer a.Shutdown(context.Background())
	service := httptest.NewServer(http.NotFoundHandler())
	defer service.Close()

	client := &http.Client{Transport: httpagent.Wrap(a, nil)}
	resp, err := client.Get(service.URL + "/orders/4711?token=secret")
	if err != nil {
		log.Fatal(err)
	}
	_ = resp.Body.Close()
	if err := a.Flush(context.Background()); err != nil {
		log.Fatal(err)
	}

	seen := op.Seen()
	fmt.Println("failed:", seen.Count(service.URL, report.HTTPError))
	fmt.Println("told of the URL:", seen.Samples[0].URL[len(service.URL):])
	// Output:
	// failed: 1
	// told of the URL: /orders/:id
}

// An outage of the collector costs nothing: what is not delivered stays in the spool.
func ExampleOperator_Unreachable() {
	op, err := agenttest.New()
	if err != nil {
		log.Fatal(err)
	}
	defer op.Close()
	op.Unreachable()
	a, err := agent.New(op.Options(report.Counts))
	if err != nil {
		log.Fatal(err)
	}
	a.Observe(agent.Observation{Scheme: "https", Host: "shop.example", Outcome: report.TCPReset})
	err = a.Shutdown(context.Background())
	fmt.Println("not all delivered:", err != nil, "- kept:", a.Stats().Pending)
	// Output: not all delivered: true - kept: 1
}
