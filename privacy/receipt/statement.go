package receipt

import (
	"crypto/sha256"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/report/cbor"
)

// Decision is a collector's decision about an upload. The zero value is invalid.
type Decision uint8

// The decisions. An agent deletes a batch after Stored, and after a final Refused, which it counts
// as lost; see [Statement.Final].
const (
	Stored   Decision = 1 // stored durably at the collector
	Refused  Decision = 2 // not accepted, and usually not by any collector; see Statement.Final
	SlowDown Decision = 3 // not accepted now; try again after Statement.DelayMS
)

// String returns "stored", "refused" or "slow_down", and "unknown" for any other value.
func (v Decision) String() string {
	switch v {
	case Stored:
		return "stored"
	case Refused:
		return "refused"
	case SlowDown:
		return "slow_down"
	default:
		return "unknown"
	}
}

// Reasons of a [Statement]. Readers must accept others: the decision says what to do, the reason
// only explains it.
const (
	ReasonDuplicate = "duplicate" // Stored: the same body was stored before

	ReasonMalformed = "malformed"           // Refused: privacy.ErrMalformed
	ReasonTruncated = "truncated"           // Refused: privacy.ErrTruncated
	ReasonTooLarge  = "too_large"           // Refused: privacy.ErrTooLarge
	ReasonVersion   = "unsupported_version" // Refused: privacy.ErrVersion

	// SlowDown: sealed to a key that this collector does not accept, or not yet
	ReasonUnknownKey = "unknown_key"
	// SlowDown: this collector has a different body with the same batch id
	ReasonIDConflict  = "id_conflict"
	ReasonOverload    = "overload"    // SlowDown: more arrives than can be stored
	ReasonUnavailable = "unavailable" // SlowDown: nothing can be stored at present
)

const (
	maxReason  = 64                  // bytes
	maxDelayMS = 24 * 60 * 60 * 1000 // a day
)

// Statement is what a collector says about one upload. A receipt is its signed form.
type Statement struct {
	Batch report.BatchID // zero if the upload named none; never zero with Stored
	// SHA-256 of the uploaded body; zero if the body was not read; never zero with Stored
	Body     [sha256.Size]byte
	Decision Decision
	// one of the Reason constants, or another of at most 64 bytes; empty only with Stored
	Reason string
	// how long to wait before the next attempt, at most a day; 0 leaves it to the agent; only with
	// SlowDown
	DelayMS uint64
}

// Final reports whether the batch need not be offered to any collector again. It is stored, or it
// is refused for a fault of its bytes, which every collector would find. A refusal for any other
// reason applies only to the collector that sent it.
func (s *Statement) Final() bool {
	switch s.Decision {
	case Stored:
		return true
	case Refused:
		return s.Reason == ReasonMalformed || s.Reason == ReasonTruncated || s.Reason == ReasonTooLarge || s.Reason == ReasonVersion
	default:
		return false
	}
}

// Declines reports whether the collector does not accept this batch but may accept others. The
// agent should offer the batch to another collector now, and to this one later.
func (s *Statement) Declines() bool {
	switch s.Decision {
	case Refused:
		return !s.Final()
	case SlowDown:
		return s.Reason == ReasonUnknownKey || s.Reason == ReasonIDConflict
	default:
		return false
	}
}

// Keys of a statement's map.
const (
	statementBatch    = 1
	statementBody     = 2
	statementDecision = 3
	statementReason   = 4
	statementDelay    = 5
)

// fault says what breaks s's rules, or "".
func (s *Statement) fault() string {
	switch {
	case s.Decision < Stored || s.Decision > SlowDown:
		return "statement has an unknown decision"
	case s.Decision == Stored && (s.Batch == report.BatchID{} || s.Body == [sha256.Size]byte{}):
		return "statement says stored, but not what"
	case s.Decision != Stored && s.Reason == "":
		return "statement needs a reason"
	case !wire.ValidName(s.Reason, maxReason) && s.Reason != "":
		return "statement has a malformed reason"
	case s.DelayMS > 0 && s.Decision != SlowDown:
		return "statement has a delay, but is not a slow-down"
	case s.DelayMS > maxDelayMS:
		return "statement has a delay of more than a day"
	}
	return ""
}

// appendStatement appends the encoding of s, which must be valid. Fields that are zero
// are left out.
func appendStatement(dst []byte, s *Statement) []byte {
	hasBatch, hasBody := s.Batch != report.BatchID{}, s.Body != [sha256.Size]byte{}
	n := 1
	for _, present := range [...]bool{hasBatch, hasBody, s.Reason != "", s.DelayMS > 0} {
		if present {
			n++
		}
	}
	dst = cbor.AppendMap(dst, n)
	if hasBatch {
		dst = cbor.AppendBytes(cbor.AppendUint(dst, statementBatch), s.Batch[:])
	}
	if hasBody {
		dst = cbor.AppendBytes(cbor.AppendUint(dst, statementBody), s.Body[:])
	}
	dst = cbor.AppendUint(cbor.AppendUint(dst, statementDecision), uint64(s.Decision))
	if s.Reason != "" {
		dst = cbor.AppendText(cbor.AppendUint(dst, statementReason), s.Reason)
	}
	if s.DelayMS > 0 {
		dst = cbor.AppendUint(cbor.AppendUint(dst, statementDelay), s.DelayMS)
	}
	return dst
}

// decodeStatement is the inverse of appendStatement. fault is what is wrong with b, or "".
func decodeStatement(b []byte) (s Statement, fault string) {
	d := cbor.New(b)
	var key uint64
	for range d.Fields(statementDelay) {
		switch key = d.Key(key); key {
		case statementBatch:
			wire.ReadExact(d, s.Batch[:])
		case statementBody:
			wire.ReadExact(d, s.Body[:])
		case statementDecision:
			s.Decision = Decision(wire.ReadPositive(d, uint64(SlowDown)))
		case statementReason:
			if s.Reason = d.Text(maxReason); s.Reason == "" {
				d.Fail(wire.PresentZero)
			}
		case statementDelay:
			s.DelayMS = wire.ReadPositive(d, maxDelayMS)
		default:
			d.SkipField(key)
		}
	}
	if err := d.Done(); err != nil {
		return Statement{}, err.Error()
	}
	return s, s.fault()
}
