package roles

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/dashboards/api"
)

// TestInstallation: the dashboard of one process shows the policy that its collector serves and
// those of others, and who is alerted, without secrets; it sends a test alert.
func TestInstallation(t *testing.T) {
	var alerted atomic.Int32
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { alerted.Add(1) }))
	t.Cleanup(hook.Close)
	dir := filepath.Join(t.TempDir(), "d")
	config := `collector: {listen: "127.0.0.1:0"}
dashboard: {listen: "127.0.0.1:0"}
operations: {listen: "127.0.0.1:0"}
alerts: {receivers: [{name: night, kind: webhook, url: "` + hook.URL + `/secret-path?token=secret-token", severity: critical}]}
`
	p := running(t, dir, config)
	client, err := api.NewClient("http://"+p.DashboardAddr, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := client.Get(t.Context(), "/setup", nil)
	if err != nil || strings.Contains(string(text), "secret") {
		t.Fatalf("%s, %v", text, err)
	}
	s, err := client.Setup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Policies) != 1 || s.Policies[0].Version != 1 || s.Policies[0].SuccessShare != 0.05 || len(s.Policies[0].Collectors) == 0 || s.Consent.Since.IsZero() {
		t.Errorf("%+v", s)
	}
	if len(s.Receivers) != 1 || s.Receivers[0].Where[0] != strings.TrimPrefix(hook.URL, "http://") || s.Receivers[0].Severity != "critical" {
		t.Errorf("%+v", s.Receivers)
	}
	resp, err := http.Post("http://"+p.DashboardAddr+"/api/v1/receivers/night/test", "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || alerted.Load() != 2 {
		t.Errorf("%s, alerted %d times", resp.Status, alerted.Load())
	}

	i := &installation{attempts: &attempts{}, remote: newRemotePolicies(nil)}
	other, err := Load(filepath.Join(dir, ConfigName))
	if err != nil {
		t.Fatal(err)
	}
	other.Detector.Feeds = []FeedConfig{{ID: "c1", URL: "http://" + p.CollectorAddr}, {ID: "c2", URL: hook.URL}, {ID: "c3"}}
	i.current.Store(other)
	i.attempts.note(alerts.Attempt{Receiver: "night", End: time.Now(), Err: errors.New("no route")})
	s = i.Setup(t.Context())
	if len(s.Policies) != 3 || s.Policies[0].Version != 1 || s.Policies[1].Fault == "" || s.Policies[2].Fault == "" {
		t.Errorf("%+v", s.Policies)
	}
	if all := i.Policies(); len(all) != 1 || all[0].Version != 1 || all[0].Issued.IsZero() {
		t.Errorf("policies seen: %+v", all)
	}
	if r := s.Receivers[0]; r.Result != "failed" || r.Tried.IsZero() {
		t.Errorf("%+v", r)
	}
	if _, err := i.TestReceiver(context.Background(), "nobody"); !errors.Is(err, dashboards.ErrNoReceiver) {
		t.Error(err)
	}
}
