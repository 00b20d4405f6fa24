package dashboards

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// The timeline tells of the fault, the detector, the receivers and the people in their order, on
// the page and as Markdown.
func TestTimeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		at := func(minutes int) time.Time { return now.Add(time.Duration(minutes)*time.Minute - 2*time.Hour) }
		stone := func(minutes int, kind model.MilestoneKind, receiver, reason string) model.Milestone {
			return model.Milestone{Incident: 7, At: at(minutes), Kind: kind, Receiver: receiver, Reason: reason}
		}
		j := &journal{
			milestones: []model.Milestone{
				stone(1, model.MilestoneJudged, "", ""), stone(2, model.MilestoneTold, "phone", ""), stone(2, model.MilestoneNotTold, "team", "it answers with status 503"),
				stone(2, model.MilestoneTold, "am", ""), stone(4, model.MilestoneTold, "team", ""), stone(6, model.MilestoneUpdated, "phone", ""),
				stone(70, model.MilestoneCleared, "", ""), stone(70, model.MilestoneToldOver, "phone", ""), {Incident: 8, At: at(3), Kind: model.MilestoneJudged},
			},
			notes: []model.Note{
				{Number: 1, At: at(5), Kind: model.NoteAck, Who: "ada"}, {Number: 2, At: at(7), Kind: model.NoteText, Who: "ada", Text: "only a text"},
				{Number: 3, At: at(8), Kind: model.NoteMute, Who: "ada", Text: "we are on it", Until: at(20)}, {Number: 4, At: at(9), Kind: model.NotePublic, Text: "Some cannot pay."},
			},
		}
		i := model.Incident{ID: 7, App: "shop", Target: "https://shop.example", Verdict: model.NetworkPath, Since: at(0), Until: at(65), Title: "down"}
		_, client, stop := virtual(t, Options{Reader: &fakeReader{incidents: []model.Incident{i}}, Journal: j, StatusPage: func() string { return "https://status.example" }})
		defer stop()
		var page api.IncidentPage
		if err := json.Unmarshal(get(t, client, "/incident?id=7"), &page); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"onset: onset, as far as the requests tell", "judged: the detector opened the incident", "told: am and phone were told",
			"not_told: team could not be told: it answers with status 503", "told: team was told", "ack: acknowledged by ada", "updated: phone was told of a change",
			"mute: ada muted it until " + at(20).UTC().Format("2006-01-02 15:04 UTC") + ": we are on it", "public: somebody told the public",
			"mute_over: the mute ended", "over: the last failures", "cleared: the detector found that it was over", "told_over: phone was told that it is over",
		}
		var have []string
		for _, m := range page.Timeline {
			have = append(have, m.Kind+": "+m.Text)
		}
		if !slices.Equal(have, want) {
			t.Errorf("the timeline is\n%s\nwant\n%s", strings.Join(have, "\n"), strings.Join(want, "\n"))
		}
		if page.StatusPage != "https://status.example" || page.Incident.Muted != nil || page.Names == nil || !slices.Equal(page.Timeline[2].Receivers, []string{"am", "phone"}) {
			t.Errorf("%q, %+v, %v", page.StatusPage, page.Incident.Muted, page.Timeline[2].Receivers)
		}
		text := string(get(t, client, "/incident.md?id=7"))
		for _, want := range []string{"## Timeline\n\n- ", ": am and phone were told\n", ", somebody told the public: Some cannot pay.\n", ", ada: only a text\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("the Markdown lacks %q:\n%s", want, text)
			}
		}
	})
}
