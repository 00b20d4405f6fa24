package dashboards

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/judge"
)

// timeline tells the story of an incident: the fault, what the detector and the notifier did, and
// what people did. Its page needs its incident and its curve. The timeline is never empty.
func (d *Dashboard) timeline(ctx context.Context, of *model.Incident, page *api.IncidentPage, now time.Time) ([]api.Moment, error) {
	i := &page.Incident
	all := []api.Moment{{At: i.Since, Kind: "onset", Text: "onset, as far as the requests tell"}}
	if d.o.Journal != nil {
		milestones, err := d.o.Journal.Milestones(ctx, i.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, told(milestones)...)
	}
	all = append(all, recovery(&page.Curve, i)...)
	all = append(all, deeds(i.Notes, now)...)
	muted, err := d.scopeMuted(ctx, of, now)
	if err != nil {
		return nil, err
	}
	all = append(all, muted...)
	if !i.Until.IsZero() {
		all = append(all, api.Moment{At: i.Until, Kind: "over", Text: "the last failures"})
	}
	slices.SortStableFunc(all, func(a, b api.Moment) int { return a.At.Compare(b.At) })
	return all, nil
}

// recovery says when it got better. What the same networks and servers did after the incident was
// over is no part of it.
func recovery(c *api.Curve, i *api.Incident) []api.Moment {
	at := c.TrendSince
	if !at.After(i.Since) || !i.Until.IsZero() && !at.Before(i.Until) {
		return nil
	}
	if judge.Trend(c.Trend) == judge.Recovered {
		return []api.Moment{{At: at, Kind: "recovered", Text: "back to normal"}}
	}
	return []api.Moment{{At: at, Kind: "recovering", Text: "it began to recover"}}
}

// together is the longest time between receivers that are told at once.
const together = 5 * time.Second

// told puts milestones into words. Receivers that heard the same at the same time share a moment.
func told(milestones []model.Milestone) (all []api.Moment) {
	reasons := []string{} // of each moment
	for k := range milestones {
		m := &milestones[k]
		at := slices.IndexFunc(all, func(o api.Moment) bool { return o.Kind == string(m.Kind) && m.At.Sub(o.At) <= together })
		if at >= 0 && m.Receiver != "" && reasons[at] == m.Reason {
			all[at].Receivers = append(all[at].Receivers, m.Receiver)
			continue
		}
		moment := api.Moment{At: stamp(m.At), Kind: string(m.Kind)}
		if m.Receiver != "" {
			moment.Receivers = []string{m.Receiver}
		}
		all, reasons = append(all, moment), append(reasons, m.Reason)
	}
	for k := range all {
		all[k].Text = milestoneWords(model.MilestoneKind(all[k].Kind), all[k].Receivers, reasons[k])
	}
	return all
}

func milestoneWords(kind model.MilestoneKind, receivers []string, reason string) string {
	slices.Sort(receivers)
	who, was := andList(receivers), "was"
	if len(receivers) > 1 {
		was = "were"
	}
	switch kind {
	case model.MilestoneJudged:
		return "the detector opened the incident"
	case model.MilestoneReopened:
		return "it came back, and the detector opened the incident again"
	case model.MilestoneCleared:
		return "the detector found that it was over"
	case model.MilestoneTold:
		return who + " " + was + " told"
	case model.MilestoneUpdated:
		return who + " " + was + " told of a change"
	case model.MilestoneReminded:
		return who + " " + was + " reminded"
	case model.MilestoneToldOver:
		return who + " " + was + " told that it is over"
	case model.MilestoneNotTold:
		return who + " could not be told: " + reason
	case model.MilestoneGivenUp:
		return "a message to " + who + " was given up after many attempts: " + reason
	case model.MilestoneElsewhere:
		return "another detector tells receivers of it"
	default:
		return string(kind) // of a newer release
	}
}

// andList joins names: "a, b and c".
func andList(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// deeds says what people did, except for plain notes.
func deeds(notes []api.Note, now time.Time) (all []api.Moment) {
	var muted *api.Note // since then
	expired := func(before time.Time) {
		if muted != nil && muted.Until.Before(before) {
			all = append(all, api.Moment{At: muted.Until, Kind: "mute_over", Text: "the mute ended"})
			muted = nil
		}
	}
	for k := range notes {
		n := &notes[k]
		expired(n.At)
		switch n.Kind {
		case api.NoteText:
			continue
		case api.NoteMute:
			muted = n
		case api.NoteUnmute:
			muted = nil
		}
		all = append(all, api.Moment{At: n.At, Kind: string(n.Kind), Text: deedWords(n)})
	}
	expired(now)
	return all
}

// deedWords is a note that is more than a text, in words without that text.
func deedWords(n *api.Note) string {
	who := cmp.Or(n.Who, "somebody")
	switch n.Kind {
	case api.NoteAck:
		return "acknowledged by " + who
	case api.NoteMute:
		return who + " muted it until " + n.Until.UTC().Format("2006-01-02 15:04 UTC") + ": " + n.Text
	case api.NoteUnmute:
		return who + " ended the mute"
	case api.NotePublic:
		return who + " told the public"
	case api.NoteResolved:
		return who + " told the public that it is over"
	case api.NotePrivate:
		return who + " took it off the status page"
	default:
		return who + ": " + string(n.Kind)
	}
}
