package replay

import (
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Limits of values. A value beyond them is a sign of a damaged file.
const (
	maxTime   = 253402300799999 // ms: the end of the year 9999
	maxRaw    = 1 << 53
	maxBucket = report.MaxBucket - 1 // files count buckets from 0
)

// key is a key of one of the kinds of lines. Keys are in the order of keyNames.
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
	needs, takes set // keys that must be present, and keys that may be
}

var (
	rowKind = kind{"a row", of(keyAt, keyApp, keyTarget, keyOutcome, keyRaw, keyEstimated),
		1<<keyTick - 1} // all before it
	tickKind  = kind{"a tick", of(keyTick), of(keyTick)}
	probeKind = kind{"a probe", of(keyProbe, keyVantage, keyServer, keyOutcome),
		of(keyProbe, keyVantage, keyVantageASN, keyServer, keyOutcome)}
)

// line is one decoded line. kind says which of the other fields is set.
type line struct {
	kind  *kind
	row   judgement.Row
	probe judgement.Probe
	tick  int64
}

// decoder reads lines. The zero value is not ready; see newDecoder.
type decoder struct {
	scanner
	line   line      // that is being read
	fields [keys]any // a pointer into line for each key; its type says how a value is read
}

// client is the type of a field that is read as a client's token.
type client uint64

func newDecoder() *decoder {
	d := &decoder{scanner: scanner{names: interner{}}}
	r, p := &d.line.row, &d.line.probe
	d.fields = [keys]any{
		keyAt: &r.At, keyArrived: &r.Arrived, keyTick: &d.line.tick, keyProbe: &p.At,
		keyApp: &r.App, keyVersion: &r.Version, keyOS: &r.OS, keyTarget: &r.Target, keyOutcome: &r.Outcome,
		keyProtocol: &r.Protocol, keyStatus: &r.Status, keyServer: &r.Server,
		keyASN: &r.ASN, keyCountry: &r.Country, keySource: &r.Source, keyCollector: &r.Collector,
		keyBucket: &r.Bucket, keyClient: (*client)(&r.Client), keyRaw: &r.Raw, keyEstimated: &r.Estimated,
		keyVantage: &p.Vantage, keyVantageASN: &p.VantageASN,
	}
	return d
}

// decode reads a line into l. Its error is a *fault.
func (d *decoder) decode(text []byte, l *line) error {
	d.scanner.line, d.at = text, 0
	d.line = line{row: judgement.Row{Country: model.UnknownCountry, Source: report.SourceAgent}}
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
		return d.member(k)
	})
	if err != nil {
		return err
	}
	*l = d.line
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
func (d *decoder) member(k key) (err error) {
	name := keyNames[k]
	switch to := d.fields[k].(type) {
	case *int64:
		*to, err = d.time(name)
	case *string:
		*to, err = d.word(name)
	case *report.Outcome:
		*to, err = d.outcome(name)
	case *report.Source:
		*to, err = d.source(name)
	case *report.Bucket:
		*to, err = d.bucket(name)
	case *client:
		*to, err = d.client(name)
	case *uint16:
		*to, err = small[uint16](d, name, math.MaxUint16)
	case *uint32:
		*to, err = small[uint32](d, name, math.MaxUint32)
	case *uint64:
		*to, err = d.integer(name, maxRaw)
	case *float64:
		*to, err = d.float(name)
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

// word reads a string and cuts it to the length that a report's strings have at most.
func (d *decoder) word(name string) (string, error) {
	s, err := d.text(name)
	return cut(s, report.MaxString), err
}

// outcome reads an outcome. An invalid one becomes [report.Unknown], as in the detector.
func (d *decoder) outcome(name string) (report.Outcome, error) {
	s, err := d.text(name)
	if o := report.Outcome(s); o.Valid() {
		return o, err
	}
	return report.Unknown, err
}

// source reads a source. An unknown word becomes 0, which is a source of its own, so its rows are
// not added to those of agents or browsers.
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

// bucket reads a bucket, which is counted from 0 in a file and from 1 in a row.
func (d *decoder) bucket(name string) (report.Bucket, error) {
	n, err := small[uint16](d, name, maxBucket)
	return report.Bucket(n + 1), err
}

// client reads a token. Tokens are not interned, because there are too many of them.
func (d *decoder) client(name string) (client, error) {
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
	return client(n), nil
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
