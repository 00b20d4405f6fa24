package dashboards

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gorilla/mux"

	"github.com/heliograph-net/heliograph/dashboards/access"
	"github.com/heliograph-net/heliograph/dashboards/api"
	"github.com/heliograph-net/heliograph/model"
)

// Journal keeps what people do about incidents. It is safe for concurrent use.
type Journal interface {
	// AddNote stores a note and returns it with its number. Its error wraps model.ErrQuery if there
	// is no such incident, or if it has too many notes.
	AddNote(ctx context.Context, n model.Note) (model.Note, error)
	// Milestones returns what the detector and the notifier did about an incident, the earliest
	// first.
	Milestones(ctx context.Context, incident int64) ([]model.Milestone, error)
	// Journals returns the notes and the earlier incidents of incidents, in their order.
	Journals(ctx context.Context, incidents []int64) ([]model.Journal, error)
}

// notesPath matches the paths to which notes are sent.
var notesPath = regexp.MustCompile("^" + regexp.QuoteMeta(api.Root) + "/incidents/[0-9]{1,18}/notes$")

// maxNewNote is the greatest length in bytes of the body of a request that adds a note. Escaped, a
// text may be six times as long.
const maxNewNote = 6*(model.MaxNoteText+model.MaxNoteWho) + 1<<10

// postNote adds a note to an incident, in the name of who is logged in. On a listener without
// login, which only this host reaches, the writer says who it is.
func (d *Dashboard) postNote(w http.ResponseWriter, r *http.Request) error {
	if d.o.Journal == nil {
		return errNotFound
	}
	var in api.NewNote
	if err := readBody(w, r, &in, "kind, text, for and who", maxNewNote); err != nil {
		return err
	}
	id, err := strconv.ParseInt(mux.Vars(r)["id"], 10, 64)
	if err != nil {
		return errNotFound
	}
	n := model.Note{Incident: id, At: time.Now(), Kind: model.NoteKind(in.Kind), Text: strings.TrimSpace(in.Text)}
	n.Who, n.Known = writer(r, in.Who)
	if err := checkNote(&n); err != nil {
		return err
	}
	if err := checkMute(&n, in.For); err != nil {
		return err
	}
	n, err = d.o.Journal.AddNote(r.Context(), n)
	if errors.Is(err, model.ErrQuery) {
		return &paramError{name: "incident", must: fmt.Sprintf("must be one that is stored and, for a note, has fewer than %d", model.MaxNotes)}
	}
	if err != nil {
		return err
	}
	d.o.Logger.Info("note on an incident", "incident", n.Incident, "note", n.Number, "kind", string(n.Kind), "who", n.Who, "known", n.Known, "until", n.Until)
	return writeJSON(w, noteRow(&n))
}

// readBody decodes the JSON that a request sends, which has some members and at most so many bytes.
func readBody(w http.ResponseWriter, r *http.Request, into any, members string, most int64) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &paramError{name: "Content-Type", must: "must be application/json"}
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return &paramError{name: "body", must: fmt.Sprintf("must be JSON with %s, and at most %d bytes", members, most)}
	}
	return nil
}

// writer returns who makes a request: who is logged in, or else who the body says it is.
func writer(r *http.Request, says string) (who string, known bool) {
	if p := access.Of(r.Context()); p.How != "local" {
		return p.Name, true
	}
	return strings.TrimSpace(says), false
}

// checkWho checks the name of a writer.
func checkWho(who string) error {
	if len(who) > model.MaxNoteWho || !utf8.ValidString(who) {
		return &paramError{name: "who", must: fmt.Sprintf("must be UTF-8 with at most %d bytes", model.MaxNoteWho)}
	}
	return nil
}

// noteKinds are the kinds of notes that people may write.
var noteKinds = []string{string(model.NoteText), string(model.NoteAck), string(model.NoteMute), string(model.NoteUnmute),
	string(model.NotePublic), string(model.NoteResolved), string(model.NotePrivate)}

// wordy are the kinds that need a text.
var wordy = []model.NoteKind{model.NoteText, model.NoteMute, model.NotePublic}

// muteFor is how long a mute lasts if nobody says.
const muteFor = time.Hour

// checkMute sets the end of a mute.
func checkMute(n *model.Note, length string) error {
	if n.Kind != model.NoteMute {
		if length != "" {
			return &paramError{name: "for", must: "is only for mutes"}
		}
		return nil
	}
	lasts, err := muteLength(length)
	n.Until = n.At.Add(lasts)
	return err
}

// muteLength returns how long a mute lasts.
func muteLength(length string) (time.Duration, error) {
	if length == "" {
		return muteFor, nil
	}
	lasts, err := api.ParseSpan(length)
	if err != nil || lasts < time.Minute || lasts > model.MaxMute {
		return 0, &paramError{name: "for", must: fmt.Sprintf("must be a duration from 1m to %s, such as 30m, 4h or 2d", api.FormatSpan(model.MaxMute))}
	}
	return lasts, nil
}

func checkNote(n *model.Note) error {
	switch {
	case !slices.Contains(noteKinds, string(n.Kind)):
		return &paramError{name: "kind", must: "must be one of", allowed: noteKinds}
	case slices.Contains(wordy, n.Kind) && n.Text == "", len(n.Text) > model.MaxNoteText, !utf8.ValidString(n.Text):
		return &paramError{name: "text", must: fmt.Sprintf("must be given, in UTF-8, with at most %d bytes", model.MaxNoteText)}
	}
	return checkWho(n.Who)
}

func noteRow(n *model.Note) api.Note {
	row := api.Note{Number: n.Number, At: stamp(n.At), Kind: api.NoteKind(n.Kind), Who: n.Who, Known: n.Known, Text: n.Text}
	if !n.Until.IsZero() {
		row.Until = stamp(n.Until)
	}
	return row
}

// annotated converts incidents, with their notes and the incidents that they repeat.
func (d *Dashboard) annotated(ctx context.Context, incidents []model.Incident) ([]api.Incident, error) {
	rows := d.incidentRows(incidents)
	if d.o.Journal == nil || len(rows) == 0 {
		return rows, nil
	}
	ids := make([]int64, len(incidents))
	for i := range incidents {
		ids[i] = incidents[i].ID
	}
	journals, err := d.o.Journal.Journals(ctx, ids)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	mutes, err := d.mutesSince(ctx, now)
	if err != nil {
		return nil, err
	}
	if len(journals) != len(rows) {
		return nil, errors.New("the journal has another number of incidents than was asked for")
	}
	for i := range journals {
		j := &journals[i]
		for k := range j.Notes {
			rows[i].Notes = append(rows[i].Notes, noteRow(&j.Notes[k]))
		}
		rows[i].Acknowledged, rows[i].Earlier = j.Acknowledged() != nil, j.Earlier
		rows[i].NotesDropped = j.Dropped
		rows[i].Muted = d.muteOf(j, &incidents[i], mutes, now)
	}
	return rows, nil
}
