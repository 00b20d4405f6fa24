package gate_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/gate"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// minutes returns cells of a network for half an hour, with a share of troubled requests.
func minutes(rng *rand.Rand, asn uint32, release bool, requests int, share float64) (cells []gate.Cell) {
	for m := range 30 {
		c := gate.Cell{At: noon.Add(time.Duration(m) * time.Minute), ASN: asn, Release: release, Requests: float64(requests), Reports: uint64(requests)}
		for range requests {
			if rng.Float64() < share {
				c.Troubles++
			}
		}
		cells = append(cells, c)
	}
	return cells
}

// A release that bad networks get first is not worse for that.
func TestReleasesAreComparedAmongTheSameNetworks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	cells := minutes(rng, 1, false, 500, .01)
	cells = append(cells, minutes(rng, 1, true, 20, .01)...)
	cells = append(cells, minutes(rng, 2, false, 20, .2)...)
	cells = append(cells, minutes(rng, 2, true, 500, .2)...)
	m := gate.Compare(gate.Failures, cells, .01, .02)
	if m.State == model.GateWorse || m.Troubles/m.Requests < 10*m.AgainstTroubles/m.AgainstRequests {
		t.Errorf("%+v", m)
	}
}

// With little traffic, neither is said.
func TestTooLittleTraffic(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	cells := minutes(rng, 1, false, 10, .01)
	if m := gate.Compare(gate.Failures, cells, .01, .02); m.State != model.GateUnknown || m.Low != -1 || m.High != 1 {
		t.Errorf("without the release: %+v", m)
	}
	cells = append(cells, minutes(rng, 1, true, 1, .1)...)
	if m := gate.Compare(gate.Failures, cells, .01, .02); m.State != model.GateUnknown || m.Low > 0 || m.High < .02 {
		t.Errorf("with little of the release: %+v", m)
	}
}

// A clear difference is found, and its limits contain it.
func TestClearDifference(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	cells := append(minutes(rng, 1, false, 500, .01), minutes(rng, 1, true, 100, .05)...)
	if m := gate.Compare(gate.Failures, cells, .01, .02); m.State != model.GateWorse || m.Low > .04 || m.High < .04 || m.Difference < .03 {
		t.Errorf("%+v", m)
	}
}

// Application errors count as well, and are no failures.
func TestApplicationErrorsStopARelease(t *testing.T) {
	w := &world{query: model.GateQuery{App: "shop", Version: "1.5.0", Against: "1.4.2", Since: noon}}
	add := func(version string, o report.Outcome, n uint64) {
		for m := range 30 {
			w.cells = append(w.cells, detector.RollupCell{RollupKey: model.RollupKey{App: "shop", Version: version, Outcome: o, ASN: 1}, At: noon.Add(time.Duration(m) * time.Minute), Raw: n, Estimated: float64(n)})
		}
	}
	add("1.4.2", report.OK, 1000)
	add("1.5.0", report.OK, 200)
	add("1.4.2", report.AppPanic, 1)
	add("1.5.0", report.AppPanic, 10)
	g, err := gate.Judge(t.Context(), w, w.query, noon.Add(30*time.Minute))
	if err != nil || g.State != model.GateWorse || g.Tests[0].State != model.GateHealthy || g.Tests[1].State != model.GateWorse {
		t.Fatalf("%+v, %v", g, err)
	}
	if !strings.HasPrefix(g.Title, "shop 1.5.0 is worse than 1.4.2: 4.9 more application errors in a hundred requests") {
		t.Error(g.Title)
	}
}

// However many networks there are, all minutes of all of them are compared, and it is said where
// the failures are.
func TestGateOfManyNetworks(t *testing.T) {
	const networks, minutes, requests = 1300, 20, 4
	w := &world{query: model.GateQuery{App: "shop", Version: "1.5.0", Against: "1.4.2", Since: noon}}
	for m := range minutes {
		for asn := range uint32(networks) {
			for _, version := range []string{"1.4.2", "1.5.0"} {
				w.cells = append(w.cells, detector.RollupCell{RollupKey: model.RollupKey{App: "shop", Version: version, Outcome: report.OK, ASN: asn}, At: noon.Add(time.Duration(m) * time.Minute), Raw: requests, Estimated: requests})
			}
		}
		w.cells = append(w.cells, detector.RollupCell{RollupKey: model.RollupKey{App: "shop", Version: "1.5.0", Outcome: report.TCPReset, ASN: 7}, At: noon.Add(time.Duration(m) * time.Minute), Raw: 100, Estimated: 100})
	}
	g, err := gate.Judge(t.Context(), w, w.query, noon.Add(minutes*time.Minute))
	if err != nil || g.State != model.GateWorse || !slices.Equal(g.For, []string{"tcp.reset", "from AS7"}) {
		t.Fatalf("%+v, %v", g, err)
	}
	if n := g.Tests[0].AgainstRequests; n != networks*minutes*requests {
		t.Errorf("%v requests were compared, want %d", n, networks*minutes*requests)
	}
}

func TestGateRefusesWhatMakesNoSense(t *testing.T) {
	for name, q := range map[string]model.GateQuery{
		"no application": {Version: "2", Against: "1"}, "one version": {App: "a", Version: "2"}, "the same": {App: "a", Version: "2", Against: "2"},
		"certain": {App: "a", Version: "2", Against: "1", Error: 1}, "a negative difference": {App: "a", Version: "2", Against: "1", Detect: -1},
	} {
		if _, err := gate.Judge(t.Context(), &world{}, q, noon); !errors.Is(err, model.ErrQuery) {
			t.Errorf("%s: %v, want ErrQuery", name, err)
		}
	}
}
