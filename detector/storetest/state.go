package storetest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
	"github.com/heliograph-net/heliograph/report"
)

// TestState checks that an implementation of [detector.State] follows the rules of that interface.
// newStore makes an empty place for a store and returns a function that opens it. TestState opens a
// place several times, but never while it is open, and closes what it opens.
func TestState(t *testing.T, newStore func(t *testing.T) (open func() (detector.State, error))) {
	for _, test := range []struct {
		name string
		run  func(s *stateTest)
	}{
		{"nothing at first", nothingKnown},
		{"cursors", cursors},
		{"quarantine", quarantine},
		{"waiting", waiting},
		{"turns of what waits", turns},
		{"shares of the quarantine", shares},
		{"incidents", incidents},
		{"an incident in full", incidentInFull},
		{"present figures", presentFigures},
		{"notes of incidents", notes},
		{"milestones of incidents", milestones},
		{"acts upon incidents", acts},
		{"mutes by scope", mutes},
		{"the last bin", lastBin},
		{"the judgement", lastJudgement},
		{"outbox", outbox},
		{"deletions", deletions},
		{"claims", claims},
		{"names in quarantine", quarantinedNames},
		{"keys of days", keysOfDays},
		{"prune", pruneState},
		{"many at a time", manySteps},
		{"a context that ended", stateContext},
		{"ready until closed", stateReady},
	} {
		t.Run(test.name, func(t *testing.T) {
			open := newStore(t)
			test.run(&stateTest{T: t, open: open, State: opened(t, open)})
		})
	}
}

// stateTest is one test and its open store.
type stateTest struct {
	*testing.T
	detector.State
	open func() (detector.State, error)
}

// reopen closes the store and opens it again.
func (t *stateTest) reopen() {
	t.Helper()
	must(t.T, t.Close())
	t.State = opened(t.T, t.open)
}

// step stores a step with events that open incidents, or clear those that are over.
func (t *stateTest) step(bin int, all ...model.Incident) {
	t.Helper()
	s := detector.Step{Bin: at(bin)}
	for _, i := range all {
		kind := model.Opened
		if !i.Open() {
			kind = model.Cleared
		}
		s.Events = append(s.Events, model.Event{Kind: kind, Incident: i})
	}
	must(t.T, t.SaveStep(t.Context(), s))
}

// ids returns the ids of Incidents, in its order.
func (t *stateTest) ids(since int) (ids []int64) {
	t.Helper()
	all, err := t.Incidents(t.Context(), at(since))
	must(t.T, err)
	for _, i := range all {
		ids = append(ids, i.ID)
	}
	return ids
}

func (t *stateTest) cursor(feed string) uint64 {
	t.Helper()
	c, err := t.Cursor(t.Context(), feed)
	must(t.T, err)
	return c
}

func nothingKnown(t *stateTest) {
	if c := t.cursor("c1"); c != 0 {
		t.Errorf("cursor %d", c)
	}
	if last, err := t.Evaluated(t.Context()); !last.IsZero() || err != nil {
		t.Errorf("evaluated %v %v", last, err)
	}
	if ids := t.ids(0); len(ids) != 0 {
		t.Errorf("incidents %v", ids)
	}
	if last, err := t.LastIncident(t.Context()); last != 0 || err != nil {
		t.Errorf("last incident %v %v", last, err)
	}
	if all, err := t.Outbox(t.Context(), 0, 10); len(all) != 0 || err != nil {
		t.Errorf("outbox %v %v", all, err)
	}
	if all, err := t.Deleted(t.Context(), []uint64{1, 2}); len(all) != 0 || err != nil {
		t.Errorf("deleted %v %v", all, err)
	}
	must(t.T, t.AckOutbox(t.Context(), 7, nil, nil))
	must(t.T, t.SaveDeleted(t.Context(), nil))
	must(t.T, t.Prune(t.Context(), start, detector.Retention{}))
}

func cursors(t *stateTest) {
	save := func(feed string, cursor uint64) {
		t.Helper()
		must(t.T, t.SaveCursor(t.Context(), &detector.FeedPage{Feed: feed, Cursor: cursor}))
	}
	save("c1", 7)
	save("c2", 1<<62)
	save("c1", 9)
	t.reopen()
	if a, b, c := t.cursor("c1"), t.cursor("c2"), t.cursor("c3"); a != 9 || b != 1<<62 || c != 0 {
		t.Errorf("cursors %d, %d and %d", a, b, c)
	}
	save("c1", 2) // its inbox was replaced
	if c := t.cursor("c1"); c != 2 {
		t.Errorf("cursor %d, want that of the new inbox", c)
	}
}

