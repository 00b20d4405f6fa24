package shoutrrr_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/shoutrrr"
)

// The library's documentation has the URLs of its services.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			log.Println(err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		fmt.Println(r.URL.Path, line)
		fmt.Fprint(w, "{}")
	}))
	defer server.Close()

	sender, err := shoutrrr.New("ntfy://" + server.Listener.Addr().String() + "/alerts?disabletls=yes")
	if err != nil {
		log.Fatal(err)
	}
	err = sender.Send(context.Background(), &alerts.Message{ID: "1", Alerts: []alerts.Alert{
		{Status: alerts.Firing, StartsAt: time.Now(), Summary: "The shop is down"},
	}})
	if err != nil {
		log.Fatal(err)
	}
	// Output: /alerts The shop is down
}
