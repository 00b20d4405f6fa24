package alerts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/heliograph-net/heliograph/model"
)

// verdictRule says how incidents with a verdict are presented.
type verdictRule struct {
	severity Severity
	sentence string // the reason in plain words; "": none
}

var verdictRules = map[model.Verdict]verdictRule{
	"":                  {Critical, ""},
	model.ServiceDown:   {Critical, "The service itself fails."},
	model.ServerGroup:   {Critical, "Some of the service's servers fail, and others work."},
	model.NetworkPath:   {Critical, "The service works, but the way to it from these networks does not."},
	model.DNS:           {Critical, "The service's name does not resolve, or not to its own addresses."},
	model.Certificate:   {Critical, "The service's certificate is refused."},
	model.Release:       {Critical, "One version of the application fails, and others work."},
	model.Protocol:      {Critical, "One protocol fails, and others work."},
	model.SlowAnswers:   {Critical, "Requests succeed, and far more of them than usual take too long."},
	model.CollectorPath: {Warning, "The way to a collector fails. Reports wait in the agents; this says nothing about the service."},
	model.VantageSilent: {Info, "A prober's vantage delivers nothing. This says nothing about the service; what others find still counts."},
	model.BudgetBurns:   {Critical, "More requests fail, or are slow, than the objective allows."},
	model.TooThin:       {Warning, "Too little is known to say where the fault lies."},
	model.LastMile:      {Info, "The clients' own connections fail, and come back by themselves."},
	model.Forged:        {Info, "The reports look made up."},
}

// words returns the reason in plain words. It claims no more than the incident: who is hit, and of
// whom too little is known so far, is for the incident's evidence to say, which follows.
func (r *verdictRule) words(i *model.Incident) string {
	switch v := verdictOf(i); {
	case v == model.ServiceDown && i.Failed < i.Requests/2:
		return "The service itself fails for a part of the requests."
	case v == model.Release && len(i.Scope.Versions) == 0:
		return "Clients on one operating system fail, and others work."
	}
	return r.sentence
}

// verdictOf returns an incident's verdict. An incident of deliveries without a verdict is
// [model.CollectorPath].
func verdictOf(i *model.Incident) model.Verdict {
	if i.Verdict == "" && i.App == model.DeliveryApp {
		return model.CollectorPath
	}
	return i.Verdict
}

// incidentAlert returns the alert for an incident.
func incidentAlert(key string, i *model.Incident, s *Settings) Alert {
	verdict := verdictOf(i)
	rule, known := verdictRules[verdict]
	if !known { // a verdict of a newer release
		rule.severity = Warning
	}
	if i.Objective() == model.ObjectiveTicket { // there are days
		rule.severity = Warning
	}
	if i.Late { // whatever it is, nobody can do anything about it now
		rule.severity = Info
	}
	a := Alert{
		Key: key, Status: Firing, Severity: rule.severity, Summary: i.Title, StartsAt: i.Since,
		Labels: map[string]string{
			"alertname": NameIncident, "severity": string(rule.severity), "incident": strconv.FormatInt(i.ID, 10),
			"app": i.App, "target": i.Target, "scope": scopeKind(i.Scope),
		},
		Link: s.incidentPage(i.ID), Runbook: s.runbook(verdict),
	}
	if verdict != "" {
		a.Labels["verdict"] = string(verdict)
	}
	if a.Summary == "" {
		a.Summary = fmt.Sprintf("%s for %s", i.Outcome, i.Target)
	}
	if text := rule.words(i); text != "" {
		a.Why = append(a.Why, text)
	}
	for _, e := range i.Evidence {
		if e.Code == model.SignalInside {
			a.Labels["inside"] = "true"
		}
		a.Why = append(a.Why, sentence(e.Text))
	}
	if !i.Open() {
		a.Status, a.EndsAt = Resolved, i.Until
	}
	return a
}

// sentence returns s with a capital at its beginning and a full stop at its end.
func sentence(s string) string {
	if s == "" {
		return s
	}
	if c := s[0]; 'a' <= c && c <= 'z' {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	if strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

// scopeKind says whom an incident affects, without names. It is part of the alert's identity, which
// must not change as the scope grows.
func scopeKind(s model.Scope) string {
	switch {
	case len(s.ASNs) > 0:
		return "network"
	case len(s.Countries) > 0:
		return "country"
	case len(s.Servers) > 0:
		return "server"
	case len(s.Versions) > 0:
		return "version"
	case len(s.Systems) > 0:
		return "system"
	case len(s.Protocols) > 0:
		return "protocol"
	case len(s.Statuses) > 0:
		return "status"
	case len(s.Collectors) > 0:
		return "collector"
	default:
		return "everyone"
	}
}

// gist returns the part of an incident that an operator would act on. Receivers are told of a
// change only if it changes the gist.
func gist(i *model.Incident) string {
	var where []string
	for _, asn := range i.Scope.ASNs {
		where = append(where, fmt.Sprint("AS", asn))
	}
	for _, status := range i.Scope.Statuses {
		where = append(where, fmt.Sprint("status ", status))
	}
	s := &i.Scope
	where = slices.Concat(where, s.Countries, s.Servers, s.Versions, s.Systems, s.Protocols, s.Collectors)
	return strings.Join(append(where, string(verdictOf(i)), string(i.Outcome)), " ")
}