// quarantine: batches in quarantine are stored together with the cursor, also repeatedly and if
// they are empty.
func quarantine(t *stateTest) {
	for n := range 3 {
		page := &detector.FeedPage{Feed: "c1", Cursor: uint64(n + 1)}
		for i := range 60 {
			page.Quarantined = append(page.Quarantined, detector.Quarantined{ID: id(n*60 + i), Received: start, Reason: detector.ReasonOpen, Detail: "d", Segment: []byte{1}})
		}
		page.Quarantined = append(page.Quarantined, page.Quarantined[0], detector.Quarantined{ID: id(7777), Received: start, Reason: detector.ReasonSegment})
		for range 2 {
			must(t.T, t.SaveCursor(t.Context(), page))
		}
		if c := t.cursor("c1"); c != uint64(n+1) {
			t.Errorf("cursor %d", c)
		}
	}
}

// waiting: batches whose key is unknown are stored completely until they are released, however many
// others come.
func waiting(t *stateTest) {
	want := detector.Quarantined{ID: id(1), Received: start, Reason: detector.ReasonUnknownKey, Detail: "d", Collector: "c1", ASN: 64501,
		Country: "DE", Bucket: 4096, Delivery: report.Delivery{Age: 7, Path: []report.Attempt{{Collector: "c0", Outcome: "tcp.reset"}}}, Segment: []byte("sealed")}
	must(t.T, t.SaveCursor(t.Context(), &detector.FeedPage{Feed: "c1", Cursor: 1, Quarantined: []detector.Quarantined{want}}))
	for n := range 4 {
		page := &detector.FeedPage{Feed: "c2", Cursor: uint64(n + 1)}
		for i := range 60 {
			page.Quarantined = append(page.Quarantined, detector.Quarantined{ID: id(100 + n*60 + i), Received: start, Reason: detector.ReasonOpen, Detail: "d", Segment: []byte{1}})
		}
		must(t.T, t.SaveCursor(t.Context(), page))
	}
	t.reopen()
	held, err := t.Quarantine(t.Context(), 0, 1000)
	must(t.T, err)
	if len(held) < 2 || held[0].Feed != "c1" || !reflect.DeepEqual(held[0].Quarantined, want) {
		t.Fatalf("%d batches are held, the first is %+v", len(held), held[0])
	}
	counts, err := t.QuarantineCounts(t.Context())
	must(t.T, err)
	if c := counts[len(counts)-1]; len(counts) != 2 || c.Reason != detector.ReasonUnknownKey || c.Batches != 1 || c.Bytes != 6 || !c.Oldest.Equal(start) {
		t.Errorf("counts %+v", counts)
	}
	if rest, err := t.Quarantine(t.Context(), held[0].Number, 2); err != nil || len(rest) != 2 || rest[0].Number <= held[0].Number || rest[0].Reason != detector.ReasonOpen {
		t.Errorf("after the first: %+v, %v", rest, err)
	}
	for range 2 {
		must(t.T, t.Release(t.Context(), []uint64{held[0].Number}))
	}
	if rest, err := t.Quarantine(t.Context(), 0, 1); err != nil || len(rest) != 1 || rest[0].Reason != detector.ReasonOpen {
		t.Errorf("after its release: %+v, %v", rest, err)
	}
}

func incidents(t *stateTest) {
	first := model.Incident{ID: 1, Since: at(0), Title: "one"}
	t.step(100, first, model.Incident{ID: 2, Since: at(60), Until: at(90)}, model.Incident{ID: 3, Since: at(30)})
	if ids := t.ids(0); !slices.Equal(ids, []int64{3, 1, 2}) {
		t.Errorf("%v, want open ones first, then the newest", ids)
	}
	if ids := t.ids(95); !slices.Equal(ids, []int64{3, 1}) {
		t.Errorf("%v, want the open ones", ids)
	}
	first.Until, first.Title = at(110), "over"
	t.step(112, first)
	t.reopen()
	if ids := t.ids(95); !slices.Equal(ids, []int64{3, 1}) {
		t.Errorf("%v, want the open one and that which was open since", ids)
	}
	if ids := t.ids(111); !slices.Equal(ids, []int64{3}) {
		t.Errorf("%v, want the open one", ids)
	}
	all, err := t.Incidents(t.Context(), at(95))
	if err != nil || len(all) != 2 || all[1].Title != "over" {
		t.Errorf("%+v %v, want it as it was saved last", all, err)
	}
	if last, err := t.LastIncident(t.Context()); last != 3 || err != nil {
		t.Errorf("last incident %v %v", last, err)
	}
}

