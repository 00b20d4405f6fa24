package seal

import (
	"bytes"
	"crypto/hpke"
	"errors"
	"maps"
	"slices"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// Reasons for which a well-formed segment is refused. Keyring.Open explains them.
var (
	ErrUnknownKey = errors.New("sealed to a key that is not in the keyring")
	// altered, reordered, or not sealed to the key that it names
	ErrOpen = errors.New("does not open")
)

// Keyring opens segments with whichever of its keys they are sealed to: the present key, and those
// before it for as long as agents may still deliver what they sealed to them. It does not change
// and is safe for concurrent use.
type Keyring struct{ keys map[KeyID]*OpenKey }

// NewKeyring makes a Keyring of keys; nil ones are left out.
func NewKeyring(keys ...*OpenKey) *Keyring {
	r := &Keyring{keys: make(map[KeyID]*OpenKey, len(keys))}
	for _, k := range keys {
		if k != nil {
			r.keys[k.seal.id] = k
		}
	}
	return r
}

// IDs are those of the keys, sorted.
func (r *Keyring) IDs() []KeyID {
	return slices.SortedFunc(maps.Keys(r.keys), func(a, b KeyID) int { return bytes.Compare(a[:], b[:]) })
}

// Open returns the records of a whole segment in order, or none of them. Its errors are those of
// ParseSegment, and ErrUnknownKey and ErrOpen; the info is as ParseSegment returns it. The records
// share no memory with the segment and take less than it does.
func (r *Keyring) Open(segment []byte) (SegmentInfo, [][]byte, error) {
	info, err := ParseSegment(segment)
	if err != nil {
		return info, nil, err
	}
	key := r.keys[info.Key]
	if key == nil {
		return info, nil, ErrUnknownKey
	}
	enc := segment[boundPrefix:prefixSize]
	recipient, err := hpke.NewRecipient(enc, key.key, suiteKDF, suiteAEAD, segmentInfo(segment))
	if err != nil {
		return info, nil, wire.Because(ErrOpen, "bad encapsulated key")
	}
	records := make([][]byte, 0, info.Frames)
	for off := prefixSize; len(records) < info.Frames; {
		n, err := frameAt(segment, off)
		if err != nil {
			return info, nil, err
		}
		off += lengthSize
		record, err := recipient.Open(nil, segment[off:off+n])
		if err != nil {
			return info, nil, wire.Because(ErrOpen, "a frame was altered, or is out of sequence")
		}
		off += n
		records = append(records, record)
	}
	return info, records, nil
}
