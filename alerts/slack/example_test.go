package slack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/slack"
)

// Programs give New the URL of an incoming webhook instead of that of a test server.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct{ Text string }
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			log.Println(err)
			return
		}
		fmt.Println(message.Text)
	}))
	defer server.Close()

	sender, err := slack.New(server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	err = sender.Send(context.Background(), &alerts.Message{Alerts: []alerts.Alert{
		{Status: alerts.Firing, StartsAt: time.Now(), Summary: "The shop is down"},
	}})
	if err != nil {
		log.Fatal(err)
	}
	// Output: The shop is down
}
