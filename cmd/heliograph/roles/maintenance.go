package roles

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // an image that has nothing but the program has no time zones, either

	"github.com/heliograph-net/heliograph/prober/maintenance"
)

// MaintenanceConfig is a time in which failures of targets are expected.
type MaintenanceConfig struct {
	// patterns of names and locations; * matches any characters
	Targets    string `yaml:"targets"`
	Region     string `yaml:"region"`
	DataCentre string `yaml:"data_centre"`
	Cluster    string `yaml:"cluster"`
	Row        string `yaml:"row"`

	Start    string   `yaml:"start"` // RFC 3339; of a window that opens once
	Duration Duration `yaml:"duration"`

	Weekly   []string `yaml:"weekly"`    // days on which it opens: mon, tue, …; or daily
	At       string   `yaml:"at"`        // time of day at which it opens: "02:30"
	TimeZone string   `yaml:"time_zone"` // of weekly and at: Europe/Berlin; empty: UTC
}

// window returns the window, or the key at fault and what is wrong with it.
func (m *MaintenanceConfig) window() (w maintenance.Window, badKey string, err error) {
	w = maintenance.Window{
		Targets:  maintenance.Place{Name: m.Targets, Region: m.Region, DataCentre: m.DataCentre, Cluster: m.Cluster, Row: m.Row},
		Duration: m.Duration.Duration,
	}
	if m.Duration.bad != "" {
		return w, "duration", fmt.Errorf("%s is not a duration such as 2h", m.Duration.bad)
	}
	if m.Start != "" {
		if w.Start, err = time.Parse(time.RFC3339, m.Start); err != nil {
			return w, "start", fmt.Errorf("%q is not a time such as 2026-12-01T22:00:00+01:00", m.Start)
		}
	}
	for _, day := range m.Weekly {
		days, ok := weekdays(day)
		if !ok {
			return w, "weekly", fmt.Errorf("%q is neither a day (mon, tue, …) nor daily", day)
		}
		w.Weekdays = append(w.Weekdays, days...)
	}
	if m.At != "" {
		at, err := time.Parse("15:04", m.At)
		if err != nil {
			return w, "at", fmt.Errorf("%q is not a time of day such as 02:30", m.At)
		}
		w.At = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	}
	if w.Zone, err = time.LoadLocation(m.TimeZone); err != nil {
		return w, "time_zone", fmt.Errorf("%q is not a time zone such as Europe/Berlin that this host knows", m.TimeZone)
	}
	return w, "", w.Compile()
}

// weekdays returns the days that a word of a weekly schedule stands for.
func weekdays(word string) ([]time.Weekday, bool) {
	week := []time.Weekday{time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday}
	if word == "daily" {
		return week, true
	}
	i := slices.IndexFunc(week, func(d time.Weekday) bool {
		name := strings.ToLower(d.String())
		return strings.EqualFold(word, name[:3]) || strings.EqualFold(word, name)
	})
	if i < 0 {
		return nil, false
	}
	return week[i : i+1], true
}

func (c *Config) checkMaintenance(bad complaint) {
	for i := range c.Prober.Maintenance {
		if _, key, err := c.Prober.Maintenance[i].window(); err != nil {
			bad(strings.TrimSuffix(fmt.Sprintf("prober.maintenance[%d].%s", i, key), "."), "%v", err)
		}
	}
}

// windows returns the times of maintenance of a valid configuration.
func (c *Config) windows() []maintenance.Window {
	all := make([]maintenance.Window, 0, len(c.Prober.Maintenance))
	for i := range c.Prober.Maintenance {
		if w, _, err := c.Prober.Maintenance[i].window(); err == nil {
			all = append(all, w)
		}
	}
	return all
}