// fullIncident returns an incident with all fields.
func fullIncident() model.Incident {
	return model.Incident{ID: 41, App: "shop", Target: shop, Outcome: report.TCPReset, Also: []report.Outcome{report.TCPRefused, report.TCPTimedOut},
		Verdict: model.NetworkPath, Page: true, Late: true, Share: 0.75, Reopened: 2, Severity: 40.5, Buckets: 17, Networks: 2,
		Scope: model.Scope{ASNs: []uint32{64501, 64502}, Countries: []string{"XA"}, Servers: []string{"192.0.2.1:443"}, Versions: []string{"1.2"},
			Systems: []string{"linux"}, Protocols: []string{"h3"}, Statuses: []uint16{503}, Collectors: []string{"c1"}},
		Others: []model.Scope{{Versions: []string{"1.2"}}, {}},
		Since:  at(0).UTC(), Until: at(90).UTC(), Failed: 41, Requests: 44.5, Expected: 0.25, Clients: 28, SlowerThan: 2 * time.Second, UsuallySlow: 0.125, Title: "one", Evidence: []model.Signal{{Code: model.SignalExcess, Text: "e"}, {Text: "f"}}}
}

func incidentInFull(t *stateTest) {
	v := reflect.ValueOf(fullIncident())
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Fatalf("the suite does not set %s", v.Type().Field(i).Name)
		}
	}
	bare := model.Incident{ID: 42, Since: at(1).UTC()}
	t.step(2, fullIncident(), bare)
	t.reopen()
	all, err := t.Incidents(t.Context(), start)
	for i := range all {
		all[i].Since, all[i].Until = all[i].Since.UTC(), all[i].Until.UTC()
	}
	if want := []model.Incident{bare, fullIncident()}; err != nil || !reflect.DeepEqual(all, want) {
		t.Errorf("got %+v, %v\nwant %+v", all, err, want)
	}
	sent, err := t.Outbox(t.Context(), 0, 1)
	if err != nil || len(sent) != 1 || sent[0].Incident.Title != "one" || !sent[0].Incident.Scope.Equal(fullIncident().Scope) {
		t.Errorf("outbox: %+v, %v", sent, err)
	}
}

func lastBin(t *stateTest) {
	t.step(112)
	t.step(110)
	t.reopen()
	if last, err := t.Evaluated(t.Context()); !last.Equal(at(110)) || err != nil {
		t.Errorf("evaluated %v %v, want that of the last step", last, err)
	}
}

// presentFigures replace what is stored of open incidents, and are no events.
func presentFigures(t *stateTest) {
	failed := func() (list []float64) {
		all, err := t.Incidents(t.Context(), time.Time{})
		must(t.T, err)
		slices.SortFunc(all, func(a, b model.Incident) int { return int(a.ID - b.ID) })
		for _, i := range all {
			list = append(list, i.Failed)
		}
		return list
	}
	inc := func(id int64, until time.Time, failed float64) model.Incident {
		return model.Incident{ID: id, Since: at(0), Until: until, Failed: failed}
	}
	open := time.Time{}
	t.step(2, inc(1, open, 10), inc(2, at(1), 10), inc(3, open, 10))
	must(t.T, t.SaveStep(t.Context(), detector.Step{
		Bin: at(4), Present: []model.Incident{inc(1, open, 25), inc(2, open, 25), inc(3, open, 25), inc(9, open, 25)},
		Events: []model.Event{{Kind: model.Cleared, Incident: inc(3, at(3), 20)}},
	}))
	t.reopen()
	if got := failed(); !slices.Equal(got, []float64{25, 10, 20}) {
		t.Errorf("failures %v; want those of now for the open one, and nothing new for the others", got)
	}
	if all, err := t.Outbox(t.Context(), 0, 10); len(all) != 4 || err != nil {
		t.Errorf("%d events, %v", len(all), err)
	}
}

