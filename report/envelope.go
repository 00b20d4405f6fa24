package report

import (
	"math"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// MaxEnvelope is the greatest length of an encoded [Envelope] in bytes.
const MaxEnvelope = MaxSegment + MaxDelivery

// Keys of an envelope's map.
const (
	envelopeSeq       = 1
	envelopeBatch     = 2
	envelopeReceived  = 3
	envelopeCollector = 4
	envelopeASN       = 5
	envelopeCountry   = 6
	envelopeDelivery  = 7
	envelopeSegment   = 8
	envelopeBucket    = 9 // since release 0.2
)

// AppendEnvelope appends the encoding of e to dst and returns the result. If [DecodeEnvelope] would
// refuse e, it returns dst unchanged and an error that wraps [ErrMalformed].
func AppendEnvelope(dst []byte, e *Envelope) ([]byte, error) {
	if fault := e.fault(); fault != "" {
		return dst, malformed("envelope", fault)
	}
	f := newFields(dst)
	f.uint(envelopeSeq, e.Seq)
	f.bytes16(envelopeBatch, e.Batch)
	f.int(envelopeReceived, e.Received)
	f.text(envelopeCollector, e.Collector)
	f.uint(envelopeASN, uint64(e.ASN))
	f.text(envelopeCountry, e.Country)
	if e.Delivery.Age != 0 || len(e.Delivery.Path) > 0 {
		f.key(envelopeDelivery)
		f.b = appendDelivery(f.b, &e.Delivery)
	}
	f.key(envelopeSegment)
	f.b = cbor.AppendBytes(f.b, e.Segment)
	f.uint(envelopeBucket, uint64(e.Bucket))
	return f.b, nil
}

// DecodeEnvelope decodes b as one whole [Envelope]. The result shares no memory with b. The error
// wraps [ErrMalformed].
func DecodeEnvelope(b []byte) (*Envelope, error) {
	if len(b) > MaxEnvelope {
		return nil, malformed("envelope", "longer than MaxEnvelope")
	}
	d := cbor.New(b)
	e := decodeEnvelope(d)
	if err := d.Done(); err != nil {
		return nil, malformed("envelope", err.Error())
	}
	if fault := e.fault(); fault != "" {
		return nil, malformed("envelope", fault)
	}
	return e, nil
}

func decodeEnvelope(d *cbor.Decoder) *Envelope {
	e := new(Envelope)
	var key uint64
	for range d.Fields(9) {
		switch key = d.Key(key); key {
		case envelopeSeq:
			e.Seq = readUint(d, math.MaxInt64)
		case envelopeBatch:
			e.Batch = readBytes16(d)
		case envelopeReceived:
			e.Received = readInt(d)
		case envelopeCollector:
			e.Collector = readText(d, MaxString)
		case envelopeASN:
			e.ASN = uint32(readUint(d, math.MaxUint32))
		case envelopeCountry:
			e.Country = readText(d, 2)
		case envelopeDelivery:
			e.Delivery = decodeDelivery(d)
			if e.Delivery.Age == 0 && len(e.Delivery.Path) == 0 && !d.Skipped() {
				d.Fail(presentZero)
			}
		case envelopeSegment:
			e.Segment = append([]byte(nil), d.Bytes(MaxSegment)...)
		case envelopeBucket:
			e.Bucket = Bucket(readUint(d, MaxBucket))
		default:
			d.SkipField(key)
		}
	}
	return e
}

// fault says what breaks e's rules, or "".
func (e *Envelope) fault() string {
	switch {
	case e == nil:
		return "is nil"
	case e.Seq == 0 || e.Seq > math.MaxInt64:
		return "seq is not 1 to 2^63-1"
	case e.Batch == BatchID{}:
		return "batch is zero"
	case e.Received <= 0:
		return "received is not after 1970"
	case nameFault(e.Collector, MaxString) != "":
		return "collector is " + nameFault(e.Collector, MaxString)
	case !validCountry(e.Country):
		return "country is not two capital letters"
	case len(e.Segment) == 0:
		return "segment is empty"
	case len(e.Segment) > MaxSegment:
		return "segment is longer than MaxSegment"
	case e.Bucket > MaxBucket:
		return "bucket is above MaxBucket"
	}
	if fault := e.Delivery.fault(); fault != "" {
		return "delivery: " + fault
	}
	return ""
}

func validCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}
