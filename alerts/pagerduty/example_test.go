package pagerduty_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/pagerduty"
)

// Programs give New the URL [pagerduty.Events] instead of that of a test server.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event struct {
			Action string `json:"event_action"`
			Key    string `json:"dedup_key"`
		}
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
			log.Println(err)
			return
		}
		fmt.Println(event.Action, event.Key)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()

	sender, err := pagerduty.New(server.URL, "integration key", nil)
	if err != nil {
		log.Fatal(err)
	}
	began := time.Now()
	for _, a := range []alerts.Alert{
		{Key: "heliograph/1", Status: alerts.Firing, StartsAt: began, Severity: alerts.Critical, Summary: "The shop is down"},
		{Key: "heliograph/1", Status: alerts.Resolved, StartsAt: began, EndsAt: began.Add(time.Minute)},
	} {
		if err := sender.Send(context.Background(), &alerts.Message{Alerts: []alerts.Alert{a}}); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// trigger heliograph/1
	// resolve heliograph/1
}
