package alertmanager_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/alertmanager"
)

// An alert fires for four minutes more unless it is sent again. Programs give the Sender to an
// [alerts.Receiver] whose Refresh is [alertmanager.Refresh].
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var firing []struct {
			Labels map[string]string
			EndsAt time.Time
		}
		if err := json.NewDecoder(r.Body).Decode(&firing); err != nil {
			log.Println(err)
			return
		}
		fmt.Println(r.URL.Path, firing[0].Labels["alertname"], "until", firing[0].EndsAt.Format(time.TimeOnly))
	}))
	defer server.Close()

	sender, err := alertmanager.New(server.URL, nil)
	if err != nil {
		log.Fatal(err)
	}
	began := time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)
	err = sender.Send(context.Background(), &alerts.Message{Made: began, Alerts: []alerts.Alert{{
		Status: alerts.Firing, StartsAt: began, Summary: "The shop is down",
		Labels: map[string]string{"alertname": alerts.NameIncident, "app": "shop"},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	// Output: /api/v2/alerts HeliographIncident until 18:04:00
}
