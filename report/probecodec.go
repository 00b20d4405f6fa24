package report

import (
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/report/cbor"
)

// Keys of the map of probe results.
const (
	probeVantage = 1
	probeASN     = 2
	probeVersion = 3
	probeStrings = 4
	probeTargets = 5
	probeShapes  = 6
	probeResults = 7
)

// Items of the arrays. Kind, region, data centre, cluster, row, outcome and protocol are indices
// into the strings.
const (
	targetItems = 7 // name, address, kind, region, data centre, cluster, row
	shapeItems  = 5 // judgement, outcome, family, protocol, status; then the steps' names
	resultItems = 4 // target, at, shape, server; then the steps' durations
)

// The server of a result is encoded as 0 if it is the target's address, as for most results, and
// otherwise as the index of its text plus otherServer.
const (
	sameServer  = 0
	otherServer = 1
)

// shape is what many results have in common, as encoded: shapeItems numbers, then the index of each
// step's name.
type shape []uint64

func (p *ProbeResults) strings() []string {
	table := make([]string, 0, targetItems*len(p.Targets)+3*len(p.Results))
	for i := range p.Targets {
		t := &p.Targets[i]
		table = append(table, t.Kind, t.Region, t.DataCentre, t.Cluster, t.Row)
	}
	for i := range p.Results {
		r := &p.Results[i]
		table = append(table, string(r.Outcome), r.Protocol)
		if r.Server != p.Targets[r.Target].Address {
			table = append(table, r.Server)
		}
		for _, s := range r.Steps {
			table = append(table, s.Name)
		}
	}
	slices.Sort(table)
	return slices.Compact(table)
}

func shapeOf(r *ProbeResult, table []string) shape {
	s := make(shape, shapeItems, shapeItems+len(r.Steps))
	s[0], s[1], s[2] = uint64(r.Judgement), indexIn(table, string(r.Outcome)), uint64(r.Family)
	s[3], s[4] = indexIn(table, r.Protocol), uint64(r.Status)
	for _, step := range r.Steps {
		s = append(s, indexIn(table, step.Name))
	}
	return s
}

func (p *ProbeResults) appendBody(dst []byte) []byte {
	table := p.strings()
	of := make([]shape, len(p.Results))
	for i := range p.Results {
		of[i] = shapeOf(&p.Results[i], table)
	}
	shapes := slices.Clone(of)
	slices.SortFunc(shapes, slices.Compare[shape])
	shapes = slices.CompactFunc(shapes, slices.Equal[shape])
	f := newFields(dst)
	f.text(probeVantage, p.Vantage)
	f.uint(probeASN, uint64(p.ASN))
	f.text(probeVersion, p.Version)
	f.key(probeStrings)
	f.b = appendStrings(f.b, table)
	f.key(probeTargets)
	f.b = appendTargets(f.b, p.Targets, table)
	f.key(probeShapes)
	f.b = appendShapes(f.b, shapes)
	f.key(probeResults)
	f.b = cbor.AppendArray(f.b, len(p.Results))
	for i := range p.Results {
		r, server := &p.Results[i], uint64(sameServer)
		if r.Server != p.Targets[r.Target].Address {
			server = otherServer + indexIn(table, r.Server)
		}
		at, _ := slices.BinarySearchFunc(shapes, of[i], slices.Compare[shape])
		f.b = appendResult(f.b, r, at, server)
	}
	return f.b
}

func appendTargets(dst []byte, targets []ProbeTarget, table []string) []byte {
	dst = cbor.AppendArray(dst, len(targets))
	for i := range targets {
		t := &targets[i]
		dst = cbor.AppendText(cbor.AppendText(cbor.AppendArray(dst, targetItems), t.Name), t.Address)
		for _, s := range [...]string{t.Kind, t.Region, t.DataCentre, t.Cluster, t.Row} {
			dst = cbor.AppendUint(dst, indexIn(table, s))
		}
	}
	return dst
}

func appendShapes(dst []byte, shapes []shape) []byte {
	dst = cbor.AppendArray(dst, len(shapes))
	for _, s := range shapes {
		dst = cbor.AppendArray(dst, len(s))
		for _, v := range s {
			dst = cbor.AppendUint(dst, v)
		}
	}
	return dst
}

func appendResult(dst []byte, r *ProbeResult, shape int, server uint64) []byte {
	dst = cbor.AppendArray(dst, resultItems+len(r.Steps))
	dst = cbor.AppendUint(dst, uint64(r.Target))
	dst = cbor.AppendInt(dst, r.At)
	dst = cbor.AppendUint(dst, uint64(shape))
	dst = cbor.AppendUint(dst, server)
	for _, s := range r.Steps {
		dst = cbor.AppendUint(dst, s.Micros)
	}
	return dst
}

