package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/webhook"
)

// The receiver reads the JSON that Alertmanager posts to webhooks.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct {
			Status string
			Alerts []struct{ Annotations map[string]string }
		}
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			log.Println(err)
			return
		}
		fmt.Println(r.Header.Get("webhook-id"), message.Status, message.Alerts[0].Annotations["summary"])
	}))
	defer server.Close()

	secret, err := webhook.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		log.Fatal(err)
	}
	sender, err := webhook.New(server.URL, secret, nil)
	if err != nil {
		log.Fatal(err)
	}
	err = sender.Send(context.Background(), &alerts.Message{ID: "1", Alerts: []alerts.Alert{
		{Status: alerts.Firing, StartsAt: time.Now(), Summary: "The shop is down"},
	}})
	if err != nil {
		log.Fatal(err)
	}
	// Output: msg_1 firing The shop is down
}
