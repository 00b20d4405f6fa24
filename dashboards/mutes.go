package dashboards

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorilla/mux"

	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// Mutes keeps mutes by scope. It is safe for concurrent use.
type Mutes interface {
	// AddMute stores a mute and returns it with its number. Its error wraps model.ErrQuery if there
	// are too many.
	AddMute(ctx context.Context, m model.Mute) (model.Mute, error)
	// EndMute ends a mute before its time, and returns it. Its error wraps model.ErrQuery if there
	// is no such mute, or if it is over.
	EndMute(ctx context.Context, number int64, at time.Time, who string) (model.Mute, error)
	// Mutes returns the mutes that end after since, in the order of their numbers: at most
	// [model.MaxMutesRead], those that end last.
	Mutes(ctx context.Context, since time.Time) ([]model.Mute, error)
}

// mutesPath matches the paths to which mutes, and their ends, are sent.
var mutesPath = regexp.MustCompile("^" + regexp.QuoteMeta(api.Root) + "/mutes(/[0-9]{1,18}/end)?$")

// maxNewMute is the greatest length in bytes of the body of a request that adds a mute.
const maxNewMute = maxNewNote + 6*(2+2*model.MaxMuteValues)*model.MaxMuteValue

// mutesSince is how far back mutes are listed unless a request says.
const mutesSince = 24 * time.Hour

func (d *Dashboard) getMutes(w http.ResponseWriter, r *http.Request, p *params) error {
	since := p.span("since", mutesSince, d.o.Retention)
	if p.err != nil {
		return p.err
	}
	now := time.Now()
	mutes, err := d.mutesSince(r.Context(), now.Add(-since))
	if err != nil {
		return err
	}
	return writeJSON(w, d.muteRows(mutes, now))
}

// postMute adds a mute by scope.
func (d *Dashboard) postMute(w http.ResponseWriter, r *http.Request) error {
	if d.o.Mutes == nil {
		return errNotFound
	}
	var in api.NewMute
	if err := readBody(w, r, &in, "a scope, start, for, reason and who", maxNewMute); err != nil {
		return err
	}
	now := time.Now()
	m := model.Mute{At: now, Start: in.Start, Reason: strings.TrimSpace(in.Reason),
		Scope: model.MuteScope{App: strings.TrimSpace(in.App), Target: strings.TrimSpace(in.Target), Servers: in.Servers, ASNs: in.ASNs, Countries: in.Countries}}
	m.Who, m.Known = writer(r, in.Who)
	if m.Start.IsZero() {
		m.Start = now
	}
	if err := checkScopeMute(&m, in.For); err != nil {
		return err
	}
	m, err := d.o.Mutes.AddMute(r.Context(), m)
	if errors.Is(err, model.ErrQuery) {
		return &paramError{name: "mutes", must: fmt.Sprintf("must be fewer than %d that are not over; end one first", model.MaxMutes)}
	}
	if err != nil {
		return err
	}
	d.o.Logger.Info("mute by scope", "mute", m.Number, "scope", m.Scope.Words(nil), "who", m.Who, "known", m.Known, "start", m.Start, "end", m.End)
	return writeJSON(w, d.muteRow(&m, now))
}

// postMuteEnd ends a mute by scope before its time.
func (d *Dashboard) postMuteEnd(w http.ResponseWriter, r *http.Request) error {
	if d.o.Mutes == nil {
		return errNotFound
	}
	number, err := strconv.ParseInt(mux.Vars(r)["number"], 10, 64)
	if err != nil {
		return errNotFound
	}
	var in api.EndMute
	if err := readBody(w, r, &in, "who", maxNewNote); err != nil {
		return err
	}
	who, known := writer(r, in.Who)
	if err := checkWho(who); err != nil {
		return err
	}
	now := time.Now()
	m, err := d.o.Mutes.EndMute(r.Context(), number, now, who)
	if errors.Is(err, model.ErrQuery) {
		return &paramError{name: "mute", must: "must be the number of one that is not over"}
	}
	if err != nil {
		return err
	}
	d.o.Logger.Info("end of a mute by scope", "mute", m.Number, "who", who, "known", known)
	return writeJSON(w, d.muteRow(&m, now))
}

