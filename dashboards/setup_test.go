package dashboards

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/access"
	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// installation has a receiver "night" that refuses, and keeps whom it was asked to test.
type installation struct{ tested []string }

func (i *installation) Setup(context.Context) api.Setup { return exampleSetup() }

func (i *installation) Policies() []api.ServedPolicy { return exampleSetup().Policies }

func (i *installation) TestReceiver(_ context.Context, name string) ([]api.ReceiverTest, error) {
	if i.tested = append(i.tested, name); name != "night" {
		return nil, ErrNoReceiver
	}
	return []api.ReceiverTest{{Receiver: "night", Error: "535 authentication failed"}}, nil
}

func exampleSetup() api.Setup {
	at := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	return api.Setup{
		Policies: []api.ServedPolicy{{Collector: "c1", Version: 7, Issued: at, Expires: at.AddDate(0, 3, 0), MostConsent: "diagnostics", SuccessShare: 0.05,
			WindowSeconds: 60, EarlySeconds: 8, Samples: 5, RefreshSeconds: 3600, BytesPerDay: 10 << 20, SealKey: "3f2a9c01", Signers: []string{"b4c1e2d3"},
			Collectors: []api.PolicyCollector{{ID: "c1", URL: "https://c1.example.net", Priority: 1, Weight: 1, ReceiptKey: "77a0b1c2"}}}},
		Receivers: []api.Receiver{{Name: "night", Kind: "mail", Severity: "critical", Where: []string{"mail.example.net:587"}, Tried: at, Result: "ok"}},
	}
}

// TestSetup: what is set up is told to everybody who may look, and only operators test receivers.
func TestSetup(t *testing.T) {
	i := &installation{}
	o := Options{Reader: &fakeReader{}, Installation: i, Consents: func() api.Consents { return api.Consents{Counts: 5, Diagnostics: 2, Withdrawn: 1} }}
	_, url := serve(t, o)
	client, err := api.NewClient(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := client.Setup(t.Context())
	if err != nil || len(s.Policies) != 1 || s.Policies[0].Version != 7 || s.Receivers[0].Name != "night" || s.Consent.Counts != 5 {
		t.Errorf("%+v, %v", s, err)
	}
	if status, answer := send(t, url+"/api/v1/receivers/night/test", "application/json", ""); status != http.StatusOK || !strings.Contains(answer, "535 authentication failed") {
		t.Errorf("%d: %s", status, answer)
	}
	if status, _ := send(t, url+"/api/v1/receivers/nobody/test", "application/json", ""); status != http.StatusNotFound {
		t.Errorf("a receiver that there is not: %d", status)
	}
	if status, _ := send(t, url+"/api/v1/receivers/night/test", "application/json", "", "Sec-Fetch-Site", "cross-site"); status != http.StatusForbidden {
		t.Errorf("another site's page: %d", status)
	}
	if len(i.tested) != 2 {
		t.Errorf("tested %q", i.tested)
	}
	_, url = serve(t, Options{Reader: &fakeReader{}})
	wantJSON(t, url+"/api/v1/setup", `{"policies":[],"receivers":[],"consent":{"counts":0,"diagnostics":0,"withdrawn":0}}`)
	if status, _ := send(t, url+"/api/v1/receivers/night/test", "application/json", ""); status != http.StatusNotFound {
		t.Errorf("without an installation: %d", status)
	}
}

func TestViewersTestNoReceiver(t *testing.T) {
	i := &installation{}
	gate, err := access.New(access.Options{Settings: access.Settings{Proxy: access.Proxy{Header: "X-User", Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Operators: []string{"ada"}}}})
	if err != nil {
		t.Fatal(err)
	}
	_, url := serve(t, Options{Reader: &fakeReader{}, Installation: i, Access: gate})
	for who, want := range map[string]int{"vic": http.StatusForbidden, "ada": http.StatusOK} {
		if status, _ := send(t, url+"/api/v1/receivers/night/test", "application/json", "", "X-User", who); status != want {
			t.Errorf("%s: %d, want %d", who, status, want)
		}
	}
	if len(i.tested) != 1 {
		t.Errorf("tested %q", i.tested)
	}
}

// TestApplications: the minutes of each release are summed, and releases of too few clients are
// only counted.
func TestApplications(t *testing.T) {
	minute := time.Now().Truncate(time.Minute)
	key := model.RollupKey{App: "shop", Version: "1.5.0", Source: report.SourceAgent}
	old := model.RollupKey{App: "shop", Version: "1.4.2", Source: report.SourceAgent}
	rare := model.RollupKey{App: "shop", Version: "0.1", Source: report.SourceAgent}
	reader := &fakeReader{rollups: []model.Rollup{
		{At: minute.Add(-4 * time.Minute), Key: key, OK: 90, Failed: 10, Clients: 8}, {At: minute.Add(-2 * time.Minute), Key: old, OK: 300, Clients: 20},
		{At: minute.Add(-time.Minute), Key: key, OK: 100, Clients: 12}, {At: minute.Add(-time.Minute), Key: rare, OK: 1, Clients: 1},
	}}
	_, url := serve(t, Options{Reader: reader, LeastClients: 5})
	client, err := api.NewClient(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := client.Applications(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want := []api.ApplicationSent{
		{App: "shop", Version: "1.4.2", Source: "agent", OK: 300, PerMinute: 300, Clients: 20, LastSeen: minute.Add(-2 * time.Minute).UTC()},
		{App: "shop", Version: "1.5.0", Source: "agent", OK: 190, Failed: 10, PerMinute: 50, Clients: 12, LastSeen: minute.Add(-time.Minute).UTC()},
	}
	if a.Suppressed != 1 || len(a.Rows) != 2 || a.Rows[0] != want[0] || a.Rows[1] != want[1] {
		t.Errorf("%+v", a)
	}
}
