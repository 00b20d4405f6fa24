package alerts_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// printer is a Sender that prints what it is sent. Real ones are in the packages alertmanager,
// mail, pagerduty, slack and webhook.
type printer struct{ sent func() }

func (p printer) Send(_ context.Context, m *alerts.Message) error {
	fmt.Println(m.Receiver, "is told:", m.Subject())
	p.sent()
	return nil
}

// A Notifier reads the outbox of a store, here one in memory with an incident in it.
func Example() {
	store := new(memory)
	store.add(model.Opened, model.Incident{
		ID: 1, App: "shop", Target: "https://shop.example", Outcome: report.TCPTimedOut, Since: time.Now(), Verdict: model.ServiceDown,
	})

	ctx, stop := context.WithCancel(context.Background())
	n, err := alerts.New(alerts.Options{
		Store: store,
		Settings: alerts.Settings{
			Receivers: []alerts.Receiver{{Name: "on call", Sender: printer{stop}}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := n.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: on call is told: tcp.timed_out for https://shop.example
}

// A span may go over midnight.
func ExampleParseQuiet() {
	quiet, err := alerts.ParseQuiet("22:00-07:00 Europe/Oslo")
	if err != nil {
		log.Fatal(err)
	}
	evening := time.Date(2026, 11, 29, 20, 30, 0, 0, time.UTC) // in Oslo, 21:30
	fmt.Println(quiet.Covers(evening), quiet.Covers(evening.Add(time.Hour)))
	// Output: false true
}
