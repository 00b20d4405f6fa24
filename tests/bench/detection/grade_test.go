package detection

import (
	"testing"

	"github.com/heliograph-net/heliograph/detector/judgement"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/simulate"
)

const minute = 60_000

func event(at int64, kind judgement.Kind, id judgement.ID, page bool, verdict model.Verdict, asn ...uint32) judgement.Event {
	return judgement.Event{Judged: at * minute, Kind: kind, Incident: judgement.Incident{ID: id, Onset: 60 * minute, Page: page, Verdict: verdict,
		Scope: []judgement.Scope{{ASN: asn}}}}
}

func TestGrades(t *testing.T) {
	truth := simulate.Truth{Start: 60 * minute, End: 80 * minute, Outcome: "tcp.reset", Scope: simulate.Scope{ASN: []uint32{5, 3}}, Verdict: "network_path"}
	events := []judgement.Event{
		event(20, judgement.Opened, 1, true, model.DNS, 9), // long before: false, whatever its onset
		event(61, judgement.Opened, 2, false, model.TooThin, 3),
		event(62, judgement.Changed, 2, true, model.NetworkPath, 3),
		event(65, judgement.Changed, 2, true, model.NetworkPath, 3, 5),
		event(66, judgement.Opened, 3, false, model.LastMile, 3),
		event(82, judgement.Cleared, 2, true, model.NetworkPath, 3, 5),
	}
	events[0].Onset, events[0].Until = 20*minute, 25*minute
	all, falsePages := grades(events, []simulate.Truth{truth})
	g := all[0]
	if !g.Paged || g.Delay != 2*minute || g.Exact || !g.Verdict || g.Incidents != 2 || g.Events != 5 || g.Onset != 0 {
		t.Errorf("%+v", g)
	}
	if g.Said.Judged != 65*minute || !g.ExactEver || !g.LastRight {
		t.Errorf("%+v", g.Said)
	}
	if len(falsePages) != 1 || falsePages[0].ID != 1 {
		t.Errorf("%+v", falsePages)
	}
	truth.Verdict = "last_mile" // about which nobody is to be told
	if _, falsePages := grades(events[1:], []simulate.Truth{truth}); len(falsePages) != 1 || falsePages[0].ID != 2 {
		t.Errorf("%+v", falsePages)
	}
}

func TestPeers(t *testing.T) {
	truth := simulate.Truth{Start: 60 * minute, End: 80 * minute, Scope: simulate.Scope{ASN: []uint32{5}}}
	alarms := []firing{{at: 10 * minute}, {61 * minute, key{"asn", "6"}}, {63 * minute, key{"asn", "5"}}, {64 * minute, everyone}}
	if delay, ok := peerDelay(alarms, &truth); !ok || delay != 3*minute {
		t.Errorf("%v %v", delay, ok)
	}
	if n := peerFalse(alarms, []simulate.Truth{truth}); n != 1 {
		t.Errorf("%d false alarms", n)
	}
}

// The simple rules alarm about a network that fails, and hold still before.
func TestRules(t *testing.T) {
	for _, peer := range peers {
		t.Run(peer.name, func(t *testing.T) {
			var all []firing
			r := peer.make(func(now int64, k key) { all = append(all, firing{now, k}) })
			const start = int64(1_772_445_000_000)
			for s := range int64(150 * 60) {
				now := start + s*1000
				for i := range int64(10) {
					row := simulate.Row{At: now + i, Arrived: now + i, App: "shop", ASN: uint32(1 + i%2), Country: "SE", Outcome: "ok", Raw: 1, Estimated: 1}
					if s >= 90*60 && row.ASN == 1 {
						row.Outcome = "tcp.timed_out"
					}
					if s%20 == 0 && i == 0 { // what fails by itself
						row.Outcome = "tcp.timed_out"
					}
					r.row(&row)
				}
				r.tick(now + 1000)
			}
			first := int64(1 << 62)
			for _, f := range all {
				if f.at < start+90*minute {
					t.Errorf("a false alarm after %d s", (f.at-start)/1000)
				}
				first = min(first, f.at)
			}
			if delay := (first - start - 90*minute) / 1000; delay > 310 {
				t.Errorf("the first alarm comes after %d s", delay)
			}
		})
	}
}
