package storetest

import (
	"errors"
	"reflect"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
)

// mutes: mutes by scope are kept as they were made, end early or not, and are bounded.
func mutes(t *stateTest) {
	whole := model.Mute{At: at(1), Start: at(10), End: at(50), Who: "ada", Known: true, Reason: "new \"switches\"\n",
		Scope: model.MuteScope{App: "shop", Target: shop, Servers: []string{"web-*", "east/web"}, ASNs: []uint32{64501}, Countries: []string{"DE"}}}
	early := model.Mute{At: at(2), Start: at(2), End: at(90), Scope: model.MuteScope{Target: "*"}, Reason: "x"}
	planned := model.Mute{At: at(3), Start: at(60), End: at(90), Scope: model.MuteScope{Target: "*"}, Reason: "y"}
	for _, m := range []*model.Mute{&whole, &early, &planned} {
		added, err := t.AddMute(t.Context(), *m)
		must(t.T, err)
		if m.Number = added.Number; m.Number <= 0 {
			t.Errorf("number %d", m.Number)
		}
	}
	ended, err := t.EndMute(t.Context(), early.Number, at(20), "bob")
	must(t.T, err)
	if !ended.Ended || ended.EndedBy != "bob" || !ended.End.Equal(at(20)) || ended.Holds(at(20)) || !ended.Holds(at(19)) {
		t.Errorf("ended: %+v", ended)
	}
	if ended, err = t.EndMute(t.Context(), planned.Number, at(20), ""); err != nil || ended.Holds(at(60)) || ended.Holds(at(20)) || ended.Holds(at(19)) {
		t.Errorf("ended before it began: %+v, %v", ended, err)
	}
	for _, number := range []int64{early.Number, 99} {
		if _, err := t.EndMute(t.Context(), number, at(21), ""); !errors.Is(err, model.ErrQuery) {
			t.Errorf("ending mute %d: %v, want ErrQuery", number, err)
		}
	}
	t.reopen()
	all, err := t.Mutes(t.Context(), at(0))
	must(t.T, err)
	if len(all) != 3 {
		t.Fatalf("%+v", all)
	}
	first := all[0]
	first.At, first.Start, first.End = first.At.UTC(), first.Start.UTC(), first.End.UTC()
	whole.At, whole.Start, whole.End = whole.At.UTC(), whole.Start.UTC(), whole.End.UTC()
	if !reflect.DeepEqual(first, whole) {
		t.Errorf("%+v\nwant\n%+v", first, whole)
	}
	if all, err = t.Mutes(t.Context(), at(30)); err != nil || len(all) != 1 {
		t.Errorf("those that end later: %+v, %v", all, err)
	}
	for range model.MaxMutes - 1 {
		_, err := t.AddMute(t.Context(), model.Mute{At: at(30), Start: at(30), End: at(40), Scope: model.MuteScope{Target: "*"}})
		must(t.T, err)
	}
	if _, err := t.AddMute(t.Context(), whole); !errors.Is(err, model.ErrQuery) {
		t.Errorf("too many mutes: %v, want ErrQuery", err)
	}
	for n := range model.MaxMutesRead { // each ends at once
		now := at(41).Add(time.Duration(n) * time.Millisecond)
		m, err := t.AddMute(t.Context(), model.Mute{At: now, Start: now, End: at(49), Scope: model.MuteScope{Target: "*"}})
		must(t.T, err)
		_, err = t.EndMute(t.Context(), m.Number, now, "")
		must(t.T, err)
	}
	all, err = t.Mutes(t.Context(), at(0))
	must(t.T, err)
	if last := all[len(all)-1].Number; len(all) != model.MaxMutesRead || all[0].Number != whole.Number || last-all[1].Number != model.MaxMutesRead-2 {
		t.Errorf("%d mutes, the first %d, then %d to %d", len(all), all[0].Number, all[1].Number, last)
	}
	_, err = t.AddMute(t.Context(), model.Mute{At: at(45), Start: at(45), End: at(49), Scope: model.MuteScope{Target: "*"}}) // most are over
	must(t.T, err)
	must(t.T, t.Prune(t.Context(), at(100), detector.Retention{Rollups: 55 * time.Second}))
	if all, err = t.Mutes(t.Context(), at(0)); err != nil || len(all) != 2 {
		t.Errorf("after they were pruned: %+v, %v", all, err)
	}
}

// acts: what people do about an incident is not kept out by what they did, and a mute holds for the
// same fault when it is there again.
func acts(t *stateTest) {
	inc := func(id int64) model.Incident {
		return model.Incident{ID: id, App: "shop", Target: shop, Since: at(int(id)), Until: at(int(id) + 1)}
	}
	t.step(2, inc(1), inc(2))
	add := func(incident int64, kind model.NoteKind, text string) {
		t.Helper()
		_, err := t.AddNote(t.Context(), model.Note{Incident: incident, At: at(3), Kind: kind, Text: text, Until: at(60)})
		must(t.T, err)
	}
	for range model.MaxNotes {
		add(1, model.NoteText, "x")
	}
	add(1, model.NotePublic, "the first words")
	add(1, model.NoteAck, "mine")
	for range model.MaxActs {
		add(1, model.NoteMute, "again")
	}
	add(1, model.NotePrivate, "")
	t.reopen()
	all, err := t.Journals(t.Context(), []int64{1, 2})
	must(t.T, err)
	notes := all[0].Notes
	if len(notes) != model.MaxNotes+model.MaxActs || all[0].Dropped != 3 || notes[len(notes)-1].Kind != model.NotePrivate || all[0].Acknowledged() == nil {
		t.Errorf("%d notes, %d dropped, the last %+v, acknowledged %+v", len(notes), all[0].Dropped, notes[len(notes)-1], all[0].Acknowledged())
	}
	// An incident of another verdict, and one beside it that goes on, are not the same.
	other, beside := inc(3), inc(4)
	other.Verdict, beside.Verdict = model.DNS, model.DNS
	other.Until, beside.Until = time.Time{}, time.Time{}
	t.step(4, other, beside)
	_, err = t.AddNote(t.Context(), model.Note{Incident: 3, At: at(5), Kind: model.NoteMute, Text: "x", Until: at(60)})
	must(t.T, err)
	more, err := t.Journals(t.Context(), []int64{3, 4})
	must(t.T, err)
	if m := more[0].Mute(); m == nil || m.Text != "x" || more[1].Mute() != nil {
		t.Errorf("muted %+v and %+v, want the first alone", m, more[1].Mute())
	}
	if m := all[1].Mute(); m == nil || m.Text != "again" || !all[1].MutedUntil().Equal(at(60)) || all[1].Dropped != 0 {
		t.Errorf("the same fault again: %+v", m)
	}
}