// lastJudgement: what the judgement goes on from is stored with a step, and stays without.
func lastJudgement(t *stateTest) {
	stored := func(want string) {
		t.Helper()
		if text, err := t.Judgement(t.Context()); string(text) != want || err != nil {
			t.Errorf("judgement %q %v, want %q", text, err, want)
		}
	}
	stored("")
	must(t.T, t.SaveStep(t.Context(), detector.Step{Bin: at(10), Judgement: []byte("one\x00")}))
	t.step(20)
	t.reopen()
	stored("one\x00")
	large := strings.Repeat("large", 1<<20)
	must(t.T, t.SaveStep(t.Context(), detector.Step{Bin: at(30), Judgement: []byte(large)}))
	t.reopen()
	stored(large)
	must(t.T, t.Prune(t.Context(), at(40), detector.Retention{}))
	stored(large)
}

// outbox: events are returned in the order of their steps until they are acknowledged, and numbers
// are never reused.
func outbox(t *stateTest) {
	t.step(2, model.Incident{ID: 1, Since: at(0)}, model.Incident{ID: 2, Since: at(0)})
	t.step(4)
	t.step(6, model.Incident{ID: 1, Since: at(0), Until: at(4)})
	t.reopen()
	all, err := t.Outbox(t.Context(), 0, 10)
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v %v, want three events", all, err)
	}
	for i, want := range []struct {
		id   int64
		kind model.EventKind
		bin  int
	}{{1, model.Opened, 2}, {2, model.Opened, 2}, {1, model.Cleared, 6}} {
		e := all[i]
		if e.Incident.ID != want.id || e.Kind != want.kind || !e.Bin.Equal(at(want.bin)) || e.Number == 0 || i > 0 && e.Number <= all[i-1].Number {
			t.Errorf("event %d: %+v, want %+v", i, e, want)
		}
	}
	if rest, err := t.Outbox(t.Context(), all[0].Number, 1); err != nil || len(rest) != 1 || rest[0].Number != all[1].Number {
		t.Errorf("one after the first: %+v %v", rest, err)
	}
	for range 2 {
		must(t.T, t.AckOutbox(t.Context(), all[1].Number, []byte("told of two"), nil))
	}
	if rest, err := t.Outbox(t.Context(), 0, 10); err != nil || len(rest) != 1 || rest[0].Number != all[2].Number {
		t.Errorf("after two were acknowledged: %+v %v", rest, err)
	}
	t.reopen()
	if state, err := t.AlertState(t.Context()); err != nil || string(state) != "told of two" {
		t.Errorf("what was stored with the acknowledgement: %q %v", state, err)
	}
	must(t.T, t.AckOutbox(t.Context(), all[2].Number, nil, nil))
	t.reopen()
	if state, err := t.AlertState(t.Context()); err != nil || len(state) != 0 {
		t.Errorf("the last acknowledgement stored nothing, but there is %q %v", state, err)
	}
	t.step(8, model.Incident{ID: 3, Since: at(0)})
	if rest, err := t.Outbox(t.Context(), 0, 10); err != nil || len(rest) != 1 || rest[0].Number <= all[2].Number {
		t.Errorf("after all were acknowledged: %+v %v, want a new one with a new number", rest, err)
	}
}

// deletionsAt are notices that one network sends at a time.
func deletionsAt(at time.Time, asn uint32, clients ...uint64) (all []detector.Deletion) {
	for _, c := range clients {
		all = append(all, detector.Deletion{Client: c, ASN: asn, Received: at})
	}
	return all
}

func deletions(t *stateTest) {
	var asked []uint64
	for c := range uint64(1200) {
		asked = append(asked, c<<50+1)
	}
	must(t.T, t.SaveDeleted(t.Context(), deletionsAt(start, 1, asked[:2]...)))
	must(t.T, t.SaveDeleted(t.Context(), deletionsAt(start, 1, asked[1100:]...)))
	t.reopen()
	got, err := t.Deleted(t.Context(), asked)
	slices.Sort(got)
	if want := append(slices.Clone(asked[:2]), asked[1100:]...); err != nil || !slices.Equal(got, want) {
		t.Errorf("%d are deleted, %v; want %d", len(got), err, len(want))
	}
	if got, err := t.Deleted(t.Context(), asked[2:5]); len(got) != 0 || err != nil {
		t.Errorf("%v %v, want none", got, err)
	}
}

func (t *stateTest) key(when time.Time) sketch.Key {
	t.Helper()
	k, err := t.ClientKey(t.Context(), when.Truncate(day))
	must(t.T, err)
	return k
}

