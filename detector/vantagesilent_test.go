package detector_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// silence returns the one incident of a vantage, or fails.
func (b *bench) silence(when string) model.Incident {
	b.Helper()
	all := b.incidents()
	if len(all) != 1 || all[0].Vantage() != "v1" || all[0].Pages() || all[0].Verdict != model.VantageSilent {
		b.Fatalf("%s: %+v, want one incident of the vantage, which pages nobody", when, all)
	}
	return all[0]
}

// A vantage that delivers nothing is an incident. It ends when the vantage delivers again, and what
// it found meanwhile and delivers later amends it. All that holds over a restart.
func TestVantageThatDeliversNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, path: filepath.Join(t.TempDir(), "store.db"), inbox: newInbox(), watched: []string{"v1", "v2"}}
		b.start()
		defer func() { b.stop() }()
		speak := func(vantages ...string) {
			for _, v := range vantages {
				b.put(64500, report.Delivery{}, proberHeader, probed(v))
			}
			time.Sleep(30 * time.Second)
		}
		for range 10 {
			speak("v1", "v2")
		}
		last := time.Now().Add(-30 * time.Second)
		for range 28 {
			speak("v2")
		}
		if all := b.incidents(); len(all) != 0 {
			t.Fatalf("after 14 minutes: %+v", all)
		}
		for range 8 {
			speak("v2")
		}
		if i := b.silence("after 18 minutes"); !i.Open() || i.Since.Sub(last).Abs() > time.Second || !strings.Contains(i.Title, "v1") {
			t.Errorf("%+v, want it open since %v", i, last)
		}
		b.stop()
		b.start()
		for range 8 {
			speak("v2")
		}
		if i := b.silence("after a restart"); !i.Open() {
			t.Errorf("%+v", i)
		}
		back := time.Now()
		speak("v1", "v2")
		i := b.silence("when it delivers again")
		if i.Open() || i.Until.Sub(back).Abs() > 10*time.Second || i.Late || !strings.Contains(i.Title, "delivered nothing for 22m") {
			t.Errorf("%+v, want it closed since %v", i, back)
		}
		for at := last.Add(time.Minute); at.Before(back); at = at.Add(time.Minute) {
			old := probed("v1")
			for k := range old.Results {
				old.Results[k].At = time.Until(at).Milliseconds()
			}
			b.put(64500, report.Delivery{}, proberHeader, old)
		}
		speak("v1", "v2")
		i = b.silence("when its results came late")
		if i.Open() || !i.Late || i.Until.Sub(back).Abs() > 10*time.Second || !strings.Contains(i.Title, "has delivered since what it found") ||
			i.Evidence[len(i.Evidence)-1].Code != model.SignalLate {
			t.Errorf("%+v, want it amended", i)
		}
		if all := b.results(model.ProbeQuery{Vantage: "v1", Target: "web3", Limit: 1000}); len(all) < 30 {
			t.Errorf("%d results are in the store", len(all))
		}
		b.metric("open_incidents", 0)
	})
}
