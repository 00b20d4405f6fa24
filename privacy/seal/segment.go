package seal

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/heliograph-net/heliograph/privacy"
	"github.com/heliograph-net/heliograph/privacy/internal/wire"
	"github.com/heliograph-net/heliograph/report"
)

// MaxSegment is the greatest length of a segment in bytes, including its end mark.
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
// The info parameter of HPKE is segmentContext and the first 28 bytes, so these cannot be altered.
// Frames are sealed in sequence, without additional data, so they cannot be altered, reordered, or
// dropped from the front or the middle.
//
// The end mark is not authenticated, because the segment of a crashed process is ended by another
// process, which cannot seal. Whoever carries a segment can therefore drop frames from its end. The
// hash of the body in the receipt reveals this, and the client keeps the segment until it has the
// receipt.
const (
	segmentMagic   = "HGS"
	segmentVersion = 1
	segmentContext = "heliograph segment v1\x00"

	keyIDOffset  = 4 + 16
	boundPrefix  = keyIDOffset + 8 // bytes covered by HPKE's info
	encSize      = 1120            // ML-KEM-768 ciphertext and X25519 share
	prefixSize   = boundPrefix + encSize
	lengthSize   = 4
	endSize      = lengthSize
	sealOverhead = 16 // ChaCha20-Poly1305 tag
	minFrame     = 1 + sealOverhead
	maxFrame     = report.MaxRecord + sealOverhead
)

// SegmentInfo is what can be read of a segment without its key. None of it is authenticated until
// [Keyring.Open] succeeds.
type SegmentInfo struct {
	ID     report.BatchID
	Key    KeyID // the key that it claims to be sealed to
	Frames int   // at least 1
}

// Sealing tells which sealing a segment is of, whole or cut: it is of the prefix, so that nobody
// but who has sealed it can make another segment that opens and has the same. Two segments of one
// id with different sealings have nothing in common. The segment is one that
// [ParseSegment] accepts.
func Sealing(segment []byte) (s [16]byte) {
	sum := sha256.Sum256(segment[:prefixSize])
	copy(s[:], sum[:])
	return s
}

// AppendEnd appends the end mark to dst, a segment with at least one frame, and returns the result.
func AppendEnd(dst []byte) []byte { return append(dst, 0, 0, 0, 0) }

// ParseSegment checks the framing of a whole segment, which is all that can be checked without the
// key. Its errors wrap [privacy.ErrTooLarge], [privacy.ErrTruncated] (the end mark is missing, or
// more), [privacy.ErrVersion] or [privacy.ErrMalformed] (such as a segment without frames). With an
// error, the info still has ID and Key if b is long enough to contain them. ParseSegment allocates
// only its error.
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

// WholeFrames returns the length of the part of b, up to its last whole frame, that can be saved of
// a file whose writer crashed: [AppendEnd] makes a segment of it that [ParseSegment] accepts. It
// ignores whatever follows, even an end mark. Its errors are those of [ParseSegment]; they wrap
// [privacy.ErrTruncated] if not even the first frame is whole.
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

// frameAt returns the length of the ciphertext of the frame that starts at off, or 0 for the end
// mark. It returns an error if the frame is not whole.
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
