package dashboards

import (
	"context"
	"errors"
	"net/http"
	"regexp"

	"github.com/gorilla/mux"

	"github.com/heliograph-net/heliograph/dashboards/access"
	"github.com/heliograph-net/heliograph/dashboards/api"
)

// Installation is how everything around the dashboard is set up. It is safe for concurrent use.
type Installation interface {
	// Setup returns the setup. Consent is not set.
	Setup(ctx context.Context) api.Setup
	// Policies returns the policies that collectors were seen to serve, each version once. It asks
	// nobody.
	Policies() []api.ServedPolicy
	// TestReceiver sends a test alert and its end to a receiver of alerts, and returns what became
	// of them for each of its instances. The error is ErrNoReceiver if there is no such receiver.
	TestReceiver(ctx context.Context, name string) ([]api.ReceiverTest, error)
}

// ErrNoReceiver says that no receiver of alerts has a name.
var ErrNoReceiver = errors.New("there is no such receiver of alerts")

// testPath matches the paths that send test alerts.
var testPath = regexp.MustCompile("^" + regexp.QuoteMeta(api.Root) + "/receivers/[^/]{1,256}/test$")

func (d *Dashboard) getSetup(w http.ResponseWriter, r *http.Request, p *params) error {
	if p.err != nil {
		return p.err
	}
	s := api.Setup{}
	if d.o.Installation != nil {
		s = d.o.Installation.Setup(r.Context())
	}
	if d.o.Consents != nil {
		s.Consent = d.o.Consents()
	}
	s.Policies, s.Receivers = list(s.Policies), list(s.Receivers)
	return writeJSON(w, s)
}

// postReceiverTest sends a test alert. One is sent at a time, so that nobody floods a receiver.
func (d *Dashboard) postReceiverTest(w http.ResponseWriter, r *http.Request) error {
	if d.o.Installation == nil {
		return errNotFound
	}
	if !d.testing.TryLock() {
		return errTesting
	}
	defer d.testing.Unlock()
	name := mux.Vars(r)["name"]
	results, err := d.o.Installation.TestReceiver(r.Context(), name)
	if err != nil {
		return err
	}
	for _, result := range results {
		d.o.Logger.Info("test alert", "receiver", result.Receiver, "error", result.Error, "who", access.Of(r.Context()).Name)
	}
	return writeJSON(w, list(results))
}
