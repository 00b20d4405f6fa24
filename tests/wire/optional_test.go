package wire

import (
	"reflect"
	"testing"

	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/report/cbor"
)

// optional are values that a later release may give a field that this one does not know.
var optional = []any{0, 1, -5, "", "text", []byte{1}, a{}, a{1, a{"x", true}}, m{}, m{1: 2, 64: 3}, false}

// withoutOptional returns b, in canonical CBOR, without the optional fields of its maps.
func withoutOptional(b []byte) []byte {
	var v any
	if err := oracleDecoder.Unmarshal(b, &v); err != nil {
		panic(err)
	}
	return must(oracleEncoder.Marshal(strip(v)))
}

func strip(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = strip(v[i])
		}
	case map[any]any:
		for key, field := range v {
			if n, ok := key.(uint64); ok && n >= cbor.FirstOptional {
				delete(v, key)
				continue
			}
			v[key] = strip(field)
		}
	}
	return v
}

// withOptional returns b, the encoding of an example, with optional fields in its outermost map.
func withOptional(b []byte, fields m) []byte {
	var v any
	if err := oracleDecoder.Unmarshal(b, &v); err != nil {
		panic(err)
	}
	outermost, ok := v.(map[any]any)
	if record, isRecord := v.([]any); isRecord {
		outermost, ok = record[1].(map[any]any)
	}
	if !ok {
		panic("an example without a map")
	}
	for key, field := range fields {
		outermost[key] = field
	}
	return must(oracleEncoder.Marshal(v))
}

// A reader passes over what a later release adds to any document, and reads the rest as ever.
func TestOptionalFieldsArePassedOver(t *testing.T) {
	for _, e := range examples {
		b, err := encode(nil, e.value)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range optional {
			for _, fields := range []m{{64: v}, {64: 1, 65: v, 1 << 40: v}} {
				got, err := decodeLike(e.value, withOptional(b, fields))
				if err != nil || !reflect.DeepEqual(got, e.value) {
					t.Errorf("%s with %v: %+v, %v", e.name, fields, got, err)
				}
			}
		}
		many := m{}
		for key := range uint64(40) {
			many[64+key] = 1
		}
		for name, fields := range map[string]m{"63": {63: 1}, "a float": {64: 1.5}, "many": many} {
			if _, err := decodeLike(e.value, withOptional(b, fields)); err == nil {
				t.Errorf("%s with %s was taken", e.name, name)
			}
		}
	}
}

// A delivery of which a reader knows nothing may still stand in an envelope.
func TestOptionalFieldsInADelivery(t *testing.T) {
	got, err := report.DecodeEnvelope(oracleEncode(envelopeWith(7, m{64: 1})))
	if err != nil || !reflect.DeepEqual(got.Delivery, report.Delivery{}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := report.DecodeEnvelope(oracleEncode(envelopeWith(7, m{}))); err == nil {
		t.Error("an empty delivery was taken")
	}
}
