package detector

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/report"
)

// Rows wait in the store to be judged, a page at a time. Their form is a version; the number of
// texts and the texts, each with its length; and the rows: numbers as varints, texts by their
// number, the client and the estimate as 8 bytes. Since version 2, a row ends with 0, or with one
// more than the number of buckets of a row that is timed, and these.
const rowsVersion = 2

// usualRow is how many bytes the numbers of a row take.
const usualRow = 40

// errRows says that stored rows are damaged.
var errRows = errors.New("rows that wait to be judged are damaged")

// EncodeRows appends the stored form of the rows of batches, for implementations of
// [Events]. Without rows it appends nothing.
func EncodeRows(b []byte, batches []*Batch) []byte {
	e := rowEncoder{texts: map[string]uint64{}}
	for _, batch := range batches {
		for i := range batch.Rows {
			e.row(&batch.Rows[i])
		}
		for i := range batch.TimedRows {
			e.row(&batch.TimedRows[i])
		}
	}
	if len(e.rows) == 0 {
		return b
	}
	b = append(b, rowsVersion)
	b = binary.AppendUvarint(b, uint64(len(e.all)))
	for _, text := range e.all {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return append(b, e.rows...)
}

// rowEncoder encodes rows.
type rowEncoder struct {
	texts map[string]uint64 // their numbers
	all   []string
	rows  []byte
}

func (e *rowEncoder) row(r *judgement.Row) {
	for _, text := range [...]string{r.App, r.Version, r.OS, r.Target, string(r.Outcome), r.Protocol, r.Server, r.Country, r.Collector} {
		e.text(text)
	}
	b := binary.AppendVarint(e.rows, r.Arrived)
	b = binary.AppendVarint(b, r.Arrived-r.At)
	b = binary.AppendUvarint(b, uint64(r.Status))
	b = binary.AppendUvarint(b, uint64(r.Source))
	b = binary.AppendUvarint(b, uint64(r.ASN))
	b = binary.AppendUvarint(b, uint64(r.Bucket))
	b = binary.AppendUvarint(b, r.Raw)
	b = binary.LittleEndian.AppendUint64(b, r.Client)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(r.Estimated))
	e.rows = appendTook(b, r)
}

// appendTook appends how long the requests of a row took.
func appendTook(b []byte, r *judgement.Row) []byte {
	if r.Took == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(1+len(*r.Took)))
	for _, bucket := range *r.Took {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(bucket.Index)), bucket.Count)
	}
	return b
}

func (e *rowEncoder) text(text string) {
	n, known := e.texts[text]
	if !known {
		n = uint64(len(e.all))
		e.texts[text] = n
		e.all = append(e.all, text)
	}
	e.rows = binary.AppendUvarint(e.rows, n)
}

// DecodeRows returns the rows that EncodeRows encoded.
func DecodeRows(b []byte) ([]judgement.Row, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if b[0] < 1 || b[0] > rowsVersion {
		return nil, errRows
	}
	d := rowDecoder{version: b[0], rest: b[1:]}
	for n := d.uint(uint64(len(d.rest))); n > 0 && !d.bad; n-- {
		d.texts = append(d.texts, string(d.bytes(d.uint(uint64(len(d.rest))))))
	}
	rows := make([]judgement.Row, 0, len(d.rest)/usualRow+1)
	for len(d.rest) > 0 && !d.bad {
		rows = append(rows, d.row())
	}
	if d.bad || len(rows) == 0 {
		return nil, errRows
	}
	return rows, nil
}

// rowDecoder decodes rows. After a fault it returns zeros.
type rowDecoder struct {
	version byte
	rest    []byte
	texts   []string
	bad     bool
}

func (d *rowDecoder) row() (r judgement.Row) {
	r.App, r.Version, r.OS, r.Target, r.Outcome = d.text(), d.text(), d.text(), d.text(), report.Outcome(d.text())
	r.Protocol, r.Server, r.Country, r.Collector = d.text(), d.text(), d.text(), d.text()
	r.Arrived = d.int()
	r.At = r.Arrived - d.int()
	r.Status = uint16(d.uint(math.MaxUint16))
	r.Source = report.Source(d.uint(math.MaxUint8))
	r.ASN = uint32(d.uint(math.MaxUint32))
	r.Bucket = report.Bucket(d.uint(report.MaxBucket))
	r.Raw = d.uint(math.MaxUint64)
	if numbers := d.bytes(16); numbers != nil {
		r.Client = binary.LittleEndian.Uint64(numbers)
		r.Estimated = math.Float64frombits(binary.LittleEndian.Uint64(numbers[8:]))
	}
	if d.version > 1 {
		d.took(&r)
	}
	return r
}

// took reads how long the requests of a row took.
func (d *rowDecoder) took(r *judgement.Row) {
	n := d.uint(report.HistogramBuckets + 1)
	if n == 0 || d.bad {
		return
	}
	var h report.Histogram
	r.Took = &h
	for range n - 1 {
		index := d.uint(math.MaxUint8)
		if k := len(h); index >= report.HistogramBuckets || k > 0 && index <= uint64(h[k-1].Index) {
			d.bad = true
			return
		}
		h = append(h, report.HistogramBucket{Index: uint8(index), Count: d.uint(report.MaxCount)})
	}
}

// uint returns a number of at most most.
func (d *rowDecoder) uint(most uint64) uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || v > most {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *rowDecoder) int() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *rowDecoder) bytes(n uint64) []byte {
	if d.bad || n > uint64(len(d.rest)) {
		d.bad = true
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *rowDecoder) text() string {
	n := d.uint(math.MaxUint32)
	if n >= uint64(len(d.texts)) {
		d.bad = true
		return ""
	}
	return d.texts[n]
}
