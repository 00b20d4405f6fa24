// Package wire holds the wire format of package report against a second implementation: every
// value and every encoding is also written and read by github.com/fxamacker/cbor, which is the
// oracle of the fuzz targets.
package wire

import (
	"bytes"
	"slices"

	library "github.com/fxamacker/cbor/v2"

	"github.com/heliograph-net/heliograph/report"
)

// The library describes the wire format a second time, as struct tags, and encodes and decodes it
// without our codec.
type (
	libRecord struct {
		_    struct{} `cbor:",toarray"`
		Kind uint64
		Body any
	}
	libRaw struct {
		_    struct{} `cbor:",toarray"`
		Kind uint64
		Body library.RawMessage
	}
	libHeader struct {
		Source  uint8     `cbor:"1,keyasint,omitempty"`
		App     string    `cbor:"2,keyasint,omitempty"`
		Version string    `cbor:"3,keyasint,omitempty"`
		OS      string    `cbor:"4,keyasint,omitempty"`
		Consent uint8     `cbor:"5,keyasint,omitempty"`
		Client  []byte    `cbor:"6,keyasint,omitempty"`
		Drops   []libDrop `cbor:"7,keyasint,omitempty"`
	}
	libDrop struct {
		_      struct{} `cbor:",toarray"`
		Reason string
		Count  uint64
	}
	libWindow struct {
		End      int64        `cbor:"1,keyasint,omitempty"`
		Length   uint64       `cbor:"2,keyasint,omitempty"`
		Sampled  uint32       `cbor:"3,keyasint,omitempty"`
		Strings  []string     `cbor:"4,keyasint,omitempty"`
		Counters []libCounter `cbor:"5,keyasint,omitempty"`
	}
	libCounter struct {
		_                                 struct{} `cbor:",toarray"`
		Target, Outcome, Protocol, Server uint64
		Status                            uint16
		Flags                             uint8
		Count                             uint64
	}
	libSample struct {
		At       int64  `cbor:"1,keyasint,omitempty"`
		URL      string `cbor:"2,keyasint,omitempty"`
		Method   string `cbor:"3,keyasint,omitempty"`
		Outcome  string `cbor:"4,keyasint,omitempty"`
		Phase    uint8  `cbor:"5,keyasint,omitempty"`
		Protocol string `cbor:"6,keyasint,omitempty"`
		Server   string `cbor:"7,keyasint,omitempty"`
		Status   uint16 `cbor:"8,keyasint,omitempty"`
		Elapsed  uint64 `cbor:"9,keyasint,omitempty"`
		TraceID  []byte `cbor:"10,keyasint,omitempty"`
		Flags    uint8  `cbor:"11,keyasint,omitempty"`
	}
	libError struct {
		At          int64      `cbor:"1,keyasint,omitempty"`
		Kind        uint8      `cbor:"2,keyasint,omitempty"`
		Type        string     `cbor:"3,keyasint,omitempty"`
		Message     string     `cbor:"4,keyasint,omitempty"`
		Fingerprint []byte     `cbor:"5,keyasint,omitempty"`
		Frames      []libFrame `cbor:"6,keyasint,omitempty"`
		TraceID     []byte     `cbor:"7,keyasint,omitempty"`
		Count       uint64     `cbor:"8,keyasint,omitempty"`
		URL         string     `cbor:"9,keyasint,omitempty"`
	}
	libFrame struct {
		_              struct{} `cbor:",toarray"`
		Function, File string
		Line           uint32
	}
	libNotice struct {
		Clients [][]byte `cbor:"1,keyasint,omitempty"`
	}
	libReceipts struct {
		Batches []libReceipted `cbor:"1,keyasint,omitempty"`
	}
	libReceipted struct {
		_         struct{} `cbor:",toarray"`
		Collector string
		Name      []byte
		Frames    uint16
	}
	libDurations struct {
		Histograms [][]int64 `cbor:"1,keyasint,omitempty"`
	}
	libProbe struct {
		Vantage string      `cbor:"1,keyasint,omitempty"`
		ASN     uint32      `cbor:"2,keyasint,omitempty"`
		Version string      `cbor:"3,keyasint,omitempty"`
		Strings []string    `cbor:"4,keyasint,omitempty"`
		Targets []libTarget `cbor:"5,keyasint,omitempty"`
		Shapes  [][]uint64  `cbor:"6,keyasint,omitempty"`
		Results [][]int64   `cbor:"7,keyasint,omitempty"`
	}
	libTarget struct {
		_                                      struct{} `cbor:",toarray"`
		Name, Address                          string
		Kind, Region, DataCentre, Cluster, Row uint64
	}
	libDelivery struct {
		Age  uint64       `cbor:"1,keyasint,omitempty"`
		Path []libAttempt `cbor:"2,keyasint,omitempty"`
	}
	libAttempt struct {
		_                  struct{} `cbor:",toarray"`
		Collector, Outcome string
	}
	libEnvelope struct {
		Seq       uint64        `cbor:"1,keyasint,omitempty"`
		Batch     []byte        `cbor:"2,keyasint,omitempty"`
		Received  int64         `cbor:"3,keyasint,omitempty"`
		Collector string        `cbor:"4,keyasint,omitempty"`
		ASN       uint32        `cbor:"5,keyasint,omitempty"`
		Country   string        `cbor:"6,keyasint,omitempty"`
		Delivery  *libDelivery  `cbor:"7,keyasint,omitempty"`
		Segment   []byte        `cbor:"8,keyasint,omitempty"`
		Bucket    report.Bucket `cbor:"9,keyasint,omitempty"`
	}
)

