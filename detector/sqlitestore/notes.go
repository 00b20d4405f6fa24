package sqlitestore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
)

// version17 stores what people do about incidents, and by which incidents recur.
const version17 = `
CREATE TABLE notes (
	number   INTEGER PRIMARY KEY AUTOINCREMENT,
	incident INTEGER NOT NULL,
	at       INTEGER NOT NULL,
	kind     TEXT NOT NULL,
	who      TEXT NOT NULL,
	known    INTEGER NOT NULL, -- 1: who was told by a proxy
	text     TEXT NOT NULL
) STRICT;
CREATE INDEX notes_incident ON notes (incident, number);
ALTER TABLE incidents ADD COLUMN cause TEXT NOT NULL DEFAULT ''; -- see causeOf; empty: stored before
CREATE INDEX incidents_cause ON incidents (cause, id) WHERE cause <> '';`

// causeOf returns what an incident and those that it repeats have in common.
func causeOf(i *model.Incident) string {
	scope, err := json.Marshal(scopeJSON(i.Scope))
	if err != nil {
		return ""
	}
	return strings.Join([]string{i.App, i.Target, string(scope)}, "\x1f")
}

// AddNote implements detector.State.
func (s *State) AddNote(ctx context.Context, n model.Note) (model.Note, error) {
	err := s.write(ctx, "storing a note", func(tx *sql.Tx) error {
		var known bool
		var notes int
		if err := tx.QueryRow("SELECT EXISTS (SELECT 1 FROM incidents WHERE id = ?1), (SELECT count(*) FROM notes WHERE incident = ?1 AND (kind = 'note') = ?2)",
			n.Incident, n.Kind == model.NoteText).Scan(&known, &notes); err != nil {
			return err
		}
		switch {
		case !known:
			return fmt.Errorf("%w: there is no incident %d", model.ErrQuery, n.Incident)
		case n.Kind == model.NoteText && notes >= model.MaxNotes:
			return fmt.Errorf("%w: incident %d has %d notes already", model.ErrQuery, n.Incident, notes)
		case n.Kind != model.NoteText && notes >= model.MaxActs:
			if err := dropActs(tx, n.Incident, notes-model.MaxActs+1); err != nil {
				return err
			}
		}
		return tx.QueryRow("INSERT INTO notes (incident, at, kind, who, known, text, until) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
			n.Incident, n.At.UnixMilli(), string(n.Kind), n.Who, n.Known, n.Text, milli(n.Until)).Scan(&n.Number)
	})
	return n, err
}

// dropActs deletes the oldest notes that are more than a text, except the first that acknowledges
// the incident, and counts them.
func dropActs(tx *sql.Tx, incident int64, acts int) error {
	if _, err := tx.Exec(`DELETE FROM notes WHERE number IN (SELECT number FROM notes WHERE incident = ?1 AND kind <> 'note'
		AND number IS NOT (SELECT min(number) FROM notes WHERE incident = ?1 AND kind = 'ack') ORDER BY number LIMIT ?2)`, incident, acts); err != nil {
		return err
	}
	_, err := tx.Exec("UPDATE incidents SET acts_dropped = acts_dropped + ? WHERE id = ?", acts, incident)
	return err
}

// Journals implements detector.State.
func (s *State) Journals(ctx context.Context, incidents []int64) ([]model.Journal, error) {
	all := make([]model.Journal, len(incidents))
	at := make(map[int64]int, len(incidents))
	for i, id := range incidents {
		all[i].Incident, at[id] = id, i
	}
	for some := range slices.Chunk(incidents, forgetAtOnce) {
		args := make([]any, len(some))
		for i, id := range some {
			args[i] = id
		}
		err := sqlitedb.Each(ctx, s.asked, "reading notes", noteColumns+marks(len(some))+" ORDER BY number", args,
			func(rows *sql.Rows) error {
				n, err := scanNote(rows)
				if err != nil {
					return err
				}
				j := &all[at[n.Incident]]
				j.Notes = append(j.Notes, n)
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	err := sqlitedb.Each(ctx, s.asked, "reading notes", "SELECT id, acts_dropped FROM incidents WHERE acts_dropped > 0", nil, func(rows *sql.Rows) error {
		var id int64
		var dropped int
		err := rows.Scan(&id, &dropped)
		if i, wanted := at[id]; wanted {
			all[i].Dropped = dropped
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err := s.around(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// around adds to a journal the incidents that its incident repeats, with their mutes.
func (s *State) around(ctx context.Context, j *model.Journal) (err error) {
	if j.Earlier, err = s.earlier(ctx, j.Incident); err != nil || len(j.Earlier) == 0 {
		return err
	}
	j.Before, err = sqlitedb.List(ctx, s.asked, "reading mutes of earlier incidents", noteColumns+`(
		SELECT e.id FROM incidents i JOIN incidents e ON e.cause = i.cause AND e.cause <> '' AND e.id < i.id AND e.until > 0
		AND json_extract(CAST(e.body AS TEXT), '$.verdict') IS json_extract(CAST(i.body AS TEXT), '$.verdict')
		WHERE i.id = ? ORDER BY e.id DESC LIMIT ?) AND kind IN ('mute', 'unmute') ORDER BY number`, []any{j.Incident, model.MaxEarlier}, scanNote)
	return err
}

// noteColumns reads notes of incidents, a list of which must follow.
const noteColumns = "SELECT number, incident, at, kind, who, known, text, until FROM notes WHERE incident IN "

func scanNote(rows *sql.Rows) (n model.Note, err error) {
	var ms, until int64
	if err := rows.Scan(&n.Number, &n.Incident, &ms, &n.Kind, &n.Who, &n.Known, &n.Text, &until); err != nil {
		return n, err
	}
	n.At = time.UnixMilli(ms)
	if until != 0 {
		n.Until = time.UnixMilli(until)
	}
	return n, nil
}

// earlier returns the incidents that an incident repeats.
func (s *State) earlier(ctx context.Context, id int64) ([]int64, error) {
	return sqlitedb.List(ctx, s.asked, "reading earlier incidents", `SELECT e.id FROM incidents i JOIN incidents e ON e.cause = i.cause AND e.cause <> '' AND e.id < i.id
		WHERE i.id = ? ORDER BY e.id DESC LIMIT ?`, []any{id, model.MaxEarlier}, func(rows *sql.Rows) (id int64, err error) {
		err = rows.Scan(&id)
		return id, err
	})
}
