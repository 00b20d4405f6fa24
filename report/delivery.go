package report

import "github.com/heliograph-net/heliograph/report/cbor"

// MaxDelivery is the greatest length of an encoded [Delivery] in bytes.
const MaxDelivery = 8 << 10

// Keys of a delivery's map.
const (
	deliveryAge  = 1
	deliveryPath = 2
)

// AppendDelivery appends the encoding of d to dst and returns the result. If [DecodeDelivery] would
// refuse d, it returns dst unchanged and an error that wraps [ErrMalformed].
func AppendDelivery(dst []byte, d Delivery) ([]byte, error) {
	if fault := d.fault(); fault != "" {
		return dst, malformed("delivery", fault)
	}
	return appendDelivery(dst, &d), nil
}

// DecodeDelivery decodes b as one whole [Delivery]. The result shares no memory with b. The error
// wraps [ErrMalformed].
func DecodeDelivery(b []byte) (Delivery, error) {
	if len(b) > MaxDelivery {
		return Delivery{}, malformed("delivery", "longer than MaxDelivery")
	}
	d := cbor.New(b)
	v := decodeDelivery(d)
	if err := d.Done(); err != nil {
		return Delivery{}, malformed("delivery", err.Error())
	}
	if fault := v.fault(); fault != "" {
		return Delivery{}, malformed("delivery", fault)
	}
	return v, nil
}

func appendDelivery(dst []byte, d *Delivery) []byte {
	f := newFields(dst)
	f.uint(deliveryAge, d.Age)
	if len(d.Path) > 0 {
		f.key(deliveryPath)
		f.b = cbor.AppendArray(f.b, len(d.Path))
		for _, a := range d.Path {
			f.b = cbor.AppendText(cbor.AppendArray(f.b, 2), a.Collector)
			f.b = cbor.AppendText(f.b, string(a.Outcome))
		}
	}
	return f.b
}

func decodeDelivery(d *cbor.Decoder) Delivery {
	var v Delivery
	var key uint64
	for range d.Fields(2) {
		switch key = d.Key(key); key {
		case deliveryAge:
			v.Age = readUint(d, MaxAge)
		case deliveryPath:
			v.Path = decodePath(d)
		default:
			d.SkipField(key)
		}
	}
	return v
}

func decodePath(d *cbor.Decoder) []Attempt {
	n := d.Array(MaxPath)
	if n == 0 {
		d.Fail(presentZero)
		return nil
	}
	path := make([]Attempt, 0, n)
	for range n {
		if d.Array(2) != 2 {
			d.Fail("want a collector and an outcome")
		}
		path = append(path, Attempt{Collector: d.Text(MaxString), Outcome: Outcome(d.Text(MaxOutcome))})
	}
	return path
}

// fault says what breaks d's rules, or "".
func (d *Delivery) fault() string {
	if d.Age > MaxAge {
		return "age is above MaxAge"
	}
	if len(d.Path) > MaxPath {
		return "more than MaxPath attempts"
	}
	for _, a := range d.Path {
		if f := nameFault(a.Collector, MaxString); f != "" {
			return "path names a collector that is " + f
		}
		if !a.Outcome.Valid() || a.Outcome == OK {
			return "path has an outcome that is no failure"
		}
	}
	return ""
}
