package agent

import (
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// openSegment is the segment that an agent is writing. The spooler's lock guards it.
type openSegment struct {
	id     report.BatchID
	birth  time.Time
	sealer *seal.Sealer
	writer SegmentWriter
	// the client whose token its headers have; there is only one, because a segment must not
	// link two days
	client  client
	key     seal.KeyID     // the key that it is sealed to
	consent report.Consent // of its last header; Off: it has none yet
	source  report.Source  // of its last header
	size    int64          // durable bytes
	rows    int            // in its records, see report.MaxSegmentRows
}

// maxOpen is how long a segment stays open if no collector can be reached. All records in a segment
// expire together, so they should be of about the same age.
const maxOpen = time.Hour

// serves reports whether records of now may be added to s.
func (s *openSegment) serves(now time.Time, c client, key seal.KeyID) bool {
	age := now.Sub(s.birth)
	return age >= 0 && age < maxOpen && s.client == c && s.key == key
}

// newSegment begins a segment under the token of c, sealed to key.
func (s *spooler) newSegment(key *seal.Key, c client, now time.Time) (*openSegment, error) {
	id, err := report.NewBatchID(now, s.rand)
	if err != nil {
		return nil, err
	}
	seg := &openSegment{id: id, birth: now, client: c, key: key.ID()}
	if seg.sealer, err = seal.NewSealer(key, id); err != nil {
		return nil, err
	}
	if seg.writer, err = s.spool.Begin(now, id, seg.sealer.Prefix()); err != nil {
		return nil, err
	}
	return seg, nil
}

// pack seals as many items as fit, after a header if one is due, and receipts if there are any. It
// returns the frames and the number of items in them, or an error if no segment can hold the
// first item.
func (s *openSegment) pack(header *report.Header, receipts *report.Receipts, items []item) (frames []byte, n int, err error) {
	var first []report.Record
	if s.consent != header.Consent || s.source != header.Source || len(header.Drops) > 0 {
		first = append(first, header)
	}
	if receipts != nil {
		first = append(first, receipts)
	}
	for _, r := range first {
		record, err := report.AppendRecord(nil, r)
		if err != nil {
			return frames, 0, err
		}
		if frames, err = s.sealer.Seal(frames, record); err != nil {
			return frames, 0, full(err)
		}
	}
	for n < len(items) {
		rows := items[n].rows()
		if s.rows+rows > report.MaxSegmentRows {
			return frames, n, errSegmentFull
		}
		var err error
		if frames, err = s.seal(frames, &items[n]); err != nil {
			return frames, n, err
		}
		s.rows += rows
		n++
	}
	return frames, n, nil
}

// seal appends the frame of an item, and that of its durations, because both must be in one segment
// and there is no place between them. Durations that are too large for a record are left out: so
// many were never measured in one window.
func (s *openSegment) seal(frames []byte, it *item) ([]byte, error) {
	record, err := it.appendTo(nil, s.birth)
	if err != nil {
		return frames, err
	}
	var more []byte
	if it.durations != nil {
		if more, err = report.AppendRecord(nil, it.durations); err != nil && !errors.Is(err, report.ErrTooLarge) {
			return frames, err
		}
	}
	if len(more) > 0 && !s.sealer.Fits(len(record), len(more)) {
		return frames, errSegmentFull
	}
	if frames, err = s.sealer.Seal(frames, record); err != nil || len(more) == 0 {
		return frames, full(err)
	}
	frames, err = s.sealer.Seal(frames, more)
	return frames, full(err)
}

// rows returns the number of rows of an item, see report.MaxSegmentRows.
func (it item) rows() int {
	switch r := it.record.(type) {
	case *report.Window:
		return len(r.Counters)
	case *report.Sample, *report.ApplicationError:
		return 1
	default:
		return 0
	}
}

// appendTo appends the record's encoding for a segment born at birth.
func (it item) appendTo(dst []byte, birth time.Time) ([]byte, error) {
	ms := min(max(sinceBirth(birth, it.at), -report.MaxAge), report.MaxAge)
	if it.probes != nil {
		return report.AppendRecord(dst, it.probes.shifted(ms))
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

// sinceBirth returns the time from birth to t in milliseconds. The monotonic clock stops while a
// machine sleeps, and the wall clock may be set back, so the longer of the two times is nearer to
// the truth.
func sinceBirth(birth, t time.Time) int64 {
	return max(t.Sub(birth), t.Round(0).Sub(birth.Round(0))).Milliseconds()
}

// append durably stores the frames that pack returned for a header.
func (s *openSegment) append(frames []byte, header *report.Header) error {
	if err := s.writer.Append(frames); err != nil {
		return err
	}
	if s.size == 0 {
		s.size = int64(len(s.sealer.Prefix()))
	}
	s.size += int64(len(frames))
	s.consent, s.source = header.Consent, header.Source
	return nil
}

// errSegmentFull says that an item must go into the next segment.
var errSegmentFull = errors.New("segment is full")

// full turns the Sealer's error about a full segment into errSegmentFull. Records longer than
// report.MaxRecord are refused before.
func full(err error) error {
	if errors.Is(err, privacy.ErrTooLarge) {
		return errSegmentFull
	}
	return err
}
