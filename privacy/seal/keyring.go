package seal

import (
	"bytes"
	"crypto/hpke"
	"errors"
	"maps"
	"slices"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// Errors of [Keyring.Open] for well-formed segments.
var (
	ErrUnknownKey = errors.New("sealed to a key that is not in the keyring")
	// altered, reordered, or not sealed to the key that the segment names
	ErrOpen = errors.New("does not open")
)

// Keyring opens segments that are sealed to any of its keys: the present key, and earlier ones as
// long as agents may still deliver segments sealed to them. It is immutable and safe for
// concurrent use.
type Keyring struct{ keys map[KeyID]*OpenKey }

// NewKeyring returns a Keyring with the given keys. It ignores nil keys.
func NewKeyring(keys ...*OpenKey) *Keyring {
	r := &Keyring{keys: make(map[KeyID]*OpenKey, len(keys))}
	for _, k := range keys {
		if k != nil {
			r.keys[k.seal.id] = k
		}
	}
	return r
}

// IDs returns the ids of the keys, sorted.
func (r *Keyring) IDs() []KeyID {
	return slices.SortedFunc(maps.Keys(r.keys), func(a, b KeyID) int { return bytes.Compare(a[:], b[:]) })
}

// Open returns the records of a whole segment in order. If any of them cannot be opened, it returns
// none. The info is that of [ParseSegment]. The errors are those of [ParseSegment], [ErrUnknownKey]
// and [ErrOpen]. The records share no memory with the segment and take less than it does.
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
