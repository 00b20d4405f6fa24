package roles

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
)

// TestAlerts sends a test alert and its end to the named receivers of a configuration, or to all of
// them if no name is given, and writes the results to w. It returns an error if any receiver has
// failed.
func TestAlerts(ctx context.Context, c *Config, w io.Writer, names ...string) error {
	return EachTestAlert(ctx, c, names, func(receiver string, err error) {
		if err != nil {
			fmt.Fprintf(w, "%-20s failed: %v\n", receiver, err)
			return
		}
		fmt.Fprintf(w, "%-20s took a test alert and its end\n", receiver)
	})
}

// EachTestAlert is like [TestAlerts] and calls tell with each result. The error is nil if the
// receiver has accepted both.
func EachTestAlert(ctx context.Context, c *Config, names []string, tell func(receiver string, err error)) error {
	all, err := c.receivers()
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.ContainsFunc(c.Alerts.Receivers, func(r ReceiverConfig) bool { return r.Name == name }) {
			return fmt.Errorf("alerts.receivers has no %q", name)
		}
	}
	failed, tried := 0, 0
	for _, r := range all {
		// the part after the slash is an instance of an Alertmanager
		configured, _, _ := strings.Cut(r.Name, "/")
		if len(names) > 0 && !slices.Contains(names, configured) && !slices.Contains(names, r.Name) {
			continue
		}
		tried++
		err := testReceiver(ctx, r, c.Alerts.Page)
		if err != nil {
			failed++
		}
		tell(r.Name, err)
	}
	switch {
	case tried == 0:
		return errors.New("alerts.receivers is empty: nobody is told of incidents")
	case failed > 0:
		return fmt.Errorf("%d of %d receivers failed", failed, tried)
	}
	return nil
}

func testReceiver(ctx context.Context, r alerts.Receiver, page string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	id := rand.Text()
	a := alerts.Alert{Key: "heliograph/test/" + id, Status: alerts.Firing, Severity: alerts.Warning, Link: page, StartsAt: time.Now(),
		Labels:  map[string]string{"alertname": alerts.NameTest, "severity": string(alerts.Warning), "test": id},
		Summary: "This is a test of Heliograph's alerts, nothing is wrong",
		Why:     []string{"Somebody ran heliograph alert test. Its end follows at once."}}
	for _, status := range []alerts.Status{alerts.Firing, alerts.Resolved} {
		if a.Status = status; status == alerts.Resolved {
			a.EndsAt = time.Now()
		}
		m := &alerts.Message{ID: id + string(status), Receiver: r.Name, Made: time.Now(), Page: page, Alerts: []alerts.Alert{a}}
		if err := r.Sender.Send(ctx, m); err != nil {
			return err
		}
	}
	return nil
}
