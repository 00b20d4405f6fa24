package report

import "github.com/heliograph-net/heliograph/report/cbor"

// The kinds of record, the first item of each.
const (
	kindHeader = 1
	kindWindow = 2
	kindSample = 3
	kindError  = 4
	kindNotice = 5
	kindProbe  = 6

	kindReceipts  = 7
	kindDurations = 8
)

func (*Header) kind() uint64 { return kindHeader }
func (*Window) kind() uint64 { return kindWindow }
func (*Sample) kind() uint64 { return kindSample }

func (*ApplicationError) kind() uint64 { return kindError }

func (*DeletionNotice) kind() uint64 { return kindNotice }

func (*ProbeResults) kind() uint64 { return kindProbe }

func (*Receipts) kind() uint64 { return kindReceipts }

func (*Durations) kind() uint64 { return kindDurations }

// AppendRecord appends the encoding of r to dst and returns the result. If r breaks a rule, so that
// [DecodeRecord] would refuse it, the error wraps [ErrMalformed] and names the field. If r is valid
// but too large for one record, the error wraps [ErrTooLarge]. With an error, AppendRecord returns
// dst unchanged.
func AppendRecord(dst []byte, r Record) ([]byte, error) {
	if r == nil {
		return dst, malformed("record", "is nil")
	}
	if err := r.validate(); err != nil {
		return dst, err
	}
	out := r.appendBody(cbor.AppendUint(cbor.AppendArray(dst, 2), r.kind()))
	if len(out)-len(dst) > MaxRecord {
		return dst, tooLarge(kindName(r.kind()), "takes more than MaxRecord bytes")
	}
	return out, nil
}

// DecodeRecord decodes b as one whole record: a *[Header], *[Window], *[Sample],
// *[ApplicationError], *[DeletionNotice], *[ProbeResults], *[Receipts] or *[Durations]. The record
// shares no memory with b. The error wraps [ErrMalformed], or is [ErrUnknownRecord] if b is
// canonical CBOR of a kind that this version does not know.
func DecodeRecord(b []byte) (Record, error) {
	if len(b) > MaxRecord {
		return nil, malformed("record", "longer than MaxRecord")
	}
	d := cbor.New(b)
	if d.Array(2) != 2 {
		d.Fail("want an array of two items")
	}
	kind := d.Uint()
	r := decodeBody(d, kind)
	if err := d.Done(); err != nil {
		return nil, malformed(kindName(kind), err.Error())
	}
	if r == nil {
		return nil, ErrUnknownRecord
	}
	if err := r.validate(); err != nil {
		return nil, err
	}
	return r, nil
}

// decodeBody reads the body of a record. If it does not know the kind, it skips the body and
// returns nil.
func decodeBody(d *cbor.Decoder, kind uint64) Record {
	switch kind {
	case 0:
		d.Fail("no record has kind 0")
		return nil
	case kindHeader:
		return decodeHeader(d)
	case kindWindow:
		return decodeWindow(d)
	case kindSample:
		return decodeSample(d)
	case kindError:
		return decodeApplicationError(d)
	case kindNotice:
		return decodeDeletionNotice(d)
	case kindProbe:
		return decodeProbeResults(d)
	case kindReceipts:
		return decodeReceipts(d)
	case kindDurations:
		return decodeDurations(d)
	default:
		d.Skip()
		return nil
	}
}

func kindName(kind uint64) string {
	switch kind {
	case kindHeader:
		return "header"
	case kindWindow:
		return "window"
	case kindSample:
		return "sample"
	case kindError:
		return "application error"
	case kindNotice:
		return "deletion notice"
	case kindProbe:
		return "probe results"
	case kindReceipts:
		return "receipts"
	case kindDurations:
		return "durations"
	default:
		return "record"
	}
}
