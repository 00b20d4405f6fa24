package judgement

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Kind is what happened to an incident.
type Kind string

// The kinds of [Event].
const (
	Opened  Kind = "opened" // also when it opens again
	Changed Kind = "changed"
	Cleared Kind = "cleared"
)

// Event is a change of one incident. Its JSON form is a line of `heliograph replay`. The receiver
// owns its slices.
type Event struct {
	Judged int64 `json:"judged"` // when it was decided, in Unix milliseconds
	Kind   Kind  `json:"event"`
	Incident
}

// Incident is a period in which requests failed abnormally.
type Incident struct {
	ID    ID    `json:"id"`
	Onset int64 `json:"onset"`           // estimated start of the fault, in Unix milliseconds
	Until int64 `json:"until,omitempty"` // end of the last abnormal bin in Unix ms, 0 while open

	App      string           `json:"app"`
	Target   string           `json:"target"` // the one with the most excess failures
	Outcomes []report.Outcome `json:"outcomes"`
	Verdict  model.Verdict    `json:"verdict"`
	Page     bool             `json:"page"`     // whether it alerts people now
	Late     bool             `json:"late"`     // told by reports of the past; never pages
	Severity float64          `json:"severity"` // failures above the expected, since the onset
	Scope    []Scope          `json:"scope"`    // ranked explanations, the best first; at least one
	// Share is the part of the excess failures that the best explanation covers, 0 to 1.
	Share float64 `json:"share"`

	// The numbers of the best explanation in the worst minutes.

	Failed   float64 `json:"failed"`   // failures as reported
	Requests float64 `json:"requests"` // estimated requests, failures included
	Expected float64 `json:"expected"` // failures that would have been normal
	Clients  int     `json:"clients"`  // distinct tokens with failures
	Buckets  int     `json:"buckets"`  // distinct buckets of networks with failures
	Networks int     `json:"networks"` // distinct networks with failures

	Evidence []Evidence `json:"evidence"` // the strongest first

	Reopened int `json:"-"` // how often it went on after it was over

	// Of an incident of slow requests, which Failed counts: beyond what they are slow, 0 if
	// unknown, and which share of the requests usually is.
	SlowerThan  time.Duration `json:"-"`
	UsuallySlow float64       `json:"-"`
}

// ID names an incident. It is a string in JSON.
type ID int64

// MarshalJSON quotes the number.
func (id ID) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatInt(int64(id), 10)), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (id *ID) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	n, err := strconv.ParseInt(s, 10, 64)
	*id = ID(n)
	return err
}

// Scope is one explanation of who is hit: those for whom each list that is not empty has their
// value. The zero Scope is everyone. Lists are sorted.
type Scope struct {
	ASN       []uint32 `json:"asn,omitempty"`
	Server    []string `json:"server,omitempty"`
	Country   []string `json:"country,omitempty"`
	Version   []string `json:"version,omitempty"`
	OS        []string `json:"os,omitempty"`
	Protocol  []string `json:"protocol,omitempty"`
	Status    []uint16 `json:"status,omitempty"`
	Collector []string `json:"collector,omitempty"`
}

// Evidence is one reason for what an incident says.
type Evidence struct {
	Code model.SignalCode `json:"code"`
	Text string           `json:"text"` // one sentence
}
