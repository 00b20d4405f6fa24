package detector

import (
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

// TestConsents: batches of users count by their consent, and others do not.
func TestConsents(t *testing.T) {
	d := &Detector{}
	for _, b := range []*opened{
		{source: report.SourceAgent, consent: report.Counts}, {source: report.SourceAgent, consent: report.Counts},
		{source: report.SourceAgent, consent: report.Diagnostics}, {source: report.SourceBrowser, consent: report.Diagnostics},
		{source: report.SourceProber, consent: report.Counts}, {Batch: Batch{Deleted: []uint64{1, 2}}, source: report.SourceAgent, consent: report.Counts},
	} {
		d.consents.tookIn(b)
	}
	if c := d.Consents(); c.Counts != 2 || c.Diagnostics != 1 || c.Withdrawn != 1 {
		t.Errorf("%+v", c)
	}
}
