package storetest

import (
	"errors"
	"reflect"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
)

// notes: what people do about an incident stays with it, and incidents of the same target and scope
// are linked.
func notes(t *stateTest) {
	scope := model.Scope{ASNs: []uint32{64501}}
	inc := func(id int64, target string, scope model.Scope) model.Incident {
		return model.Incident{ID: id, App: "shop", Target: target, Scope: scope, Since: at(int(id)), Until: at(int(id) + 1)}
	}
	t.step(2, inc(1, shop, scope), inc(2, shop, model.Scope{}), inc(3, "https://other.test", scope), inc(4, shop, scope), inc(5, shop, scope))
	want := []model.Note{
		{Incident: 4, At: at(7).UTC(), Kind: model.NoteAck, Who: "ada", Known: true},
		{Incident: 4, At: at(8).UTC(), Kind: model.NoteText, Who: "bob", Text: "it is the transit\nagain"},
	}
	for i := range want {
		stored, err := t.AddNote(t.Context(), want[i])
		must(t.T, err)
		if stored.Number <= 0 || i > 0 && stored.Number <= want[i-1].Number {
			t.Errorf("number %d", stored.Number)
		}
		want[i].Number = stored.Number
	}
	if _, err := t.AddNote(t.Context(), model.Note{Incident: 99, Kind: model.NoteText}); !errors.Is(err, model.ErrQuery) {
		t.Errorf("a note on no incident: %v, want ErrQuery", err)
	}
	for range model.MaxNotes {
		_, err := t.AddNote(t.Context(), model.Note{Incident: 2, Kind: model.NoteText, Text: "x"})
		must(t.T, err)
	}
	if _, err := t.AddNote(t.Context(), model.Note{Incident: 2, Kind: model.NoteText}); !errors.Is(err, model.ErrQuery) {
		t.Errorf("too many notes: %v, want ErrQuery", err)
	}
	t.reopen()
	all, err := t.Journals(t.Context(), []int64{5, 4, 99})
	must(t.T, err)
	for i := range all[1].Notes {
		all[1].Notes[i].At = all[1].Notes[i].At.UTC()
	}
	if !reflect.DeepEqual(all, []model.Journal{{Incident: 5, Earlier: []int64{4, 1}}, {Incident: 4, Notes: want, Earlier: []int64{1}}, {Incident: 99}}) {
		t.Errorf("%+v", all)
	}
	if ack := all[1].Acknowledged(); ack == nil || ack.Who != "ada" || all[0].Acknowledged() != nil {
		t.Errorf("acknowledged: %+v", ack)
	}
	must(t.T, t.Prune(t.Context(), at(100), detector.Retention{Rollups: 50 * time.Second}))
	if all, err = t.Journals(t.Context(), []int64{4}); err != nil || len(all[0].Notes) != 0 {
		t.Errorf("after its incident was deleted: %+v, %v", all, err)
	}
}
