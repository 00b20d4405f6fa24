package browser

import (
	"context"
	"time"

	"github.com/heliograph-net/heliograph/dashboards"
	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// installed is an installation of two collectors, one of which serves an old policy, and of two
// receivers, one of which refuses.
type installed struct{ suffix string }

func (i installed) Setup(context.Context) api.Setup {
	now := time.Now().UTC()
	p := api.ServedPolicy{Collector: "c1", Version: 7, Issued: now.AddDate(0, -1, 0), Expires: now.AddDate(0, 2, 0), MostConsent: "diagnostics", SuccessShare: 0.05,
		WindowSeconds: 60, EarlySeconds: 8, Samples: 5, RefreshSeconds: 3600, BytesPerDay: 10 << 20, SealKey: "3f2a9c01de", Signers: []string{"b4c1e2d3aa"},
		Collectors: []api.PolicyCollector{{ID: "c1", URL: "https://c1.example.net", Priority: 1, Weight: 1, ReceiptKey: "77a0b1c2"},
			{ID: "c2", URL: "https://c2.example.org", Priority: 2, Weight: 1, ReceiptKey: "18d2c3b4", Relay: "https://r1.example.com/relay"}}}
	old := p
	old.Collector, old.Version, old.Fault = "c2"+i.suffix, 6, "is older than what c1 serves"
	return api.Setup{Policies: []api.ServedPolicy{p, old}, Receivers: []api.Receiver{
		{Name: "night", Kind: "mail", Severity: "critical", Where: []string{"mail.example.net:587", "oncall@example.com"}, Tried: now.Add(-time.Hour), Result: "ok"},
		{Name: "chat" + i.suffix, Kind: "slack", Severity: "warning", Quiet: "22:00-07:00 Europe/Berlin", Where: []string{}, Tried: now.Add(-time.Minute), Result: "refused"},
	}}
}

func (i installed) Policies() []api.ServedPolicy { return i.Setup(context.Background()).Policies }

func (i installed) TestReceiver(_ context.Context, name string) ([]api.ReceiverTest, error) {
	if name != "night" {
		return []api.ReceiverTest{{Receiver: name, Error: "refused: 404 Not Found" + i.suffix}}, nil
	}
	return []api.ReceiverTest{{Receiver: name}}, nil
}

var _ dashboards.Installation = installed{}

// withReleases is a reader of what two releases have sent.
type withReleases struct {
	model.Reader
	suffix string
}

func (r withReleases) Rollups(ctx context.Context, q model.RollupQuery) ([]model.Rollup, error) {
	rows, err := r.Reader.Rollups(ctx, q)
	at := time.Now().Truncate(time.Minute)
	for _, version := range []string{"1.4.2", "1.5.0" + r.suffix} {
		key := model.RollupKey{App: "shop", Version: version, Source: report.SourceAgent}
		rows = append(rows, model.Rollup{At: at.Add(-time.Minute), Key: key.Only(q.By), OK: 810, Failed: 9, Reports: 800, Clients: 60})
	}
	return rows, err
}
