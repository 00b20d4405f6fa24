package storetest

import (
	"reflect"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
)

// milestones: what the detector and the notifier did about an incident stays with it, and mutes
// with their ends.
func milestones(t *stateTest) {
	judge := func(sec int, kind model.EventKind, i model.Incident) {
		t.Helper()
		must(t.T, t.SaveStep(t.Context(), detector.Step{Bin: at(sec), Judged: at(sec + 1), Events: []model.Event{{Kind: kind, Incident: i}}}))
	}
	open := model.Incident{ID: 1, Since: at(0)}
	over := open
	over.Until = at(8)
	judge(2, model.Opened, open)
	judge(4, model.Changed, open)
	told := model.Milestone{Incident: 1, At: at(5), Kind: model.MilestoneTold, Receiver: "ops"}
	failed := model.Milestone{Incident: 1, At: at(6), Kind: model.MilestoneNotTold, Receiver: "pager", Reason: "it answers 503"}
	must(t.T, t.AckOutbox(t.Context(), 1, []byte("x"), []model.Milestone{told, failed, {Incident: 99, At: at(6), Kind: model.MilestoneTold}}))
	judge(10, model.Cleared, over)
	judge(12, model.Opened, open)
	judge(14, model.Opened, open) // the same again after a restart
	judge(16, model.Cleared, over)
	// over when it was found
	judge(16, model.Cleared, model.Incident{ID: 2, Since: at(0), Until: at(3)})
	t.reopen()
	t.wantMilestones(1, model.Milestone{At: at(3), Kind: model.MilestoneJudged}, told, failed, model.Milestone{At: at(11), Kind: model.MilestoneCleared},
		model.Milestone{At: at(13), Kind: model.MilestoneReopened}, model.Milestone{At: at(17), Kind: model.MilestoneCleared})
	t.wantMilestones(2, model.Milestone{At: at(17), Kind: model.MilestoneJudged}, model.Milestone{At: at(17), Kind: model.MilestoneCleared})
	t.wantMilestones(99)

	var many []model.Milestone
	for n := range model.MaxMilestones + 50 {
		many = append(many, model.Milestone{Incident: 2, At: at(20 + n), Kind: model.MilestoneReminded, Receiver: "ops"})
	}
	must(t.T, t.AckOutbox(t.Context(), 9, nil, many))
	all, err := t.Milestones(t.Context(), 2)
	if err != nil || len(all) != model.MaxMilestones || all[0].Kind != model.MilestoneJudged || !all[model.FirstMilestones-1].At.Equal(many[model.FirstMilestones-3].At) ||
		!all[len(all)-1].At.Equal(many[len(many)-1].At) {
		t.Errorf("%d milestones, %v; want the first and the latest of %d", len(all), err, len(many)+2)
	}

	mute := model.Note{Incident: 1, At: at(18), Kind: model.NoteMute, Who: "ada", Text: "maintenance", Until: at(90)}
	_, err = t.AddNote(t.Context(), mute)
	must(t.T, err)
	t.reopen()
	journals, err := t.Journals(t.Context(), []int64{1})
	must(t.T, err)
	if m := journals[0].Mute(); m == nil || m.Text != "maintenance" || !m.Until.Equal(at(90)) || !journals[0].MutedUntil().Equal(at(90)) {
		t.Errorf("mute %+v", m)
	}
	must(t.T, t.Prune(t.Context(), at(100), detector.Retention{Rollups: 50 * time.Second}))
	t.wantMilestones(1)
}

func (t *stateTest) wantMilestones(incident int64, want ...model.Milestone) {
	t.Helper()
	have, err := t.Milestones(t.Context(), incident)
	must(t.T, err)
	for i := range have {
		have[i].At = have[i].At.UTC()
	}
	for i := range want {
		want[i].Incident, want[i].At = incident, want[i].At.UTC()
	}
	if len(have) != len(want) || len(want) > 0 && !reflect.DeepEqual(have, want) {
		t.Errorf("milestones of incident %d:\n%+v\nwant\n%+v", incident, have, want)
	}
}
