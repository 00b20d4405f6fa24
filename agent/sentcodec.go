package agent

import (
	"errors"
	"time"

	"github.com/heliograph-net/heliograph/report"
	"github.com/heliograph-net/heliograph/report/cbor"
)

const sentItems = 12 // items in an encoded report

func encodeSent(all []SentReport) []byte {
	b := cbor.AppendArray(nil, len(all))
	for i := range all {
		r := &all[i]
		b = cbor.AppendInt(cbor.AppendArray(b, sentItems), r.At.UnixMilli())
		b = cbor.AppendText(cbor.AppendText(b, r.Collector), r.URL)
		b = cbor.AppendUint(cbor.AppendBytes(b, r.Batch[:]), r.Bytes)
		b = cbor.AppendBool(cbor.AppendInt(b, r.Born.UnixMilli()), r.Known)
		b = cbor.AppendArray(cbor.AppendUint(b, uint64(r.Consent)), len(r.Requests))
		for _, c := range r.Requests {
			b = cbor.AppendText(cbor.AppendText(cbor.AppendArray(b, 3), c.Target), string(c.Outcome))
			b = cbor.AppendUint(b, c.Count)
		}
		b = appendTexts(appendTexts(b, r.Samples), r.Errors)
		b = cbor.AppendUint(b, r.More)
	}
	return b
}

func appendTexts(b []byte, texts []string) []byte {
	b = cbor.AppendArray(b, len(texts))
	for _, s := range texts {
		b = cbor.AppendText(b, s)
	}
	return b
}

var errSentConsent = errors.New("log names an unknown consent")

func decodeSent(b []byte) ([]SentReport, error) {
	d := cbor.New(b)
	all := make([]SentReport, 0, d.Array(maxSent))
	for range cap(all) {
		if d.Array(sentItems) != sentItems {
			d.Fail("want a report of twelve items")
			break
		}
		r := SentReport{At: time.UnixMilli(d.Int()), Collector: d.Text(report.MaxString), URL: d.Text(maxSentLog)}
		copy(r.Batch[:], d.Bytes(len(r.Batch)))
		r.Bytes, r.Born, r.Known = d.Uint(), time.UnixMilli(d.Int()), d.Bool()
		consent := d.Uint()
		if consent > uint64(report.Diagnostics) {
			return nil, errSentConsent
		}
		r.Consent = report.Consent(consent)
		for range d.Array(maxSentCounts) {
			d.Array(3)
			r.Requests = append(r.Requests, SentCount{Target: d.Text(report.MaxString), Outcome: report.Outcome(d.Text(report.MaxOutcome)), Count: d.Uint()})
		}
		r.Samples, r.Errors = decodeTexts(d), decodeTexts(d)
		r.More = d.Uint()
		all = append(all, r)
	}
	return all, d.Done()
}

func decodeTexts(d *cbor.Decoder) (texts []string) {
	for range d.Array(maxSentLines) {
		texts = append(texts, d.Text(maxSentLine))
	}
	return texts
}
