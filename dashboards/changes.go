package dashboards

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/heatmap"
	"github.com/heliograph-net/heliograph/heatmap/history"
	"github.com/heliograph-net/heliograph/model"
)

const (
	// changedBefore is how long before the onset a change may have been to be told.
	changedBefore = time.Hour
	// known is how long a version must not have been seen before it counts as new.
	knownFor = 24 * time.Hour
	// maxChangesTold of each kind are told.
	maxChangesTold = 10
)

// changesAround returns what else changed from shortly before the onset of i on: versions that were
// new, policies that were signed, servers that went down or came up, and other incidents. It is
// never nil.
func (d *Dashboard) changesAround(ctx context.Context, i *model.Incident, all []model.Incident, now time.Time) ([]api.Change, error) {
	changes := []api.Change{}
	until := now
	if !i.Open() {
		until = i.Until
	}
	releases, err := d.newVersions(ctx, i, until)
	if err != nil {
		return nil, err
	}
	changes = append(changes, releases...)
	changes = append(changes, d.newPolicies(i, until)...)
	servers, err := d.serverChanges(i, until)
	if err != nil {
		return nil, err
	}
	changes = append(changes, servers...)
	told := 0
	for k := range all {
		o := &all[k]
		if o.ID != i.ID && o.Since.After(i.Since.Add(-changedBefore)) && o.Since.Before(until) && told < maxChangesTold {
			changes = append(changes, api.Change{At: stamp(o.Since), Kind: "incident", Text: o.Title, Incident: o.ID})
			told++
		}
	}
	slices.SortStableFunc(changes, func(a, b api.Change) int { return a.At.Compare(b.At) })
	return changes, nil
}

// newVersions returns the versions of the application that were first seen around the incident.
func (d *Dashboard) newVersions(ctx context.Context, i *model.Incident, until time.Time) (changes []api.Change, err error) {
	rows, err := d.o.Reader.Rollups(ctx, model.RollupQuery{Step: model.RollupHour, Since: i.Since.Add(-knownFor), Until: until,
		By: []model.Facet{model.FacetVersion}, App: i.App})
	if _, much := errors.AsType[*model.CostError](err); much {
		return nil, nil // the rest of the page is worth more than this
	}
	if err != nil {
		return nil, err
	}
	first := map[string]time.Time{}
	var began time.Time // when anything was first seen
	for _, r := range rows {
		if began.IsZero() {
			began = r.At
		}
		if _, seen := first[r.Key.Version]; !seen {
			first[r.Key.Version] = r.At
		}
	}
	for version, at := range first {
		if version != "" && at.After(began) && !at.Before(i.Since.Add(-changedBefore).Truncate(time.Hour)) {
			changes = append(changes, api.Change{At: stamp(at), Kind: "release",
				Text: fmt.Sprintf("version %s of %s was first seen within the hour from then on", version, i.App)})
		}
	}
	slices.SortFunc(changes, func(a, b api.Change) int { return cmp.Compare(a.Text, b.Text) })
	return changes[:min(len(changes), maxChangesTold)], nil
}

// newPolicies returns the policies that were signed around the incident: agents that get one may
// report more, less or elsewhere.
func (d *Dashboard) newPolicies(i *model.Incident, until time.Time) (changes []api.Change) {
	if d.o.Installation == nil {
		return nil
	}
	for _, p := range d.o.Installation.Policies() {
		if p.Issued.Before(i.Since.Add(-changedBefore)) || p.Issued.After(until) {
			continue
		}
		text := fmt.Sprintf("version %d of the policy was signed", p.Version)
		if p.Disabled {
			text += ", which turns recording off"
		}
		changes = append(changes, api.Change{At: stamp(p.Issued), Kind: "policy", Text: text})
	}
	return changes[max(len(changes)-maxChangesTold, 0):]
}

// serverChanges compares the heat map of before the onset with those of the onset and of the end.
func (d *Dashboard) serverChanges(i *model.Incident, until time.Time) ([]api.Change, error) {
	if d.o.Past == nil {
		return nil, nil
	}
	before, err := d.o.Past.At(i.Since.Add(-changedBefore / 4))
	if errors.Is(err, history.ErrNoFrame) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var changes []api.Change
	for _, at := range []time.Time{i.Since.Add(time.Minute), until} {
		s, err := d.o.Past.At(at)
		if err != nil {
			return nil, err
		}
		if text := difference(before, s); text != "" {
			changes = append(changes, api.Change{At: stamp(at), Kind: "servers", Text: text})
		}
		before = s
	}
	return changes, nil
}

// difference says how many servers are in other states, or "".
func difference(before, after heatmap.Snapshot) string {
	b, a := before.Counts(), after.Counts()
	switch {
	case a.Total() != b.Total():
		return fmt.Sprintf("%d servers on the map instead of %d, %d down", a.Total(), b.Total(), a.Down)
	case a.Down != b.Down:
		return fmt.Sprintf("%d of %d servers down instead of %d", a.Down, a.Total(), b.Down)
	default:
		return ""
	}
}
