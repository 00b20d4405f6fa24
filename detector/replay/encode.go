package replay

import (
	"encoding/json"
	"strconv"

	"github.com/heliograph-net/heliograph/detector/judgement"
)

// AppendRow appends a row to b as a line of the input of [Cells], with its line ending.
func AppendRow(b []byte, r *judgement.Row) []byte {
	b = number(b, `{"at":`, r.At)
	b = number(b, `,"arrived":`, r.Arrived)
	b = text(b, `,"app":`, r.App)
	b = text(b, `,"version":`, r.Version)
	b = text(b, `,"os":`, r.OS)
	b = text(b, `,"target":`, r.Target)
	b = text(b, `,"outcome":`, string(r.Outcome))
	b = text(b, `,"protocol":`, r.Protocol)
	b = number(b, `,"status":`, r.Status)
	b = text(b, `,"server":`, r.Server)
	b = number(b, `,"asn":`, r.ASN)
	b = text(b, `,"country":`, r.Country)
	b = text(b, `,"source":`, r.Source.String())
	b = text(b, `,"collector":`, r.Collector)
	if r.Bucket > 0 {
		b = number(b, `,"bucket":`, uint16(r.Bucket-1))
	}
	b = append(b, `,"client":"`...)
	b = strconv.AppendUint(b, r.Client, 10)
	b = append(b, `","raw":`...)
	b = strconv.AppendUint(b, r.Raw, 10)
	b = append(b, `,"estimated":`...)
	b = strconv.AppendFloat(b, r.Estimated, 'f', -1, 64)
	return append(b, "}\n"...)
}

// AppendProbe appends a probe to b as a line of the input of [Cells], with its line ending.
func AppendProbe(b []byte, p *judgement.Probe) []byte {
	b = number(b, `{"probe":`, p.At)
	b = text(b, `,"vantage":`, p.Vantage)
	b = number(b, `,"vantage_asn":`, p.VantageASN)
	b = text(b, `,"server":`, p.Server)
	b = text(b, `,"outcome":`, string(p.Outcome))
	return append(b, "}\n"...)
}

// AppendTick appends a tick to b, the time at in Unix milliseconds, as a line of the input of
// [Cells], with its line ending.
func AppendTick(b []byte, at int64) []byte { return append(number(b, `{"tick":`, at), "}\n"...) }

func number[T int64 | uint16 | uint32](b []byte, key string, n T) []byte {
	return strconv.AppendInt(append(b, key...), int64(n), 10)
}

// text appends a key and a string. Nearly all strings need no escapes.
func text(b []byte, key, s string) []byte {
	b = append(b, key...)
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			quoted, _ := json.Marshal(s) // a string always has a JSON form
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