var (
	oracleEncoder = must(library.CoreDetEncOptions().EncMode())
	oracleDecoder = must(library.DecOptions{
		DupMapKey: library.DupMapKeyEnforcedAPF, IndefLength: library.IndefLengthForbidden, TagsMd: library.TagsForbidden,
		ExtraReturnErrors: library.ExtraDecErrorUnknownField, UTF8: library.UTF8RejectInvalid,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// oracleEncode encodes v, which may break our rules, with the library. It writes text as it is,
// valid UTF-8 or not.
func oracleEncode(v any) []byte { return must(oracleEncoder.Marshal(toLibrary(v))) }

func toLibrary(v any) any {
	switch v := v.(type) {
	case *report.Header:
		h := libHeader{Source: uint8(v.Source), App: v.App, Version: v.Version, OS: v.OS, Consent: uint8(v.Consent), Client: nonZero(v.Client)}
		for _, d := range v.Drops {
			h.Drops = append(h.Drops, libDrop{Reason: d.Reason, Count: d.Count})
		}
		return libRecord{Kind: 1, Body: h}
	case *report.Window:
		return libRecord{Kind: 2, Body: toLibWindow(v)}
	case *report.Sample:
		return libRecord{Kind: 3, Body: libSample{
			At: v.At, URL: v.URL, Method: v.Method, Outcome: string(v.Outcome), Phase: phaseNumber[v.Phase], Protocol: v.Protocol,
			Server: v.Server, Status: v.Status, Elapsed: v.ElapsedMS, TraceID: nonZero(v.TraceID), Flags: uint8(v.Flags),
		}}
	case *report.ApplicationError:
		e := libError{
			At: v.At, Kind: uint8(v.Kind), Type: v.Type, Message: v.Message, Fingerprint: nonZero(v.Fingerprint), TraceID: nonZero(v.TraceID), Count: v.Count,
			URL: v.URL,
		}
		for _, f := range v.Frames {
			e.Frames = append(e.Frames, libFrame{Function: f.Function, File: f.File, Line: f.Line})
		}
		return libRecord{Kind: 4, Body: e}
	case *report.DeletionNotice:
		var n libNotice
		for i := range v.Clients {
			n.Clients = append(n.Clients, v.Clients[i][:])
		}
		return libRecord{Kind: 5, Body: n}
	case *report.ProbeResults:
		return libRecord{Kind: 6, Body: toLibProbe(v)}
	case *report.Receipts:
		var r libReceipts
		for i := range v.Batches {
			b := &v.Batches[i]
			r.Batches = append(r.Batches, libReceipted{Collector: b.Collector, Name: b.Name[:], Frames: b.Frames})
		}
		return libRecord{Kind: 7, Body: r}
	case *report.Durations:
		var d libDurations
		for _, h := range v.Histograms {
			d.Histograms = append(d.Histograms, toLibHistogram(h))
		}
		return libRecord{Kind: 8, Body: d}
	case report.Delivery:
		return toLibDelivery(v)
	case *report.Envelope:
		e := libEnvelope{
			Seq: v.Seq, Batch: nonZero(v.Batch), Received: v.Received, Collector: v.Collector, ASN: v.ASN, Country: v.Country, Segment: v.Segment, Bucket: v.Bucket,
		}
		if v.Delivery.Age != 0 || v.Delivery.Path != nil {
			e.Delivery = new(toLibDelivery(v.Delivery))
		}
		return e
	}
	return v
}

var phaseNumber = map[report.Phase]uint8{"dns": 1, "connection": 2, "application": 3, "sxg": 4}

func nonZero(b [16]byte) []byte {
	if b == [16]byte{} {
		return nil
	}
	return b[:]
}

func toLibWindow(v *report.Window) libWindow {
	w := libWindow{End: v.End, Length: v.Length, Sampled: v.SampledPPM}
	for _, c := range v.Counters {
		w.Strings = append(w.Strings, c.Target, string(c.Outcome), c.Protocol, c.Server)
	}
	slices.Sort(w.Strings)
	w.Strings = slices.Compact(w.Strings)
	index := func(s string) uint64 { return uint64(slices.Index(w.Strings, s)) }
	for _, c := range v.Counters {
		w.Counters = append(w.Counters, libCounter{
			Target: index(c.Target), Outcome: index(string(c.Outcome)), Protocol: index(c.Protocol), Server: index(c.Server),
			Status: c.Status, Flags: uint8(c.Flags), Count: c.Count,
		})
	}
	return w
}

func toLibHistogram(h report.Histogram) []int64 {
	list := []int64{}
	for i, b := range h {
		empty := int64(b.Index)
		if i > 0 {
			empty -= int64(h[i-1].Index) + 1
		}
		if empty != 0 {
			list = append(list, -empty)
		}
		list = append(list, int64(b.Count))
	}
	return list
}

func fromLibHistogram(list []int64) (h report.Histogram) {
	var next int64
	for _, n := range list {
		if n < 0 {
			next -= n
			continue
		}
		h = append(h, report.HistogramBucket{Index: uint8(next), Count: uint64(n)})
		next++
	}
	return h
}

func toLibDelivery(v report.Delivery) libDelivery {
	d := libDelivery{Age: v.Age}
	for _, a := range v.Path {
		d.Path = append(d.Path, libAttempt{Collector: a.Collector, Outcome: string(a.Outcome)})
	}
	return d
}

// oracleDecode reads b with the library as what like is. It returns nil for what the library
// cannot read.
func oracleDecode(like any, b []byte) any {
	switch like.(type) {
	case report.Delivery:
		var d libDelivery
		if oracleDecoder.Unmarshal(b, &d) != nil {
			return nil
		}
		return fromLibDelivery(d)
	case *report.Envelope:
		return oracleDecodeEnvelope(b)
	}
	var r libRaw
	if oracleDecoder.Unmarshal(b, &r) != nil {
		return nil
	}
	switch r.Kind {
	case 1:
		return oracleDecodeHeader(r.Body)
	case 2:
		return oracleDecodeWindow(r.Body)
	case 3:
		return oracleDecodeSample(r.Body)
	case 4:
		return oracleDecodeError(r.Body)
	case 5:
		return oracleDecodeNotice(r.Body)
	case 6:
		return oracleDecodeProbe(r.Body)
	case 7:
		return oracleDecodeReceipts(r.Body)
	case 8:
		return oracleDecodeDurations(r.Body)
	}
	return nil
}

func oracleDecodeHeader(b []byte) any {
	var h libHeader
	if oracleDecoder.Unmarshal(b, &h) != nil {
		return nil
	}
	v := &report.Header{Source: report.Source(h.Source), App: h.App, Version: h.Version, OS: h.OS, Consent: report.Consent(h.Consent)}
	copy(v.Client[:], h.Client)
	for _, d := range h.Drops {
		v.Drops = append(v.Drops, report.Drop{Reason: d.Reason, Count: d.Count})
	}
	return v
}

func oracleDecodeWindow(b []byte) any {
	var w libWindow
	if oracleDecoder.Unmarshal(b, &w) != nil {
		return nil
	}
	v := &report.Window{End: w.End, Length: w.Length, SampledPPM: w.Sampled}
	for _, c := range w.Counters {
		for _, i := range []uint64{c.Target, c.Outcome, c.Protocol, c.Server} {
			if i >= uint64(len(w.Strings)) {
				return nil
			}
		}
		v.Counters = append(v.Counters, report.Counter{
			Target: w.Strings[c.Target], Outcome: report.Outcome(w.Strings[c.Outcome]), Protocol: w.Strings[c.Protocol], Server: w.Strings[c.Server],
			Status: c.Status, Flags: report.Flags(c.Flags), Count: c.Count,
		})
	}
	return v
}

func oracleDecodeSample(b []byte) any {
	var s libSample
	if oracleDecoder.Unmarshal(b, &s) != nil {
		return nil
	}
	v := &report.Sample{
		At: s.At, URL: s.URL, Method: s.Method, Outcome: report.Outcome(s.Outcome), Protocol: s.Protocol, Server: s.Server, Status: s.Status,
		ElapsedMS: s.Elapsed, Flags: report.Flags(s.Flags),
	}
	copy(v.TraceID[:], s.TraceID)
	for phase, n := range phaseNumber {
		if n == s.Phase {
			v.Phase = phase
		}
	}
	return v
}

func oracleDecodeError(b []byte) any {
	var e libError
	if oracleDecoder.Unmarshal(b, &e) != nil {
		return nil
	}
	v := &report.ApplicationError{At: e.At, Kind: report.ErrorKind(e.Kind), Type: e.Type, Message: e.Message, Count: e.Count, URL: e.URL}
	copy(v.Fingerprint[:], e.Fingerprint)
	copy(v.TraceID[:], e.TraceID)
	for _, f := range e.Frames {
		v.Frames = append(v.Frames, report.Frame{Function: f.Function, File: f.File, Line: f.Line})
	}
	return v
}

func oracleDecodeNotice(b []byte) any {
	var n libNotice
	if oracleDecoder.Unmarshal(b, &n) != nil {
		return nil
	}
	v := new(report.DeletionNotice)
	for _, c := range n.Clients {
		if len(c) != 16 {
			return nil
		}
		v.Clients = append(v.Clients, [16]byte(c))
	}
	return v
}

func oracleDecodeReceipts(b []byte) any {
	var r libReceipts
	if oracleDecoder.Unmarshal(b, &r) != nil {
		return nil
	}
	v := new(report.Receipts)
	for _, one := range r.Batches {
		if len(one.Name) != 16 {
			return nil
		}
		v.Batches = append(v.Batches, report.ReceiptedBatch{Collector: one.Collector, Name: [16]byte(one.Name), Frames: one.Frames})
	}
	return v
}

func oracleDecodeDurations(b []byte) any {
	var d libDurations
	if oracleDecoder.Unmarshal(b, &d) != nil {
		return nil
	}
	v := new(report.Durations)
	for _, list := range d.Histograms {
		v.Histograms = append(v.Histograms, fromLibHistogram(list))
	}
	return v
}

func oracleDecodeEnvelope(b []byte) any {
	var e libEnvelope
	if oracleDecoder.Unmarshal(b, &e) != nil {
		return nil
	}
	v := &report.Envelope{Seq: e.Seq, Received: e.Received, Collector: e.Collector, ASN: e.ASN, Country: e.Country, Segment: e.Segment, Bucket: e.Bucket}
	copy(v.Batch[:], e.Batch)
	if e.Delivery != nil {
		v.Delivery = fromLibDelivery(*e.Delivery)
	}
	return v
}

func fromLibDelivery(d libDelivery) report.Delivery {
	v := report.Delivery{Age: d.Age}
	for _, a := range d.Path {
		v.Path = append(v.Path, report.Attempt{Collector: a.Collector, Outcome: report.Outcome(a.Outcome)})
	}
	return v
}

// oracleCanonical says whether b is, to the library, deterministic CBOR of any content.
func oracleCanonical(b []byte) bool {
	var v any
	if oracleDecoder.Unmarshal(b, &v) != nil {
		return false
	}
	again, err := oracleEncoder.Marshal(v)
	return err == nil && bytes.Equal(again, b)
}
