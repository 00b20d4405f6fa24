package report

import (
	"bytes"
	"math"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// receiptsBatches is the one key of the map of receipts.
const receiptsBatches = 1

func (r *Receipts) appendBody(dst []byte) []byte {
	f := newFields(dst)
	f.key(receiptsBatches)
	f.b = cbor.AppendArray(f.b, len(r.Batches))
	for i := range r.Batches {
		b := &r.Batches[i]
		f.b = cbor.AppendText(cbor.AppendArray(f.b, 3), b.Collector)
		f.b = cbor.AppendUint(cbor.AppendBytes(f.b, b.Name[:]), uint64(b.Frames))
	}
	return f.b
}

func decodeReceipts(d *cbor.Decoder) *Receipts {
	r := new(Receipts)
	var key uint64
	for range d.Fields(1) {
		if key = d.Key(key); key != receiptsBatches {
			d.SkipField(key)
			continue
		}
		r.Batches = make([]ReceiptedBatch, 0, d.Array(MaxReceipts))
		for range cap(r.Batches) {
			if d.Array(3) != 3 {
				d.Fail("want an array of three items")
				return r
			}
			r.Batches = append(r.Batches, ReceiptedBatch{Collector: readText(d, MaxString), Name: readBytes16(d), Frames: uint16(readUint(d, math.MaxUint16))})
		}
	}
	return r
}

func (r *Receipts) validate() error {
	if fault := r.fault(); fault != "" {
		return malformed(kindName(kindReceipts), fault)
	}
	return nil
}

// fault says what breaks r's rules, or "".
func (r *Receipts) fault() string {
	switch {
	case r == nil:
		return "is nil"
	case len(r.Batches) == 0:
		return "names no batch"
	case len(r.Batches) > MaxReceipts:
		return "more than MaxReceipts batches"
	}
	last := [16]byte{}
	for i := range r.Batches {
		b := &r.Batches[i]
		if fault := nameFault(b.Collector, MaxString); fault != "" {
			return "collector: " + fault
		}
		if bytes.Compare(b.Name[:], last[:]) <= 0 {
			return "a name is zero, not sorted, or there twice"
		}
		if b.Frames == 0 {
			return "a batch without frames"
		}
		last = b.Name
	}
	return ""
}
