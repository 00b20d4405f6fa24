package seal

import (
	"crypto/hpke"
	"encoding/binary"
	"errors"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/internal/wire"
	"github.com/heliograph-net/heliograph/report"
)

// Sealer writes one segment, record by record. It cannot open what it has sealed. It is not safe
// for concurrent use.
//
//	s, err := NewSealer(key, id)
//	segment := append([]byte(nil), s.Prefix()...)
//	segment, err = s.Seal(segment, record) // once per record
//	segment = AppendEnd(segment)
type Sealer struct {
	prefix []byte
	sender *hpke.Sender
	size   int
}

// NewSealer returns a Sealer for a new segment with the given batch id, sealed to k. It performs a
// key encapsulation, which takes about 0.1 ms.
func NewSealer(k *Key, id report.BatchID) (*Sealer, error) {
	if k == nil {
		return nil, errors.New("start segment: no seal key")
	}
	prefix := make([]byte, 0, prefixSize)
	prefix = append(prefix, segmentMagic...)
	prefix = append(prefix, segmentVersion)
	prefix = append(prefix, id[:]...)
	prefix = append(prefix, k.id[:]...)
	enc, sender, err := hpke.NewSender(k.key, suiteKDF, suiteAEAD, segmentInfo(prefix))
	if err != nil {
		return nil, errors.New("start segment: " + err.Error())
	}
	return &Sealer{prefix: append(prefix, enc...), sender: sender, size: prefixSize}, nil
}

// segmentInfo returns the info parameter of HPKE for a segment that starts with prefix.
func segmentInfo(prefix []byte) []byte {
	return append([]byte(segmentContext), prefix[:boundPrefix]...)
}

// Fits reports whether records of these lengths still fit into the segment together.
func (s *Sealer) Fits(lengths ...int) bool {
	size := s.size + endSize
	for _, n := range lengths {
		size += lengthSize + n + sealOverhead
	}
	return size <= MaxSegment
}

// Prefix returns the bytes that the segment starts with. The caller must not change them.
func (s *Sealer) Prefix() []byte { return s.prefix }

// Seal appends a frame that contains record to dst and returns the result. The segment must contain
// all frames in the order in which they were sealed. A caller that could not write one must end the
// segment before it.
//
// Seal refuses an empty record. It also refuses a record of more than [report.MaxRecord] bytes, and
// one that would make the segment exceed [MaxSegment], which the caller may put into the next
// segment; the error then wraps [privacy.ErrTooLarge]. With an error, Seal returns dst unchanged,
// and the Sealer can still be used.
func (s *Sealer) Seal(dst, record []byte) ([]byte, error) {
	switch frame := lengthSize + len(record) + sealOverhead; {
	case len(record) == 0:
		return dst, errors.New("seal record: it is empty")
	case len(record) > report.MaxRecord:
		return dst, wire.Because(privacy.ErrTooLarge, "record exceeds MaxRecord")
	case s.size+frame+endSize > MaxSegment:
		return dst, wire.Because(privacy.ErrTooLarge, "segment is full")
	}
	ciphertext, err := s.sender.Seal(nil, record)
	if err != nil {
		return dst, errors.New("seal record: " + err.Error())
	}
	s.size += lengthSize + len(ciphertext)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(ciphertext)))
	return append(dst, ciphertext...), nil
}
