package detector

import (
	"fmt"

	"github.com/heliograph-net/heliograph/privacy/seal"
)

// Settings are the [Options] that can change while the detector works; see there. Zero values of
// Thresholds mean the defaults.
type Settings struct {
	Feeds      map[string]Feed
	Keys       *seal.Keyring
	Thresholds Thresholds
	Vantages   []string
	Watched    []string
}

// settings returns the settings that a detector begins with.
func (o *Options) settings() *Settings {
	return &Settings{Feeds: o.Feeds, Keys: o.Keys, Thresholds: o.Thresholds, Vantages: o.Vantages, Watched: o.Watched}
}

// Reload replaces the settings. Each feed is read from where the feed of its name was left. Batches
// are opened with the new keys, and the next bin is judged by the new thresholds. The caller must
// not change afterwards what s refers to. After an error, the old settings stay. Reload is safe for
// concurrent use, before and during Run.
func (d *Detector) Reload(s Settings) error {
	o := d.o
	o.Feeds, o.Keys, o.Thresholds, o.Vantages, o.Watched = s.Feeds, s.Keys, s.Thresholds, s.Vantages, s.Watched
	if err := o.validate(); err != nil {
		return fmt.Errorf("detector: %w", err)
	}
	d.settings.Store(o.settings())
	d.watch.reload(d.settings.Load())
	select {
	case d.reloaded <- struct{}{}:
	default: // it is told already
	}
	return nil
}

// Thresholds returns the thresholds in force, with the defaults filled in.
func (d *Detector) Thresholds() Thresholds { return d.settings.Load().Thresholds }