// probeDecoder reads the parts that refer to each other. After the first error its contents are
// meaningless.
type probeDecoder struct {
	*cbor.Decoder
	strings stringTable
	shapes  []shape
	shaped  []bool // which shapes occur in results
}

func decodeProbeResults(d *cbor.Decoder) *ProbeResults {
	p := new(ProbeResults)
	r := probeDecoder{Decoder: d}
	var key uint64
	for range d.Fields(7) {
		switch key = d.Key(key); key {
		case probeVantage:
			p.Vantage = readText(d, MaxString)
		case probeASN:
			p.ASN = uint32(readUint(d, math.MaxUint32))
		case probeVersion:
			p.Version = readText(d, MaxString)
		case probeStrings:
			// each must be used, so the rest of the record bounds them
			r.strings = decodeStrings(d, MaxRecord)
		case probeTargets:
			p.Targets = r.targets()
		case probeShapes:
			r.readShapes()
		case probeResults:
			p.Results = r.results(p.Targets)
		default:
			d.SkipField(key)
		}
	}
	if r.strings.unused() {
		d.Fail("a string that nothing uses")
	}
	if slices.Contains(r.shaped, false) {
		d.Fail("a shape that no result has")
	}
	return p
}

func (d *probeDecoder) text() string { return d.strings.read(d.Decoder) }

func (d *probeDecoder) targets() []ProbeTarget {
	targets := make([]ProbeTarget, 0, d.Array(MaxProbeTargets))
	for range cap(targets) {
		if d.Array(targetItems) != targetItems {
			d.Fail("want a target of seven items")
			return nil
		}
		targets = append(targets, ProbeTarget{
			Name: d.Text(MaxString), Address: d.Text(MaxString),
			Kind: d.text(), Region: d.text(), DataCentre: d.text(), Cluster: d.text(), Row: d.text(),
		})
	}
	return targets
}

// readShapes reads the shapes. Their contents are checked when a result refers to them.
func (d *probeDecoder) readShapes() {
	n := d.Array(MaxProbeResults)
	d.shapes, d.shaped = make([]shape, 0, n), make([]bool, n)
	for i := range n {
		items := d.Array(shapeItems + MaxProbeSteps)
		if items < shapeItems {
			d.Fail("want a shape of five items or more")
			return
		}
		s := make(shape, items)
		for j := range s {
			s[j] = d.Uint()
		}
		if i > 0 && slices.Compare(d.shapes[i-1], s) >= 0 {
			d.Fail("shapes are not sorted, or one is there twice")
			return
		}
		d.shapes = append(d.shapes, s)
	}
}

func (d *probeDecoder) results(targets []ProbeTarget) []ProbeResult {
	results := make([]ProbeResult, 0, d.Array(MaxProbeResults))
	for range cap(results) {
		items := d.Array(resultItems + MaxProbeSteps)
		r := ProbeResult{Target: int(bounded(d.Decoder, MaxProbeTargets-1)), At: d.Int()}
		if r.Target >= len(targets) {
			d.Fail("no such target")
			return nil
		}
		n := d.Uint()
		if n >= uint64(len(d.shapes)) {
			d.Fail("no such shape")
			return nil
		}
		d.shaped[n] = true
		d.fill(&r, d.shapes[n])
		r.Server = d.server(targets[r.Target].Address)
		if items != resultItems+len(r.Steps) {
			d.Fail("want a duration for each step of the shape")
			return nil
		}
		for i := range r.Steps {
			r.Steps[i].Micros = bounded(d.Decoder, MaxMicros)
		}
		results = append(results, r)
	}
	return results
}

// server reads the server of a result whose target has the given address.
func (d *probeDecoder) server(address string) string {
	n := d.Uint()
	if n == sameServer {
		return address
	}
	s := d.strings.at(d.Decoder, n-otherServer)
	if s == address {
		d.Fail("the server is the target's address")
	}
	return s
}

// fill sets the fields of r that its shape determines.
func (d *probeDecoder) fill(r *ProbeResult, s shape) {
	if s[0] > uint64(JudgedMaintenance) || s[2] > 6 || s[4] > MaxStatus {
		d.Fail("number above its limit")
		return
	}
	r.Judgement, r.Family, r.Status = Judgement(s[0]), uint8(s[2]), uint16(s[4])
	r.Outcome, r.Protocol = Outcome(d.strings.at(d.Decoder, s[1])), d.strings.at(d.Decoder, s[3])
	for _, name := range s[shapeItems:] {
		r.Steps = append(r.Steps, ProbeStep{Name: d.strings.at(d.Decoder, name)})
	}
}
