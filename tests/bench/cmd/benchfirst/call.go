package main

import (
	"io"
	"net/http"
	"os"
	"time"

	"github.com/heliograph-net/heliograph/agent"
	"github.com/heliograph-net/heliograph/agent/diskspool"
	"github.com/heliograph-net/heliograph/agent/httpagent"
	"github.com/heliograph-net/heliograph/report"
)

// call is the program in Go: it asks its service every two seconds.
func call(policyFile, dir, url string) error {
	policy, err := os.ReadFile(policyFile)
	if err != nil {
		return err
	}
	spool, err := diskspool.Open(dir, diskspool.Options{})
	if err != nil {
		return err
	}
	a, err := agent.New(agent.Options{
		App: "shop", Version: "1.0.0", Policy: policy, Consent: report.Counts, Spool: spool,
		Transport: httpagent.NewTransport(httpagent.TransportOptions{}),
	})
	if err != nil {
		return err
	}
	client := http.Client{Transport: httpagent.Wrap(a, nil), Timeout: time.Minute}
	for ; ; time.Sleep(2 * time.Second) {
		if resp, err := client.Get(url); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
}
