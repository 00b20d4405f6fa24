package simulate

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/heliograph-net/heliograph/internal/netaddr"
	"github.com/heliograph-net/heliograph/internal/nettable"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// whole is a sink that takes whole uploads.
type whole struct {
	gathered
	all []Upload
}

func (w *whole) Upload(u Upload) error {
	u.Rows = slices.Clone(u.Rows)
	w.all = append(w.all, u)
	return nil
}

// Uploads have the rows that other sinks get one by one, in their order. The table of networks says
// of their addresses what the rows say, and prefixes are buckets.
func TestUploadsAndTheirNetworks(t *testing.T) {
	for _, name := range []string{"dark-network", "forged-tokens", "collector-path", "forged-million"} {
		t.Run(name, func(t *testing.T) {
			s := small(named(t, name))
			rows := gather(t, s, 3)
			w := whole{gathered: gathered{t: t}}
			if err := Run(s, 3, &w); err != nil {
				t.Fatal(err)
			}
			var table bytes.Buffer
			if err := WriteNetworks(&table, s, 3); err != nil {
				t.Fatal(err)
			}
			networks, err := nettable.Load(&table)
			if err != nil {
				t.Fatal(err)
			}
			var all []Row
			documentation := netip.MustParsePrefix("3fff::/20")
			type prefix struct {
				network [16]byte
				day     int64
			}
			buckets := map[prefix]report.Bucket{}
			for _, u := range w.all {
				asn, country := networks.Lookup(u.From)
				if !documentation.Contains(u.From) || asn != u.Rows[0].ASN || country != u.Rows[0].Country || u.Began > u.Ended || u.Ended > u.Arrived {
					t.Fatalf("%v is of AS%d in %s: %+v", u.From, asn, country, u)
				}
				at := prefix{netaddr.Network(u.From), u.Rows[0].At / day}
				if b, known := buckets[at]; known && b != u.Rows[0].Bucket {
					t.Fatalf("%v has the buckets %d and %d", u.From, b, u.Rows[0].Bucket)
				}
				buckets[at] = u.Rows[0].Bucket
				for _, r := range u.Rows {
					if r.Arrived != u.Arrived || r.App != model.DeliveryApp && (r.At < u.Began || r.At > u.Ended) {
						t.Fatalf("a row is not of its upload: %+v", u)
					}
				}
				all = append(all, u.Rows...)
			}
			if !slices.Equal(all, rows.rows) || !slices.Equal(w.probes, rows.probes) || w.ticks != rows.ticks || len(w.rows) != 0 {
				t.Errorf("%d rows in uploads, %d one by one", len(all), len(rows.rows))
			}
		})
	}
}

func TestVantagesHaveNetworks(t *testing.T) {
	s := small(named(t, "service-down"))
	var table bytes.Buffer
	if err := WriteNetworks(&table, s, 1); err != nil {
		t.Fatal(err)
	}
	networks, err := nettable.Load(&table)
	if err != nil {
		t.Fatal(err)
	}
	if asn, country := networks.Lookup(VantageAddress(1)); asn != vantageASN(1) || country != "ZZ" {
		t.Errorf("AS%d in %s", asn, country)
	}
}

func TestTooFewAddresses(t *testing.T) {
	s := small(named(t, "forged-tokens"))
	s.Floods[0].From, s.Floods[0].Prefixes = Pick{}, maxClients
	if err := CheckAddresses(s, 1); err == nil || !strings.Contains(err.Error(), "floods' prefixes") {
		t.Error(err)
	}
	if err := WriteNetworks(new(bytes.Buffer), s, 1); err == nil {
		t.Error("a table was written")
	}
}

func TestSlowScenarios(t *testing.T) {
	for name, want := range map[string]bool{"slow-network": true, "calm": false} {
		if got := named(t, name).Slow(); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	s := named(t, "calm")
	if s.World.SlowRate = 0.1; !s.Slow() {
		t.Error("a slow world is not slow")
	}
}
