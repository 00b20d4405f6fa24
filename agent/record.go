package agent

import (
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// item is a record on its way into a segment. Records tell times relative to their segment's birth,
// so the last step is left until the segment is known.
type item struct {
	at     time.Time // the window's end, the sample's time
	record report.Record
}

// appendTo appends the encoding of the record in a segment born at birth.
func (it item) appendTo(dst []byte, birth time.Time) ([]byte, error) {
	ms := min(max(sinceBirth(birth, it.at), -report.MaxAge), report.MaxAge)
	if r, ok := it.record.(*report.ProbeResults); ok {
		return report.AppendRecord(dst, shifted(r, ms))
	}
	switch r := it.record.(type) {
	case *report.Window:
		r.End = ms
	case *report.Sample:
		r.At = ms
	case *report.ApplicationError:
		r.At = ms
	}
	return report.AppendRecord(dst, it.record)
}

// sinceBirth is the time from birth to t in milliseconds. The monotonic clock does not tick while a
// machine sleeps, and the wall clock may be set back: whichever says more is nearer to the truth.
func sinceBirth(birth, t time.Time) int64 {
	return max(t.Sub(birth), t.Round(0).Sub(birth.Round(0))).Milliseconds()
}

// halves divides a window whose record would be too large into two of the same time, and likewise
// a prober's results. It reports false for what cannot be divided.
func (it item) halves() (a, b item, ok bool) {
	if r, isProbe := it.record.(*report.ProbeResults); isProbe {
		first, second, ok := probeHalves(r)
		return item{it.at, first}, item{it.at, second}, ok
	}
	w, isWindow := it.record.(*report.Window)
	if !isWindow || len(w.Counters) < 2 {
		return a, b, false
	}
	first, second := *w, *w
	n := len(w.Counters) / 2
	first.Counters, second.Counters = w.Counters[:n], w.Counters[n:]
	return item{it.at, &first}, item{it.at, &second}, true
}

// items is what a window that ended at end has to say, samples and application errors included,
// when it is sent with probability ppm.
func (w *window) items(end time.Time, ppm uint32) []item {
	var items []item
	if len(w.keys) > 0 {
		items = append(items, item{end, &report.Window{
			Length:     min(max(uint64(sinceBirth(w.start, end)), 1), report.MaxAge),
			SampledPPM: ppm,
			Counters:   w.counters(),
		}})
	}
	for i := range w.samples {
		if s := &w.samples[i]; s.record.Outcome != "" {
			items = append(items, item{s.at, &s.record})
		}
	}
	for _, g := range w.errors {
		at := g.at
		if w.level < report.Diagnostics {
			at = end // counts are of a window, not of a moment
		}
		items = append(items, item{at, &g.record})
	}
	return items
}

// openSegment is the segment that an agent is writing. Agent.spoolMu owns it.
type openSegment struct {
	id     report.BatchID
	birth  time.Time
	sealer *seal.Sealer
	writer SegmentWriter
	// whose token its headers carry: one only, or a segment would link two days
	client  client
	key     seal.KeyID     // that it is sealed to
	consent report.Consent // of its last header; Off: it has none yet
	source  report.Source  // of its last header
	size    int64          // durable bytes
}

// maxOpen is how long a segment stays open when no collector can be reached: what expires together
// should be of about one age.
const maxOpen = time.Hour

// serves reports whether records of this moment may go into s.
func (s *openSegment) serves(now time.Time, c client, key seal.KeyID) bool {
	age := now.Sub(s.birth)
	return age >= 0 && age < maxOpen && s.client == c && s.key == key
}

// pack seals as many of items as fit, after a header if one is due. It returns the frames and how
// many items are in them, or an error for an item that no segment can take.
func (s *openSegment) pack(header *report.Header, items []item) (frames []byte, n int, err error) {
	if s.consent != header.Consent || s.source != header.Source || len(header.Drops) > 0 {
		record, err := report.AppendRecord(nil, header)
		if err != nil {
			return nil, 0, err
		}
		if frames, err = s.sealer.Seal(nil, record); err != nil {
			return nil, 0, full(err)
		}
	}
	for n < len(items) {
		record, err := items[n].appendTo(nil, s.birth)
		if err != nil {
			return frames, n, err
		}
		if frames, err = s.sealer.Seal(frames, record); err != nil {
			return frames, n, full(err)
		}
		n++
	}
	return frames, n, nil
}

// errSegmentFull says that an item goes into the next segment.
var errSegmentFull = errors.New("segment is full")

// full turns the Sealer's refusal into errSegmentFull. Records above report.MaxRecord do not
// come this far.
func full(err error) error {
	if errors.Is(err, privacy.ErrTooLarge) {
		return errSegmentFull
	}
	return err
}
