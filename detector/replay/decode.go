package replay

import (
	"math/bits"
	"strconv"
	"unicode/utf8"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of values; what lies beyond is no value but a damaged file.
const (
	maxTime   = 253402300799999 // ms: the end of the year 9999
	maxRaw    = 1 << 53
	maxBucket = report.MaxBucket - 1 // they count from 0
)

// The keys of all kinds of lines. Their order is that of the names below.
type key uint8

const (
	keyAt key = iota
	keyArrived
	keyApp
	keyVersion
	keyOS
	keyTarget
	keyOutcome
	keyProtocol
	keyStatus
	keyServer
	keyASN
	keyCountry
	keySource
	keyCollector
	keyBucket
	keyClient
	keyRaw
	keyEstimated
	keyTick
	keyProbe
	keyVantage
	keyVantageASN
	keys
)

var keyNames = [keys]string{"at", "arrived", "app", "version", "os", "target", "outcome", "protocol", "status", "server", "asn", "country",
	"source", "collector", "bucket", "client", "raw", "estimated", "tick", "probe", "vantage", "vantage_asn"}

var keyOf = func() map[string]key {
	m := map[string]key{}
	for k, name := range keyNames {
		m[name] = key(k)
	}
	return m
}()

// set is a set of keys.
type set uint32

func of(keys ...key) (s set) {
	for _, k := range keys {
		s |= 1 << k
	}
	return s
}

// kind is one of the three kinds of lines.
type kind struct {
	name         string
	needs, takes set // keys that must be there, and that may be
}

var (
	rowKind = kind{"a row", of(keyAt, keyApp, keyTarget, keyOutcome, keyRaw, keyEstimated),
		1<<keyTick - 1} // all before it
	tickKind  = kind{"a tick", of(keyTick), of(keyTick)}
	probeKind = kind{"a probe", of(keyProbe, keyVantage, keyServer, keyOutcome),
		of(keyProbe, keyVantage, keyVantageASN, keyServer, keyOutcome)}
)

// line is what one line says. What kind says which of the rest counts.
type line struct {
	kind  *kind
	row   judgement.Row
	probe judgement.Probe
	tick  int64
}

// decoder reads lines. The zero value is not ready; see newDecoder.
type decoder struct{ scanner }

func newDecoder() *decoder { return &decoder{scanner{names: interner{}}} }

// decode reads a line. Its error is a *fault.
func (d *decoder) decode(text []byte, l *line) error {
	d.line, d.at = text, 0
	l.row = judgement.Row{Country: model.UnknownCountry, Source: report.SourceAgent}
	l.probe = judgement.Probe{}
	var seen set
	err := d.object(func(name string) error {
		k, ok := keyOf[name]
		if !ok {
			return faultf(cut(name, 64), "is no key of a row, a tick or a probe")
		}
		if seen&of(k) != 0 {
			return faultf(name, "is there twice")
		}
		seen |= of(k)
		return d.member(k, l)
	})
	if err != nil {
		return err
	}
	switch {
	case seen&of(keyTick) != 0:
		l.kind = &tickKind
	case seen&of(keyProbe) != 0:
		l.kind = &probeKind
		l.probe.Server, l.probe.Outcome = l.row.Server, l.row.Outcome
	default:
		l.kind = &rowKind
		if seen&of(keyArrived) == 0 {
			l.row.Arrived = l.row.At
		}
	}
	return l.kind.check(seen)
}

// check makes sure that a line has the keys of its kind and no others.
func (k *kind) check(seen set) error {
	if extra := seen &^ k.takes; extra != 0 {
		return faultf(keyNames[bits.TrailingZeros32(uint32(extra))], "is no key of %s", k.name)
	}
	if missing := k.needs &^ seen; missing != 0 {
		return faultf(keyNames[bits.TrailingZeros32(uint32(missing))], "is missing in %s", k.name)
	}
	return nil
}

// member reads the value of a key.
func (d *decoder) member(k key, l *line) (err error) {
	r, name := &l.row, keyNames[k]
	switch k {
	case keyAt:
		r.At, err = d.time(name)
	case keyArrived:
		r.Arrived, err = d.time(name)
	case keyTick:
		l.tick, err = d.time(name)
	case keyProbe:
		l.probe.At, err = d.time(name)
	case keyApp:
		r.App, err = d.word(name)
	case keyVersion:
		r.Version, err = d.word(name)
	case keyOS:
		r.OS, err = d.word(name)
	case keyTarget:
		r.Target, err = d.word(name)
	case keyProtocol:
		r.Protocol, err = d.word(name)
	case keyServer:
		r.Server, err = d.word(name)
	case keyCountry:
		r.Country, err = d.word(name)
	case keyCollector:
		r.Collector, err = d.word(name)
	case keyVantage:
		l.probe.Vantage, err = d.word(name)
	case keyOutcome:
		r.Outcome, err = d.outcome(name)
	case keySource:
		r.Source, err = d.source(name)
	case keyStatus:
		r.Status, err = small[uint16](d, name, 1<<16-1)
	case keyBucket:
		// In an envelope, 0 stands for an unknown one.
		var n uint16
		n, err = small[uint16](d, name, maxBucket)
		r.Bucket = report.Bucket(n + 1)
	case keyASN:
		r.ASN, err = small[uint32](d, name, 1<<32-1)
	case keyVantageASN:
		l.probe.VantageASN, err = small[uint32](d, name, 1<<32-1)
	case keyClient:
		r.Client, err = d.client(name)
	case keyRaw:
		r.Raw, err = d.integer(name, maxRaw)
	case keyEstimated:
		r.Estimated, err = d.float(name)
	}
	return err
}

func (d *decoder) time(name string) (int64, error) {
	n, err := d.integer(name, maxTime)
	return int64(n), err
}

func small[T uint16 | uint32](d *decoder, name string, most uint64) (T, error) {
	n, err := d.integer(name, most)
	return T(n), err
}

// word reads a stranger's word; what is longer than any report could have it is cut.
func (d *decoder) word(name string) (string, error) {
	s, err := d.text(name)
	return cut(s, report.MaxString), err
}

// outcome reads an outcome. One that no agent could have sent is unknown, as it is behind the seal.
func (d *decoder) outcome(name string) (report.Outcome, error) {
	s, err := d.text(name)
	if o := report.Outcome(s); o.Valid() {
		return o, err
	}
	return report.Unknown, err
}

// source reads a source. An unknown word is a source of its own, so nothing is added up with it.
func (d *decoder) source(name string) (report.Source, error) {
	s, err := d.text(name)
	switch s {
	case "agent":
		return report.SourceAgent, err
	case "browser":
		return report.SourceBrowser, err
	default:
		return 0, err
	}
}

// client reads a token. They are too many to be worth keeping.
func (d *decoder) client(name string) (uint64, error) {
	names := d.names
	d.names = nil
	s, err := d.text(name)
	d.names = names
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, faultf(name, "%q is no unsigned 64-bit number in decimal", cut(s, 64))
	}
	return n, nil
}

// cut shortens s to at most n bytes and leaves its last letter whole.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
