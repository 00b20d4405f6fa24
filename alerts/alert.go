package alerts

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"
)

// Status says whether what an alert tells of goes on.
type Status string

// The statuses, in the words of Alertmanager.
const (
	Firing   Status = "firing"
	Resolved Status = "resolved"
)

// Severity says what somebody is to do about an alert.
type Severity string

// The severities, in the words that Prometheus's users have for them.
const (
	Info     Severity = "info"     // nothing: it is told only to receivers that ask for it
	Warning  Severity = "warning"  // look at it today
	Critical Severity = "critical" // look at it now
)

// rank orders severities; an unknown one is the lowest.
func (s Severity) rank() int { return slices.Index([]Severity{Info, Warning, Critical}, s) }

// Valid reports whether s is one of the severities.
func (s Severity) Valid() bool { return s.rank() >= 0 }

// Names of alerts, the label alertname.
const (
	NameIncident = "HeliographIncident"
	NameProblem  = "HeliographProblem"  // of Heliograph itself
	NameWatchdog = "HeliographWatchdog" // always firing
	NameTest     = "HeliographTest"
)

// Alert is what a receiver is told of.
type Alert struct {
	Key      string   `json:"key"` // the same for as long as the alert exists, in every message
	Status   Status   `json:"status"`
	Severity Severity `json:"severity"`
	// Labels are its identity in Alertmanager. They have nothing of single clients.
	Labels   map[string]string `json:"labels"`
	Summary  string            `json:"summary"` // one sentence: what, where, whom, how many
	Why      []string          `json:"why,omitempty"`
	Link     string            `json:"link,omitempty"`    // to the page; "": not known
	Runbook  string            `json:"runbook,omitempty"` // what to do; "": not known
	StartsAt time.Time         `json:"starts_at"`
	EndsAt   time.Time         `json:"ends_at,omitzero"` // zero: firing
}

// Headline is the summary of an alert, with what an operator has to know first.
func (a *Alert) Headline() string {
	if a.Status == Resolved {
		return "Over: " + a.Summary
	}
	return a.Summary
}

// Text tells an alert in plain lines: the headline, since when, why, where to look.
func (a *Alert) Text() string {
	lines := append([]string{a.Headline(), "", a.when()}, a.Why...)
	if a.Link != "" || a.Runbook != "" {
		lines = append(lines, "")
	}
	if a.Link != "" {
		lines = append(lines, "See it: "+a.Link)
	}
	if a.Runbook != "" {
		lines = append(lines, "What to do: "+a.Runbook)
	}
	return strings.Join(lines, "\n")
}

func (a *Alert) when() string {
	const layout = "2006-01-02 15:04:05 MST"
	since := a.StartsAt.UTC()
	if a.Status == Firing {
		return "Since " + since.Format(layout) + "."
	}
	until := a.EndsAt.UTC()
	return fmt.Sprintf("From %s to %s (%v).", since.Format(layout), until.Format(layout), until.Sub(since).Round(time.Second))
}

// Annotations are an alert's in Alertmanager.
func (a *Alert) Annotations() map[string]string {
	all := map[string]string{"summary": a.Summary}
	for name, value := range map[string]string{"description": strings.Join(a.Why, "\n"), "runbook_url": a.Runbook, "dashboard_url": a.Link} {
		if value != "" {
			all[name] = value
		}
	}
	return all
}

// Fingerprint is the one that Alertmanager gives an alert of these labels.
func (a *Alert) Fingerprint() string {
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		_, _ = h.Write([]byte(name + "\xff" + a.Labels[name] + "\xff"))
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// Message is what a receiver gets at once. Whoever sends it changes nothing in it.
type Message struct {
	ID       string    `json:"id"` // the same each time the message is tried
	Receiver string    `json:"receiver"`
	Made     time.Time `json:"made"`
	Alerts   []Alert   `json:"alerts"` // at least one
	Page     string    `json:"page,omitempty"`
}

// Status is firing while any of a message's alerts is.
func (m *Message) Status() Status {
	if slices.ContainsFunc(m.Alerts, func(a Alert) bool { return a.Status == Firing }) {
		return Firing
	}
	return Resolved
}

// Subject is a message in one line.
func (m *Message) Subject() string {
	if len(m.Alerts) == 1 {
		return m.Alerts[0].Headline()
	}
	firing := 0
	for i := range m.Alerts {
		if m.Alerts[i].Status == Firing {
			firing++
		}
	}
	switch firing {
	case 0:
		return fmt.Sprintf("%d incidents are over", len(m.Alerts))
	case len(m.Alerts):
		return fmt.Sprintf("%d incidents", firing)
	default:
		return fmt.Sprintf("%d incidents, %d are over", firing, len(m.Alerts)-firing)
	}
}
