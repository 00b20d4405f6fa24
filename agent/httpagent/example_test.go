package httpagent_test

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

// Every request of the client is observed once, when its answer's body has ended or was closed.
func ExampleWrap() {
	op, err := agenttest.New() // stands for the operator
	if err != nil {
		log.Fatal(err)
	}
	defer op.Close()
	a, err := agent.New(op.Options(report.Counts))
	if err != nil {
		log.Fatal(err)
	}
	defer a.Shutdown(context.Background())
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer service.Close()

	client := &http.Client{Transport: httpagent.Wrap(a, nil)}
	for _, path := range []string{"/", "/", "/broken"} {
		resp, err := client.Get(service.URL + path)
		if err != nil {
			log.Fatal(err)
		}
		_ = resp.Body.Close()
	}

	_ = a.Flush(context.Background())
	seen := op.Seen()
	fmt.Println("succeeded:", seen.Count(service.URL, report.OK))
	fmt.Println("failed:", seen.Count(service.URL, report.HTTPError))
	// Output:
	// succeeded: 2
	// failed: 1
}

// An application that tries again says so: a retry is not a second outage.
func ExampleRetry() {
	op, err := agenttest.New() // stands for the operator
	if err != nil {
		log.Fatal(err)
	}
	defer op.Close()
	a, err := agent.New(op.Options(report.Counts))
	if err != nil {
		log.Fatal(err)
	}
	defer a.Shutdown(context.Background())
	service := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler) // breaks the connection off
	}))
	defer service.Close()

	client := &http.Client{Transport: httpagent.Wrap(a, nil)}
	ctx := context.Background()
	for range 3 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, service.URL, nil)
		if err != nil {
			log.Fatal(err)
		}
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
			break
		}
		ctx = httpagent.Retry(ctx)
	}

	_ = a.Flush(context.Background())
	for _, w := range op.Seen().Windows {
		for _, c := range w.Counters {
			fmt.Println(c.Outcome, c.Count, "retry:", c.Flags&report.FlagRetry != 0)
		}
	}
	// Output:
	// http.response.invalid.empty 1 retry: false
	// http.response.invalid.empty 2 retry: true
}

// The words of the report can be used in the application's own messages.
func ExampleClassify() {
	ctx := context.Background()
	_, err := http.Get("http://127.0.0.1:9/")
	outcome := httpagent.Classify(ctx, err)
	fmt.Println(outcome, outcome.Phase())
	// Output: tcp.refused connection
}
