package wire

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/heliograph-net/heliograph/report"
)

func toLibProbe(v *report.ProbeResults) libProbe {
	p := libProbe{Vantage: v.Vantage, ASN: v.ASN, Version: v.Version}
	for _, t := range v.Targets {
		p.Strings = append(p.Strings, t.Kind, t.Region, t.DataCentre, t.Cluster, t.Row)
	}
	for _, r := range v.Results {
		p.Strings = append(p.Strings, string(r.Outcome), r.Protocol)
		if other(v, r) {
			p.Strings = append(p.Strings, r.Server)
		}
		for _, s := range r.Steps {
			p.Strings = append(p.Strings, s.Name)
		}
	}
	slices.Sort(p.Strings)
	p.Strings = slices.Compact(p.Strings)
	index := func(s string) uint64 { return uint64(slices.Index(p.Strings, s)) }
	for _, t := range v.Targets {
		p.Targets = append(p.Targets, libTarget{
			Name: t.Name, Address: t.Address, Kind: index(t.Kind), Region: index(t.Region), DataCentre: index(t.DataCentre), Cluster: index(t.Cluster), Row: index(t.Row),
		})
	}
	var shapes [][]uint64 // of each result
	for _, r := range v.Results {
		s := []uint64{uint64(r.Judgement), index(string(r.Outcome)), uint64(r.Family), index(r.Protocol), uint64(r.Status)}
		for _, step := range r.Steps {
			s = append(s, index(step.Name))
		}
		shapes = append(shapes, s)
	}
	p.Shapes = slices.Clone(shapes)
	slices.SortFunc(p.Shapes, slices.Compare[[]uint64])
	p.Shapes = slices.CompactFunc(p.Shapes, slices.Equal[[]uint64])
	for i, r := range v.Results {
		n := slices.IndexFunc(p.Shapes, func(s []uint64) bool { return slices.Equal(s, shapes[i]) })
		row := []int64{int64(r.Target), r.At, int64(n), 0}
		if other(v, r) {
			row[3] = int64(1 + index(r.Server))
		}
		for _, s := range r.Steps {
			row = append(row, int64(s.Micros))
		}
		p.Results = append(p.Results, row)
	}
	return p
}

// other tells whether r's server is not the address of its target, if it has one.
func other(v *report.ProbeResults, r report.ProbeResult) bool {
	return r.Target >= len(v.Targets) || r.Server != v.Targets[r.Target].Address
}

func oracleDecodeProbe(b []byte) any {
	var p libProbe
	if oracleDecoder.Unmarshal(b, &p) != nil {
		return nil
	}
	v := &report.ProbeResults{Vantage: p.Vantage, ASN: p.ASN, Version: p.Version}
	missing := false
	text := func(i uint64) string {
		if i >= uint64(len(p.Strings)) {
			missing = true
			return ""
		}
		return p.Strings[i]
	}
	for _, t := range p.Targets {
		v.Targets = append(v.Targets, report.ProbeTarget{
			Name: t.Name, Address: t.Address, Kind: text(t.Kind), Region: text(t.Region), DataCentre: text(t.DataCentre), Cluster: text(t.Cluster), Row: text(t.Row),
		})
	}
	for _, row := range p.Results {
		if len(row) < 4 || row[2] < 0 || row[2] >= int64(len(p.Shapes)) {
			return nil
		}
		s := p.Shapes[row[2]]
		if len(s) < 5 || len(row)-4 != len(s)-5 {
			return nil
		}
		r := report.ProbeResult{
			Target: int(row[0]), At: row[1], Judgement: report.Judgement(s[0]), Outcome: report.Outcome(text(s[1])), Family: uint8(s[2]),
			Protocol: text(s[3]), Status: uint16(s[4]),
		}
		if row[3] > 0 {
			r.Server = text(uint64(row[3]) - 1)
		} else if r.Target >= 0 && r.Target < len(v.Targets) {
			r.Server = v.Targets[r.Target].Address
		}
		for i, name := range s[5:] {
			r.Steps = append(r.Steps, report.ProbeStep{Name: text(name), Micros: uint64(row[4+i])})
		}
		v.Results = append(v.Results, r)
	}
	if missing {
		return nil
	}
	return v
}

// sweeps are the results of so many attempts at each of n targets.
func sweeps(n, times int) *report.ProbeResults {
	p := &report.ProbeResults{Vantage: "fra", ASN: 64501, Version: "0.2.0"}
	for i := range n {
		address := fmt.Sprintf("198.18.%d.%d:443", i/250, i%250+1)
		p.Targets = append(p.Targets, report.ProbeTarget{
			Name: fmt.Sprintf("web-%04d", i), Address: address, Kind: "http", DataCentre: "eu", Cluster: fmt.Sprint("c", i/100), Row: fmt.Sprint(i / 10 % 10),
		})
		for range times {
			p.Results = append(p.Results, report.ProbeResult{
				Target: i, At: -int64(i * 37 % 15000), Judgement: report.JudgedUp, Outcome: report.OK, Family: 4, Server: address, Protocol: "http/1.1",
				Status: 200, Steps: probeSteps(0, uint64(12_000+i), uint64(25_000+i), uint64(41_000+2*i), uint64(300+i%100))[1:],
			})
		}
	}
	return p
}

// A sweep of 1,000 targets is one record; of one target it takes some hundred bytes.
func TestSizeOfSweeps(t *testing.T) {
	for _, e := range []struct{ targets, times, most int }{{1, 1, 140}, {1000, 1, 56_000}, {20, 4, 2_900}} {
		b, err := report.AppendRecord(nil, sweeps(e.targets, e.times))
		if err != nil || len(b) > e.most {
			t.Errorf("%d targets, %d times: %d bytes, want at most %d (%v)", e.targets, e.times, len(b), e.most, err)
		}
		t.Logf("%d targets, %d times: %d bytes", e.targets, e.times, len(b))
	}
}

// What exceeds a limit of number is valid in parts, so the caller is told to divide it.
func TestTooManyProbeResults(t *testing.T) {
	small := func(targets, results int) *report.ProbeResults {
		p := &report.ProbeResults{Vantage: "v"}
		for i := range targets {
			p.Targets = append(p.Targets, report.ProbeTarget{Name: fmt.Sprintf("%04d", i), Kind: "tcp"})
		}
		for i := range results {
			p.Results = append(p.Results, report.ProbeResult{Target: i % targets, Judgement: report.JudgedUp, Outcome: report.OK})
		}
		return p
	}
	for _, at := range []*report.ProbeResults{small(report.MaxProbeTargets, report.MaxProbeTargets), small(2, report.MaxProbeResults)} {
		b, err := report.AppendRecord(nil, at)
		if err != nil {
			t.Fatalf("encode at the limit: %v", err)
		}
		if got, err := report.DecodeRecord(b); err != nil || !reflect.DeepEqual(got, at) {
			t.Fatalf("decode at the limit: %v", err)
		}
	}
	for _, above := range []*report.ProbeResults{small(report.MaxProbeTargets+1, report.MaxProbeTargets+1), small(2, report.MaxProbeResults+1)} {
		if _, err := report.AppendRecord(nil, above); !errors.Is(err, report.ErrTooLarge) {
			t.Errorf("encode above the limit: %v", err)
		}
		if _, err := report.DecodeRecord(oracleEncode(above)); !errors.Is(err, report.ErrMalformed) {
			t.Errorf("decode above the limit: %v", err)
		}
	}
}