// checkScopeMute checks a mute and sets its end.
func checkScopeMute(m *model.Mute, length string) error {
	s := &m.Scope
	texts := append([]string{s.App, s.Target}, s.Servers...)
	for _, text := range texts {
		if len(text) > model.MaxMuteValue || !utf8.ValidString(text) {
			return &paramError{name: "scope", must: fmt.Sprintf("must have patterns in UTF-8 of at most %d bytes", model.MaxMuteValue)}
		}
	}
	for i := range s.Servers {
		if s.Servers[i] = strings.Trim(strings.TrimSpace(s.Servers[i]), "/"); s.Servers[i] == "" {
			return &paramError{name: "servers", must: "must not have an empty pattern"}
		}
	}
	for _, c := range s.Countries {
		if len(c) != 2 || strings.Trim(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return &paramError{name: "countries", must: "must be two capital letters each"}
		}
	}
	switch {
	case s.Empty():
		return &paramError{name: "scope", must: "must be given: app, target, servers, asns or countries"}
	case max(len(s.Servers), len(s.ASNs), len(s.Countries)) > model.MaxMuteValues:
		return &paramError{name: "scope", must: fmt.Sprintf("must have at most %d values of a kind", model.MaxMuteValues)}
	case m.Reason == "", len(m.Reason) > model.MaxNoteText, !utf8.ValidString(m.Reason):
		return &paramError{name: "reason", must: fmt.Sprintf("must be given, in UTF-8, with at most %d bytes", model.MaxNoteText)}
	case m.Start.Before(m.At.Add(-time.Minute)), m.Start.After(m.At.Add(model.MaxMuteAhead)):
		return &paramError{name: "start", must: fmt.Sprintf("must not be in the past, nor more than %s ahead", api.FormatSpan(model.MaxMuteAhead))}
	}
	lasts, err := muteLength(length)
	if err != nil {
		return err
	}
	m.End = m.Start.Add(lasts)
	return checkWho(m.Who)
}

// mutesSince returns the mutes by scope that end after a time.
func (d *Dashboard) mutesSince(ctx context.Context, since time.Time) ([]model.Mute, error) {
	if d.o.Mutes == nil {
		return nil, nil
	}
	return d.o.Mutes.Mutes(ctx, since)
}

// mutes reads the section for the page.
func (l *look) mutes() (any, error) {
	mutes, err := l.d.mutesSince(l.ctx, l.now)
	if err != nil {
		return nil, err
	}
	return l.d.muteRows(mutes, l.now), nil
}

// muteOf returns the mute of an incident that lasts longest, or nil if it is not muted now.
func (d *Dashboard) muteOf(j *model.Journal, i *model.Incident, mutes []model.Mute, now time.Time) (found *api.Mute) {
	if n := j.Mute(); n != nil && n.Until.After(now) {
		found = &api.Mute{Until: stamp(n.Until), Who: n.Who, Reason: n.Text}
	}
	if m := model.MuteOf(mutes, i, d.about, now); m != nil && m.Holds(now) && (found == nil || m.End.After(found.Until)) {
		found = &api.Mute{Until: stamp(m.End), Who: m.Who, Reason: m.Reason, Number: m.Number}
	}
	return found
}

// about returns the names and places of the servers at an address.
func (d *Dashboard) about(address string) []string {
	return d.o.Servers.Topology().About(address)
}

// muteRows converts mutes. The result is never nil.
func (d *Dashboard) muteRows(mutes []model.Mute, now time.Time) []api.ScopeMute {
	rows := make([]api.ScopeMute, len(mutes))
	for i := range mutes {
		rows[i] = d.muteRow(&mutes[i], now)
	}
	return rows
}

func (d *Dashboard) muteRow(m *model.Mute, now time.Time) api.ScopeMute {
	state := api.MutePlanned
	switch {
	case m.Over(now):
		state = api.MuteOver
	case m.Holds(now):
		state = api.MuteHolds
	}
	return api.ScopeMute{Number: m.Number, State: state, Words: m.Scope.Words(d.networkName), App: m.Scope.App, Target: m.Scope.Target,
		Servers: list(m.Scope.Servers), Networks: d.scope(model.Scope{ASNs: m.Scope.ASNs}).Networks, Countries: list(m.Scope.Countries),
		Start: stamp(m.Start), End: stamp(m.End), At: stamp(m.At), Who: m.Who, Known: m.Known, Reason: m.Reason, Ended: m.Ended, EndedBy: m.EndedBy}
}

// scopeMuted tells which mutes by scope an incident had, from its beginning on.
func (d *Dashboard) scopeMuted(ctx context.Context, i *model.Incident, now time.Time) (all []api.Moment, err error) {
	mutes, err := d.mutesSince(ctx, i.Since)
	if err != nil {
		return nil, err
	}
	over := now
	if !i.Open() {
		over = i.Until
	}
	for k := range mutes {
		m := &mutes[k]
		if m.Start.After(over) || m.End.Before(m.Start) || !m.Scope.Covers(i, d.about) {
			continue
		}
		who := cmp.Or(m.Who, "somebody")
		all = append(all, api.Moment{At: stamp(latest(m.Start, i.Since)), Kind: "mute", Text: who + " had muted " + m.Scope.Words(d.networkName) + ": " + m.Reason})
		if m.End.Before(over) {
			all = append(all, api.Moment{At: stamp(m.End), Kind: "mute_over", Text: "the mute ended"})
		}
	}
	return all, nil
}

// latest returns the later of two times.
func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
