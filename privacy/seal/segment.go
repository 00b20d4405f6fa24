package seal

import (
	"encoding/binary"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/internal/wire"
	"github.com/heliograph-net/heliograph/report"
)

// MaxSegment is the longest segment in bytes, its end mark included.
const MaxSegment = report.MaxSegment

// The layout of a segment: prefix, frames, end mark.
//
//	3     "HGS"
//	1     version, 1
//	16    batch id
//	8     KeyID of the key it is sealed to
//	1120  HPKE's encapsulated key
//	then per frame:
//	  4   length, big-endian, 17 to report.MaxRecord+16
//	  n   ciphertext of that length
//	4     zero: the end mark
//
// The first 28 bytes, after segmentContext, are HPKE's info, so they cannot be altered; frames are
// sealed in sequence, without additional data, so they cannot be altered, reordered or dropped from
// the front or the middle.
//
// The end mark is not authenticated: what a crashed process left is ended by another process, which
// cannot seal. So whoever carries a segment can drop frames from its end and put the end mark
// there. The body's hash in the receipt, and the bytes on the client's disk until the receipt
// comes, are what a collector answers with.
const (
	segmentMagic   = "HGS"
	segmentVersion = 1
	segmentContext = "heliograph segment v1\x00"

	keyIDOffset  = 4 + 16
	boundPrefix  = keyIDOffset + 8 // bytes that are HPKE's info
	encSize      = 1120            // ML-KEM-768 ciphertext and X25519 share
	prefixSize   = boundPrefix + encSize
	lengthSize   = 4
	endSize      = lengthSize
	sealOverhead = 16 // ChaCha20-Poly1305 tag
	minFrame     = 1 + sealOverhead
	maxFrame     = report.MaxRecord + sealOverhead
)

// SegmentInfo is what a segment tells without its key. None of it is proven until
// Keyring.Open succeeds.
type SegmentInfo struct {
	ID     report.BatchID
	Key    KeyID // the key it says it is sealed to
	Frames int   // at least 1
}

// AppendEnd appends the end mark to a segment that holds at least one frame.
func AppendEnd(dst []byte) []byte { return append(dst, 0, 0, 0, 0) }

// ParseSegment checks the framing of a whole segment: all that can be checked without the key, and
// all that a collector checks. Its errors wrap privacy.ErrTooLarge, privacy.ErrTruncated (no end
// mark, or cut anywhere before it), privacy.ErrVersion or privacy.ErrMalformed (a segment without a
// frame among them); the info then holds ID and Key if b reached that far. It allocates only
// the error.
func ParseSegment(b []byte) (SegmentInfo, error) {
	info, err := parsePrefix(b)
	if err != nil {
		return info, err
	}
	off := prefixSize
	for {
		n, err := frameAt(b, off)
		if err != nil {
			return info, err
		}
		off += lengthSize + n
		if n == 0 {
			break
		}
		info.Frames++
	}
	if off != len(b) {
		return info, wire.Because(privacy.ErrMalformed, "segment has bytes after its end mark")
	}
	if info.Frames == 0 {
		return info, wire.Because(privacy.ErrMalformed, "segment has no frame")
	}
	return info, nil
}

// WholeFrames returns the length of the longest part of b, from its start, that AppendEnd makes a
// segment which ParseSegment accepts: what can be saved of a file whose writer died. Whatever
// follows the last whole frame is ignored, an end mark too. Its errors are those of ParseSegment;
// privacy.ErrTruncated when not even the first frame is whole, so that there is nothing to save.
func WholeFrames(b []byte) (n int, err error) {
	if len(b) > MaxSegment-endSize {
		b = b[:MaxSegment-endSize]
	}
	if _, err := parsePrefix(b); err != nil {
		return 0, err
	}
	off := prefixSize
	for {
		n, err := frameAt(b, off)
		if err != nil || n == 0 {
			break
		}
		off += lengthSize + n
	}
	if off == prefixSize {
		return 0, wire.Because(privacy.ErrTruncated, "segment has no whole frame")
	}
	return off, nil
}

// parsePrefix reads what comes before the frames.
func parsePrefix(b []byte) (info SegmentInfo, err error) {
	if len(b) > MaxSegment {
		return info, wire.Because(privacy.ErrTooLarge, "segment exceeds MaxSegment")
	}
	if err := wire.CheckMagic(b, segmentMagic, segmentVersion); err != nil {
		return info, err
	}
	if len(b) >= boundPrefix {
		copy(info.ID[:], b[4:])
		copy(info.Key[:], b[keyIDOffset:])
	}
	if len(b) < prefixSize {
		return info, wire.Because(privacy.ErrTruncated, "segment ends within its prefix")
	}
	return info, nil
}

// frameAt returns the size of the ciphertext of the frame that starts at off, all of which is
// there, or 0 for the end mark.
func frameAt(b []byte, off int) (int, error) {
	rest := b[off:]
	if len(rest) < lengthSize {
		return 0, wire.Because(privacy.ErrTruncated, "segment has no end mark")
	}
	n := binary.BigEndian.Uint32(rest)
	switch {
	case n == 0:
		return 0, nil
	case n < minFrame || n > maxFrame:
		return 0, wire.Because(privacy.ErrMalformed, "frame has an impossible length")
	case uint64(n) > uint64(len(rest)-lengthSize):
		return 0, wire.Because(privacy.ErrTruncated, "segment ends within a frame")
	}
	return int(n), nil
}
