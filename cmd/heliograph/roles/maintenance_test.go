package roles

import (
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/prober/maintenance"
)

func TestMaintenanceIsConfigured(t *testing.T) {
	c, err := parse("heliograph.yaml", []byte(`prober:
  witnesses: ["https://other.example/", "192.0.2.1:53"]
  maintenance:
    - {targets: "db-*", start: "2026-12-01T22:00:00+01:00", duration: 2h}
    - {cluster: web, weekly: [sat, Sunday], at: "02:30", duration: 1h, time_zone: Europe/Berlin}
    - {targets: "*", weekly: [daily], duration: 5m}
`))
	if err != nil {
		t.Fatal(err)
	}
	all := c.windows()
	if len(all) != 3 {
		t.Fatalf("%d windows", len(all))
	}
	db, web := maintenance.Place{Name: "db-1"}, maintenance.Place{Name: "a", Cluster: "web"}
	if w := all[0]; !w.Covers(db) || w.Covers(web) || !w.Open(time.Date(2026, 12, 1, 21, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", w)
	}
	if w := all[1]; w.Covers(db) || !w.Covers(web) || !w.Open(time.Date(2026, 11, 29, 1, 30, 0, 0, time.UTC)) || w.Open(time.Date(2026, 11, 30, 1, 30, 0, 0, time.UTC)) {
		t.Errorf("%+v", w)
	}
	if w := all[2]; !w.Open(time.Date(2026, 11, 30, 0, 4, 0, 0, time.UTC)) || w.Open(time.Date(2026, 11, 30, 0, 5, 0, 0, time.UTC)) {
		t.Errorf("%+v", w)
	}
	o, err := proberOptions(c)
	if err != nil || len(o.Maintenance) != 3 || o.Witnesses[0].Spec.Kind() != "http" || o.Witnesses[1].Spec.Kind() != "tcp" {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestFaultyMaintenanceIsNamed(t *testing.T) {
	for given, want := range map[string]string{
		`{duration: 1h, start: "2026-12-01T22:00:00Z"}`:                            "prober.maintenance[0]: targets: missing",
		`{targets: a, duration: long, start: "2026-12-01T22:00:00Z"}`:              "prober.maintenance[0].duration: long is not",
		`{targets: a, duration: 1h, start: tomorrow}`:                              "prober.maintenance[0].start",
		`{targets: a, duration: 1h, weekly: [someday]}`:                            "prober.maintenance[0].weekly",
		`{targets: a, duration: 1h, weekly: [mon], at: "25:00"}`:                   "prober.maintenance[0].at",
		`{targets: a, duration: 1h, weekly: [mon], time_zone: Mars}`:               "prober.maintenance[0].time_zone",
		`{targets: a, duration: 200h, weekly: [mon]}`:                              "duration: at most",
		`{targets: a, duration: 1h, weekly: [mon], start: "2026-12-01T22:00:00Z"}`: "start: give either",
	} {
		_, err := parse("heliograph.yaml", []byte("prober:\n  maintenance:\n    - "+given+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "heliograph.yaml:3") {
			t.Errorf("%s: %v", given, err)
		}
	}
}
