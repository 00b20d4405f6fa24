package roles

import (
	"fmt"
	"net/url"

	"github.com/heliograph-net/heliograph/alerts"
)

// AlertsConfig says who is alerted to incidents, and when.
type AlertsConfig struct {
	Receivers []ReceiverConfig `yaml:"receivers"` // nobody is alerted if there are none
	For       Duration         `yaml:"for"`       // how long an incident must last before an alert
	// time after which an ongoing incident is sent again
	Repeat Duration `yaml:"repeat"`
	// least time between a message and the next one about changes
	Update   Duration `yaml:"update"`
	Page     string   `yaml:"page"`     // URL of the dashboard, for links; "": none
	Runbooks string   `yaml:"runbooks"` // URL below which the runbooks are; "": none
	// time without any report after which that is a problem; 0: never
	SilentAfter Duration `yaml:"silent_after"`
	// where several detectors agree who of them tells of a fault; nil for one detector
	Ledger *LedgerConfig `yaml:"ledger"`
}

// LedgerConfig is a ledger of faults; see natsledger.Options.
type LedgerConfig struct {
	Member      string   `yaml:"member"`
	Servers     []string `yaml:"servers"`
	Domain      string   `yaml:"domain"`
	Bucket      string   `yaml:"bucket"`   // "": heliograph-faults
	Replicas    int      `yaml:"replicas"` // 0: 3
	Credentials string   `yaml:"credentials"`
	CA          string   `yaml:"ca"`
	Certificate string   `yaml:"certificate"`
	Key         string   `yaml:"key"`
}

// ReceiverConfig is a receiver of alerts. Its kind determines which of the fields are needed.
type ReceiverConfig struct {
	Name     string          `yaml:"name"`
	Kind     string          `yaml:"kind"`     // one of receiverKinds
	Severity alerts.Severity `yaml:"severity"` // the least that it is told of; "": warning
	Quiet    string          `yaml:"quiet"`    // hours, see alerts.ParseQuiet; "": none
	// PEM file, trusted in addition to the system's authorities
	CA string `yaml:"ca"`

	URL        string   `yaml:"url"`         // of webhook; of pagerduty only for another region
	URLs       []string `yaml:"urls"`        // of alertmanager: all instances of a cluster
	URLFile    string   `yaml:"url_file"`    // of shoutrrr, slack and webhook, if the URL is a secret
	SecretFile string   `yaml:"secret_file"` // of webhook: "whsec_" followed by base64
	KeyFile    string   `yaml:"key_file"`    // of pagerduty: an integration key
	// of webhook: interval of the watchdog alert; 0: never
	Watchdog Duration `yaml:"watchdog"`

	Server       string   `yaml:"server"` // of mail, host:port
	TLS          string   `yaml:"tls"`    // starttls, tls or none; "": starttls
	From         string   `yaml:"from"`
	To           []string `yaml:"to"`
	Username     string   `yaml:"username"`
	PasswordFile string   `yaml:"password_file"`
}

// defaultRunbooks is the URL of this project's runbooks.
const defaultRunbooks = "https://github.com/heliograph-net/heliograph/blob/main/docs/runbooks"

func (c *Config) checkAlerts(bad complaint) {
	a := &c.Alerts
	if a.Ledger != nil {
		o := ledgerOptions(c, nil, nil)
		if err := o.Validate(); err != nil {
			bad("alerts.ledger", "%v", err)
		}
	}
	durations := map[string]Duration{"for": a.For, "repeat": a.Repeat, "update": a.Update, "silent_after": a.SilentAfter}
	for i := range a.Receivers {
		durations[fmt.Sprintf("receivers[%d].watchdog", i)] = a.Receivers[i].Watchdog
	}
	for key, d := range durations {
		switch {
		case d.bad != "":
			bad("alerts."+key, "%s is not a duration such as 30s or 5m", d.bad)
		case d.Duration < 0:
			bad("alerts."+key, "%v is negative", d)
		}
	}
	for key, text := range map[string]string{"alerts.page": a.Page, "alerts.runbooks": a.Runbooks} {
		if u, err := url.Parse(text); text != "" && (err != nil || u.Host == "") {
			bad(key, "%q is not a URL", text)
		}
	}
	names := map[string]bool{}
	for i := range a.Receivers {
		r, key := &a.Receivers[i], fmt.Sprintf("alerts.receivers[%d]", i)
		if r.Name == "" || names[r.Name] {
			bad(key+".name", "%q is no name of its own", r.Name)
		}
		names[r.Name] = true
		if r.Severity != "" && !r.Severity.Valid() {
			bad(key+".severity", "%q is neither info, warning nor critical", r.Severity)
		}
		r.check(func(field, format string, args ...any) { bad(key+"."+field, format, args...) })
	}
}

// check complains about fields that are missing and about those that the kind does not have.
func (r *ReceiverConfig) check(bad complaint) {
	kind, known := receiverKinds[r.Kind]
	if !known {
		bad("kind", "%q is neither alertmanager, mail, pagerduty, shoutrrr, slack nor webhook", r.Kind)
		return
	}
	given := map[string]bool{"url": r.URL != "", "urls": len(r.URLs) > 0, "url_file": r.URLFile != "", "secret_file": r.SecretFile != "",
		"key_file": r.KeyFile != "", "watchdog": r.Watchdog.Duration != 0, "server": r.Server != "", "tls": r.TLS != "", "from": r.From != "",
		"to": len(r.To) > 0, "username": r.Username != "", "password_file": r.PasswordFile != ""}
	for _, field := range kind.needs {
		if !given[field] {
			bad(field, "must not be empty: it is needed for %s", r.Kind)
		}
		delete(given, field)
	}
	for _, field := range kind.knows {
		delete(given, field)
	}
	for field, there := range given {
		if there {
			bad(field, "means nothing for %s", r.Kind)
		}
	}
	if r.Kind == "shoutrrr" && r.CA != "" {
		bad("ca", "means nothing for shoutrrr: its services trust the system's authorities")
	}
	if r.Kind == "webhook" && (r.URL == "") == (r.URLFile == "") {
		bad("url", "give either url or url_file")
	}
	if r.Quiet != "" {
		if _, err := alerts.ParseQuiet(r.Quiet); err != nil {
			bad("quiet", "%v", err)
		}
		if r.Kind == "alertmanager" {
			bad("quiet", "means nothing for alertmanager: give its routes mute_time_intervals")
		}
	}
	if (r.Username == "") != (r.PasswordFile == "") {
		bad("username", "username and password_file go together")
	}
	if r.Kind == "pagerduty" && r.Severity == alerts.Info {
		bad("severity", "pagerduty wakes people and cannot take info")
	}
}
