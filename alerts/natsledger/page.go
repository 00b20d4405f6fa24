package natsledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/alerts"
	"github.com/heliograph-net/heliograph/model"
)

// page has the faults of one target. It is the value of one key of the bucket, so that two
// detectors that see the same fault meet there.
type page struct {
	Version int      `json:"v"`
	Faults  []*fault `json:"faults"`
}

// fault is one that somebody tells of.
type fault struct {
	Key      string          `json:"key"`      // of its alert; identifies it
	Incident string          `json:"incident"` // its number in the alert's labels
	Owner    string          `json:"owner"`    // member who tells of it
	Alive    time.Time       `json:"alive"`    // when the owner last renewed this, by its clock
	Severity alerts.Severity `json:"severity"`
	Scope    model.Scope     `json:"scope"`
	Since    time.Time       `json:"since"`
	Until    time.Time       `json:"until,omitzero"` // zero while it is open
	Told     []string        `json:"told,omitempty"`
}

const (
	pageVersion = 1
	maxPage     = 256 << 10 // bytes
	maxFaults   = 64        // of a page
)

var errVersion = errors.New("the ledger is of a later release")

// decodePage reads a page; an empty one is new.
func decodePage(text []byte) (*page, error) {
	p := &page{Version: pageVersion}
	if len(text) == 0 {
		return p, nil
	}
	if len(text) > maxPage {
		return nil, fmt.Errorf("a page of the ledger has %d bytes, %d at most", len(text), maxPage)
	}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("reading a page of the ledger: %w", err)
	}
	if p.Version != pageVersion {
		return nil, fmt.Errorf("reading a page of the ledger: %w: version %d", errVersion, p.Version)
	}
	p.Faults = slices.DeleteFunc(p.Faults, func(f *fault) bool { return f == nil || f.Key == "" || f.Owner == "" })
	if len(p.Faults) > maxFaults {
		return nil, fmt.Errorf("a page of the ledger has %d faults, %d at most", len(p.Faults), maxFaults)
	}
	return p, nil
}

func (p *page) text() ([]byte, error) { return json.Marshal(p) }

// find returns the fault with a key, or nil.
func (p *page) find(key string) *fault {
	for _, f := range p.Faults {
		if f.Key == key {
			return f
		}
	}
	return nil
}

const (
	// early is how much earlier than another detector one may see a fault, clocks that differ
	// included, and lasting is how long after its end a fault is still the same.
	early   = 10 * time.Minute
	lasting = 2 * time.Minute
)

// same reports whether a fault of the ledger and an incident of the same target are one: they
// overlap in time and in scope. A detector of a region sees a fault's part there, and so may know
// its scope less well or better. A fault whose owner was gone before the incident began is another
// one.
func (f *fault) same(i *alerts.Fault) bool {
	end := f.Alive.Add(early)
	if !f.Until.IsZero() {
		end = f.Until.Add(lasting)
	}
	return !i.Since.After(end) && (i.Until.IsZero() || !f.Since.After(i.Until.Add(early))) && overlap(&f.Scope, &i.Scope)
}

func urgency(s alerts.Severity) int {
	return slices.Index([]alerts.Severity{alerts.Info, alerts.Warning, alerts.Critical}, s)
}

// overlap reports whether somebody can be in both scopes. A scope that does not limit a dimension
// has all of it.
func overlap(a, b *model.Scope) bool {
	return meet(a.ASNs, b.ASNs) && meet(a.Countries, b.Countries) && meet(a.Servers, b.Servers) && meet(a.Versions, b.Versions) &&
		meet(a.Systems, b.Systems) && meet(a.Protocols, b.Protocols) && meet(a.Statuses, b.Statuses) && meet(a.Collectors, b.Collectors)
}

func meet[T comparable](a, b []T) bool {
	return len(a) == 0 || len(b) == 0 || slices.ContainsFunc(a, func(v T) bool { return slices.Contains(b, v) })
}
