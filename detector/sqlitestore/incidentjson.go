package sqlitestore

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// incidentVersion is the version of incidentJSON. A change that an older release would misread
// requires a new one.
const incidentVersion = 1

// incidentJSON is the stored form of an incident.
type incidentJSON struct {
	Version int              `json:"v"`
	ID      int64            `json:"id"`
	App     string           `json:"app"`
	Target  string           `json:"target"`
	Outcome report.Outcome   `json:"outcome"`
	Also    []report.Outcome `json:"also,omitempty"`
	Verdict model.Verdict    `json:"verdict,omitempty"`
	// Page is absent in what releases without it stored; they alerted people of everything.
	Page     *bool       `json:"page,omitempty"`
	Late     bool        `json:"late,omitempty"`
	Scope    scopeJSON   `json:"scope"`
	Others   []scopeJSON `json:"others,omitempty"`
	Share    float64     `json:"share,omitempty"`
	Since    time.Time   `json:"since"`
	Until    time.Time   `json:"until,omitzero"`
	Reopened int         `json:"reopened,omitempty"`
	Severity float64     `json:"severity,omitempty"`
	Failed   float64     `json:"failed"`
	Requests float64     `json:"requests"`
	Expected float64     `json:"expected"`
	Clients  int         `json:"clients"`
	Buckets  int         `json:"buckets,omitempty"`
	Networks int         `json:"networks,omitempty"`
	// of slow answers
	SlowerThan  time.Duration `json:"slower_than,omitempty"`
	UsuallySlow float64       `json:"usually_slow,omitempty"`

	Title    string       `json:"title"`
	Evidence []signalJSON `json:"evidence,omitempty"`
}

type scopeJSON struct {
	ASNs       []uint32 `json:"asns,omitempty"`
	Countries  []string `json:"countries,omitempty"`
	Servers    []string `json:"servers,omitempty"`
	Versions   []string `json:"versions,omitempty"`
	Systems    []string `json:"systems,omitempty"`
	Protocols  []string `json:"protocols,omitempty"`
	Statuses   []uint16 `json:"statuses,omitempty"`
	Collectors []string `json:"collectors,omitempty"`
}

type signalJSON struct {
	Code model.SignalCode `json:"code"`
	Text string           `json:"text"`
}

// UnmarshalJSON also accepts a sentence without a code, as in release 0.1.0.
func (s *signalJSON) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &s.Text)
	}
	type plain signalJSON
	return json.Unmarshal(b, (*plain)(s))
}

func signalsJSON(signals []model.Signal) []signalJSON {
	var all []signalJSON
	for _, s := range signals {
		all = append(all, signalJSON(s))
	}
	return all
}

func signalsOf(all []signalJSON) []model.Signal {
	var signals []model.Signal
	for _, s := range all {
		signals = append(signals, model.Signal(s))
	}
	return signals
}

func encodeIncident(i *model.Incident) (string, error) {
	v := incidentJSON{
		Version: incidentVersion, ID: i.ID, App: i.App, Target: i.Target, Outcome: i.Outcome, Also: i.Also, Verdict: i.Verdict, Page: &i.Page, Late: i.Late,
		Scope: scopeJSON(i.Scope), Share: i.Share, Since: i.Since, Until: i.Until, Reopened: i.Reopened, Severity: i.Severity, Failed: i.Failed,
		Requests: i.Requests, Expected: i.Expected, Clients: i.Clients, Buckets: i.Buckets, Networks: i.Networks, SlowerThan: i.SlowerThan, UsuallySlow: i.UsuallySlow, Title: i.Title,
		Evidence: signalsJSON(i.Evidence),
	}
	for _, s := range i.Others {
		v.Others = append(v.Others, scopeJSON(s))
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encoding incident %d: %w", i.ID, err)
	}
	return string(b), nil
}

// decodeIncident also accepts the form of release 0.1.0, which had no version and the names of the
// Go fields. Those differ only in case, which encoding/json ignores.
func decodeIncident(b []byte) (i model.Incident, err error) {
	var v incidentJSON
	if err := json.Unmarshal(b, &v); err != nil {
		return i, fmt.Errorf("decoding an incident: %w", err)
	}
	if v.Version > incidentVersion {
		return i, fmt.Errorf("incident %d is of version %d, this release knows %d", v.ID, v.Version, incidentVersion)
	}
	i = model.Incident{
		ID: v.ID, App: v.App, Target: v.Target, Outcome: v.Outcome, Also: v.Also, Verdict: v.Verdict, Page: v.Page == nil || *v.Page, Late: v.Late,
		Scope: model.Scope(v.Scope), Share: v.Share, Since: v.Since, Until: v.Until, Reopened: v.Reopened, Severity: v.Severity, Failed: v.Failed,
		Requests: v.Requests, Expected: v.Expected, Clients: v.Clients, Buckets: v.Buckets, Networks: v.Networks, SlowerThan: v.SlowerThan, UsuallySlow: v.UsuallySlow, Title: v.Title,
		Evidence: signalsOf(v.Evidence),
	}
	for _, s := range v.Others {
		i.Others = append(i.Others, model.Scope(s))
	}
	return i, nil
}
