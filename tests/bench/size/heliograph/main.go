// Command heliograph is nethttp with the agent inside.
package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

func main() {
	policy, err := os.ReadFile("policy.bin")
	if err != nil {
		log.Fatal(err)
	}
	spool, err := diskspool.Open("spool", diskspool.Options{})
	if err != nil {
		log.Fatal(err)
	}
	a, err := agent.New(agent.Options{
		App: "shop", Policy: policy, Consent: report.Diagnostics, Spool: spool,
		Transport: httpagent.NewTransport(httpagent.TransportOptions{}),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer a.Shutdown(context.Background())
	client := &http.Client{Transport: httpagent.Wrap(a, nil)}

	resp, err := client.Get(os.Args[1])
	if err != nil {
		log.Print(err)
		return
	}
	defer resp.Body.Close()
	_, _ = io.Copy(os.Stdout, resp.Body)
}
