package alerts

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"time"
)

// Status says whether the condition that an alert describes still holds.
type Status string

// The statuses, in the words of Alertmanager.
const (
	Firing   Status = "firing"
	Resolved Status = "resolved"
)

// Severity says how soon somebody should act on an alert.
type Severity string

// The severities, in the words that Prometheus users commonly use.
const (
	Info     Severity = "info"     // no action; sent only to receivers that ask for it
	Warning  Severity = "warning"  // look at it today
	Critical Severity = "critical" // look at it now
)

// rank orders severities. An unknown severity ranks lowest.
func (s Severity) rank() int { return slices.Index([]Severity{Info, Warning, Critical}, s) }

// Valid reports whether s is one of the severities.
func (s Severity) Valid() bool { return s.rank() >= 0 }

// The names of alerts, which are the values of the label alertname.
const (
	NameIncident = "HeliographIncident"
	NameProblem  = "HeliographProblem"  // a problem of Heliograph itself
	NameWatchdog = "HeliographWatchdog" // always firing
	NameTest     = "HeliographTest"
)

// Alert is one incident, problem or sign of life, as receivers are told of it.
type Alert struct {
	Key      string   `json:"key"` // the same for as long as the alert exists, in every message
	Status   Status   `json:"status"`
	Severity Severity `json:"severity"`
	// Labels identify the alert in Alertmanager. They contain nothing about individual clients.
	Labels map[string]string `json:"labels"`
	// one sentence: what fails, where, for whom, how often
	Summary  string    `json:"summary"`
	Why      []string  `json:"why,omitempty"`
	Link     string    `json:"link,omitempty"`    // URL of the dashboard; "": unknown
	Runbook  string    `json:"runbook,omitempty"` // URL of the runbook; "": none
	StartsAt time.Time `json:"starts_at"`
	EndsAt   time.Time `json:"ends_at,omitzero"` // zero while it is firing
	// Muted is the last mute of the alert, which may have ended. It is set for receivers with a
	// Refresh only; others are not told of muted alerts. nil: it was never muted.
	Muted *Mute `json:"muted,omitempty"`
}

// Headline returns the summary of an alert, after "Over: " if the alert is resolved.
func (a *Alert) Headline() string {
	if a.Status == Resolved {
		return "Over: " + a.Summary
	}
	return a.Summary
}

// Text returns the alert as plain text: the headline, the time, the reasons and the links.
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

// Annotations returns the annotations that the alert has in Alertmanager.
func (a *Alert) Annotations() map[string]string {
	all := map[string]string{"summary": a.Summary}
	for name, value := range map[string]string{"description": strings.Join(a.Why, "\n"), "runbook_url": a.Runbook, "dashboard_url": a.Link} {
		if value != "" {
			all[name] = value
		}
	}
	return all
}

// Fingerprint returns the fingerprint that Alertmanager computes for an alert with these labels.
func (a *Alert) Fingerprint() string {
	h := fnv.New64a()
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		_, _ = h.Write([]byte(name + "\xff" + a.Labels[name] + "\xff"))
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// Message is a group of alerts that a receiver gets together. Senders must not change it.
type Message struct {
	ID       string    `json:"id"` // the same on every attempt to deliver the message
	Receiver string    `json:"receiver"`
	Made     time.Time `json:"made"`
	Alerts   []Alert   `json:"alerts"` // at least one
	Page     string    `json:"page,omitempty"`
}

// Status returns [Firing] if any of the message's alerts is firing, and otherwise [Resolved].
func (m *Message) Status() Status {
	if slices.ContainsFunc(m.Alerts, func(a Alert) bool { return a.Status == Firing }) {
		return Firing
	}
	return Resolved
}

// Subject summarizes the message in one line.
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
