package alerts

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/alerts/alertmanager"
	"github.com/heliograph-net/heliograph/model"
)

// managerConfig groups by application and target, and has a service that is down mute what is said
// of its parts, as docs/alerts.md recommends.
const managerConfig = `
route: {receiver: hook, group_by: [app, target], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: hook, webhook_configs: [{url: %q, send_resolved: true}]}]
inhibit_rules:
  - source_matchers: [verdict="service_down"]
    target_matchers: [alertname="HeliographIncident", verdict!="service_down"]
    equal: [app, target]
`

// manager is a real Alertmanager. /usr/bin/prometheus-alertmanager is Debian's.
func manager(t *testing.T, hook string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr, dir := l.Addr().String(), t.TempDir()
	_ = l.Close()
	config := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, managerConfig, hook), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "prometheus-alertmanager", "--config.file="+config, "--storage.path="+dir,
		"--web.listen-address="+addr, "--cluster.listen-address=")
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v; make setup installs it", err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the test's context has ended it
	until(t, "Alertmanager", func() bool {
		resp, err := http.Get("http://" + addr + "/-/ready")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return "http://" + addr
}

// managed is an alert as the API tells it.
type managed struct {
	Fingerprint  string
	Labels       map[string]string
	EndsAt       time.Time
	GeneratorURL string
	Status       struct {
		State       string
		InhibitedBy []string
	}
}

// managed are the alerts that fire in an Alertmanager, by incident, or else by name.
func managedAlerts(t *testing.T, url string) map[string]managed {
	t.Helper()
	resp, err := http.Get(url + "/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var all []managed
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	by := map[string]managed{}
	for _, a := range all {
		name := a.Labels["incident"]
		if name == "" {
			name = a.Labels["alertname"]
		}
		by[name] = a
	}
	return by
}

// TestAlertmanager: two instances, as in a cluster, know of everything that fires; alerts are
// grouped, muted and over as they should be.
func TestAlertmanager(t *testing.T) {
	h := newHook(t, false)
	urls := []string{manager(t, h.url), manager(t, newHook(t, false).url)}
	var receivers []alerts.Receiver
	for i, url := range urls {
		s, err := alertmanager.New(url, nil)
		if err != nil {
			t.Fatal(err)
		}
		receivers = append(receivers, alerts.Receiver{Name: fmt.Sprint("am/", i), Sender: s, Refresh: alertmanager.Refresh})
	}
	state := notify(t, receivers...)
	down, part, other := incident(1, model.ServiceDown), incident(2, model.NetworkPath), incident(3, model.DNS)
	other.Target = "https://cart.test"
	save(t, state, model.Opened, down, part, other)
	for _, url := range urls {
		until(t, "three alerts and the watchdog", func() bool { return len(managedAlerts(t, url)) == 4 })
	}
	until(t, "inhibition", func() bool { return len(managedAlerts(t, urls[0])["2"].Status.InhibitedBy) == 1 })
	all := managedAlerts(t, urls[0])
	if a := all["1"]; a.Labels["severity"] != "critical" || a.Labels["scope"] != "network" || a.GeneratorURL != "https://page.test/#/incidents/1" ||
		time.Until(a.EndsAt) < 3*time.Minute || time.Until(a.EndsAt) > 5*time.Minute {
		t.Errorf("%+v", a)
	}
	if w := all[alerts.NameWatchdog]; w.Status.State != "active" {
		t.Errorf("watchdog %+v", w)
	}
	for _, a := range all {
		ours := alerts.Alert{Labels: a.Labels}
		if ours.Fingerprint() != a.Fingerprint {
			t.Errorf("fingerprint %s, Alertmanager's is %s", ours.Fingerprint(), a.Fingerprint)
		}
	}
	until(t, "what people are told", func() bool { return len(h.all()["1 firing"]) > 0 && len(h.all()["3 firing"]) > 0 })
	save(t, state, model.Cleared, down)
	until(t, "its end, and what it muted", func() bool { return len(h.all()["1 resolved"]) > 0 && len(h.all()["2 firing"]) > 0 })
	if told := h.all(); told["2 resolved"] != nil || told["3 resolved"] != nil {
		t.Errorf("told %v", maps.Clone(told))
	}
}
