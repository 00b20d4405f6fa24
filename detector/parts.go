package detector

import (
	"maps"
	"slices"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

// Parts says how the detector, the collectors that it reads and the vantages that it has heard of
// fare, in this order. It asks neither stores nor feeds. It is safe for concurrent use.
func (d *Detector) Parts() []model.Part {
	self := model.Part{Kind: model.PartDetector, State: model.PartWorks}
	of := map[string]*model.Part{}
	for _, name := range d.watch.names() {
		of[name] = &model.Part{Kind: model.PartCollector, Name: name, State: model.PartWorks}
	}
	for _, c := range d.Conditions() {
		p := of[c.Feed]
		if p == nil {
			p = &self
		}
		state := model.PartImpaired
		if c.Blind || c.Name == ConditionFeedDown || c.Name == ConditionFeedRefused {
			state = model.PartFails
		}
		if p.Text == "" || p.State == model.PartImpaired && state == model.PartFails {
			p.State, p.Text, p.Since = state, c.Text, c.Since
		}
	}
	parts := []model.Part{self}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, *of[name])
	}
	return append(parts, d.probes.parts(d.now(), d.o.VantageSilent, d.settings.Load().Watched)...)
}

// names returns the names of the feeds.
func (w *watch) names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.feeds))
}

// parts describes the vantages that were heard, and those that should have been.
func (m *probeMap) parts(now time.Time, silent time.Duration, watched []string) (parts []model.Part) {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := map[string]bool{}
	for _, name := range watched {
		names[name] = true
	}
	for name := range m.heard {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		p := model.Part{Kind: model.PartVantage, Name: name, State: model.PartWorks, Heard: m.heard[name]}
		switch {
		case p.Heard.IsZero():
			p.State, p.Text = model.PartFails, "nothing has come from it since this detector began to listen"
		case now.Sub(p.Heard) > silent:
			p.State, p.Text, p.Since = model.PartFails, "it delivers nothing", p.Heard
		}
		parts = append(parts, p)
	}
	return parts
}
