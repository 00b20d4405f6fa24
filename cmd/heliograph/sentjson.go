package main

import (
	"time"

	"github.com/heliograph-net/heliograph/agent"
)

// sentJSON describes one upload from this device.
type sentJSON struct {
	At        time.Time `json:"at"`
	Collector string    `json:"collector"`
	URL       string    `json:"url"`
	Batch     string    `json:"batch"`
	Bytes     uint64    `json:"bytes"`
	Born      time.Time `json:"born"`
	// false: another process sealed it, and the following fields are empty
	Known    bool        `json:"known"`
	Consent  string      `json:"consent,omitempty"`
	Requests []sentCount `json:"requests,omitempty"`
	Samples  []string    `json:"samples,omitempty"`
	Errors   []string    `json:"errors,omitempty"`
	More     uint64      `json:"more,omitempty"` // lines left out
}

type sentCount struct {
	Target  string `json:"target"`
	Outcome string `json:"outcome"`
	Count   uint64 `json:"count"`
}

// newSentList never returns nil, so that an empty list is [] in JSON.
func newSentList(all []agent.SentReport) []sentJSON {
	list := make([]sentJSON, len(all))
	for i, r := range all {
		s := sentJSON{At: r.At.UTC(), Collector: r.Collector, URL: r.URL, Batch: r.Batch.String(), Bytes: r.Bytes, Born: r.Born.UTC(),
			Known: r.Known, Samples: r.Samples, Errors: r.Errors, More: r.More}
		if r.Known {
			s.Consent = r.Consent.String()
		}
		for _, c := range r.Requests {
			s.Requests = append(s.Requests, sentCount{c.Target, string(c.Outcome), c.Count})
		}
		list[i] = s
	}
	return list
}
