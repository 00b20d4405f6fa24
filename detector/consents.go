package detector

import (
	"sync/atomic"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// consents counts batches by the consent under which they were made, since the start. It keeps
// nothing of who sent them. It is safe for concurrent use.
type consents struct {
	since                          time.Time
	counts, diagnostics, withdrawn atomic.Uint64
}

// tookIn counts a batch that was stored for the first time.
func (c *consents) tookIn(b *opened) {
	switch {
	case len(b.Deleted) > 0:
		c.withdrawn.Add(1)
	case b.source != report.SourceAgent: // nobody's consent
	case b.consent == report.Diagnostics:
		c.diagnostics.Add(1)
	case b.consent == report.Counts:
		c.counts.Add(1)
	}
}

// Consents returns how many batches came under which consent since the start. It is safe for
// concurrent use.
func (d *Detector) Consents() model.Consents {
	c := &d.consents
	return model.Consents{Since: c.since, Counts: c.counts.Load(), Diagnostics: c.diagnostics.Load(), Withdrawn: c.withdrawn.Load()}
}