// keysOfDays: a day's key is kept while it may be needed, and is then deleted for good.
func keysOfDays(t *stateTest) {
	today, yesterday, older := t.key(start), t.key(start.Add(-day)), t.key(start.Add(-2*day))
	if today == yesterday || today == older || yesterday == older || today == (sketch.Key{}) {
		t.Fatal("keys are not random")
	}
	t.reopen()
	must(t.T, t.Prune(t.Context(), start, detector.Retention{}))
	if t.key(start) != today || t.key(start.Add(-day)) != yesterday {
		t.Error("a key that is needed has changed")
	}
	if t.key(start.Add(-2*day)) == older {
		t.Error("a key that is no longer needed is still there")
	}
	must(t.T, t.Prune(t.Context(), start.Add(2*day), detector.Retention{}))
	if t.key(start) == today {
		t.Error("the key has outlived the next day")
	}
}

func pruneState(t *stateTest) {
	now := start.Add(100 * day)
	old := model.Incident{ID: 1, Since: now.Add(-41 * day), Until: now.Add(-40 * day)}
	must(t.T, t.SaveStep(t.Context(), detector.Step{Bin: now.Add(-40 * day), Events: []model.Event{{Kind: model.Cleared, Incident: old}}}))
	must(t.T, t.SaveStep(t.Context(), detector.Step{Bin: now, Events: []model.Event{
		{Kind: model.Cleared, Incident: model.Incident{ID: 2, Since: now.Add(-day), Until: now}},
		{Kind: model.Opened, Incident: model.Incident{ID: 9, Since: now.Add(-60 * day)}}}}))
	must(t.T, t.SaveCursor(t.Context(), &detector.FeedPage{Feed: "c1", Cursor: 5}))
	must(t.T, t.SaveDeleted(t.Context(), deletionsAt(now.Add(-32*day), 1, 1, 3)))
	must(t.T, t.SaveDeleted(t.Context(), deletionsAt(now.Add(-30*day), 1, 2, 3))) // client 3 again
	for range 2 {
		must(t.T, t.Prune(t.Context(), now, detector.Retention{}))
	}
	if all, err := t.Incidents(t.Context(), time.Time{}); err != nil || len(all) != 2 || all[0].ID != 9 || all[1].ID != 2 {
		t.Errorf("%+v %v, want the open one and the young one", all, err)
	}
	if all, err := t.Outbox(t.Context(), 0, 10); err != nil || len(all) != 2 {
		t.Errorf("%d events in the outbox, %v; want the two young ones", len(all), err)
	}
	deleted, err := t.Deleted(t.Context(), []uint64{1, 2, 3})
	slices.Sort(deleted)
	if err != nil || !slices.Equal(deleted, []uint64{2, 3}) {
		t.Errorf("deleted are %v, %v; want those of which something may still come", deleted, err)
	}
	if c := t.cursor("c1"); c != 5 {
		t.Errorf("cursor %d", c)
	}
}

func manySteps(t *stateTest) {
	var group sync.WaitGroup
	const writers, each = 4, 10
	for w := range writers {
		group.Go(func() {
			for n := range each {
				err := t.SaveStep(t.Context(), detector.Step{Bin: at(n), Events: []model.Event{{Kind: model.Opened, Incident: model.Incident{ID: int64(100*w + n + 1), Since: start}}}})
				_, readErr := t.Incidents(t.Context(), start)
				if err := errors.Join(err, readErr); err != nil {
					t.Error(err)
				}
				if k, err := t.ClientKey(t.Context(), start); k == (sketch.Key{}) || err != nil {
					t.Errorf("key %v", err)
				}
			}
		})
	}
	group.Wait()
	if all, err := t.Outbox(t.Context(), 0, 1000); err != nil || len(all) != writers*each {
		t.Errorf("%d events, %v; want %d", len(all), err, writers*each)
	}
}

func stateContext(t *stateTest) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	s := detector.Step{Bin: at(2), Events: []model.Event{{Kind: model.Opened, Incident: model.Incident{ID: 1, Since: start}}}}
	if err := t.SaveStep(gone, s); !errors.Is(err, context.Canceled) {
		t.Errorf("SaveStep after its context ended: %v", err)
	}
	if last, err := t.Evaluated(t.Context()); !last.IsZero() || err != nil || len(t.ids(0)) != 0 {
		t.Errorf("it has stored something: %v %v", last, err)
	}
}

func stateReady(t *stateTest) {
	must(t.T, t.Ready(t.Context()))
	for range 2 {
		must(t.T, t.Close())
	}
	if err := t.Ready(t.Context()); err == nil {
		t.Error("a closed store is ready")
	}
	if err := t.SaveStep(t.Context(), detector.Step{Bin: start}); err == nil {
		t.Error("a closed store takes a step")
	}
}
