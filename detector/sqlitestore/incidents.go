package sqlitestore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
)

// SaveStep implements detector.State.
func (s *State) SaveStep(ctx context.Context, step detector.Step) error {
	return s.write(ctx, "storing a step", func(tx *sql.Tx) error {
		for i := range step.Present { // before the events, which are the last word
			if err := savePresent(tx, &step.Present[i]); err != nil {
				return err
			}
		}
		for i := range step.Events {
			if err := noteJudgement(tx, &step, &step.Events[i]); err != nil {
				return err
			}
			if err := saveEvent(tx, step.Bin, &step.Events[i]); err != nil {
				return err
			}
		}
		if step.Judgement != nil {
			if _, err := tx.Exec("UPDATE state SET judgement = ?", step.Judgement); err != nil {
				return err
			}
		}
		_, err := tx.Exec("UPDATE state SET evaluated = ?", step.Bin.UnixMilli())
		return err
	})
}

// saveEvent stores the present state of an event's incident, and the event in the outbox.
func saveEvent(tx *sql.Tx, bin time.Time, e *model.Event) error {
	i := &e.Incident
	body, err := encodeIncident(i)
	if err != nil {
		return err
	}
	until := int64(0)
	if !i.Open() {
		until = i.Until.UnixMilli()
	}
	if _, err := tx.Exec(`INSERT INTO incidents (id, since, until, body, cause) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET since = excluded.since, until = excluded.until, body = excluded.body, cause = excluded.cause`,
		i.ID, i.Since.UnixMilli(), until, body, causeOf(i)); err != nil {
		return err
	}
	_, err = tx.Exec("INSERT INTO outbox (bin, kind, incident, body) VALUES (?, ?, ?, ?)", bin.UnixMilli(), e.Kind, i.ID, body)
	return err
}

// savePresent stores the figures of an incident that is open.
func savePresent(tx *sql.Tx, i *model.Incident) error {
	body, err := encodeIncident(i)
	if err == nil && i.Open() {
		_, err = tx.Exec("UPDATE incidents SET body = ? WHERE id = ? AND until = 0", body, i.ID)
	}
	return err
}

// Incidents implements detector.State.
func (s *State) Incidents(ctx context.Context, since time.Time) ([]model.Incident, error) {
	return sqlitedb.List(ctx, s.asked, "reading incidents", `SELECT body FROM incidents WHERE until = 0 OR until >= ?
		ORDER BY until = 0 DESC, since DESC, id DESC LIMIT ?`, []any{since.UnixMilli(), model.MaxRows},
		func(rows *sql.Rows) (i model.Incident, err error) {
			var body sql.RawBytes
			if err := rows.Scan(&body); err != nil {
				return i, err
			}
			return decodeIncident(body)
		})
}

// Evaluated implements detector.State.
func (s *State) Evaluated(ctx context.Context) (time.Time, error) {
	var ms int64
	if err := s.readers.QueryRowContext(ctx, "SELECT evaluated FROM state").Scan(&ms); err != nil {
		return time.Time{}, fmt.Errorf("reading the last bin: %w", err)
	}
	if ms == 0 {
		return time.Time{}, nil
	}
	return time.UnixMilli(ms), nil
}

// LastIncident implements detector.State.
func (s *State) LastIncident(ctx context.Context) (id int64, err error) {
	if err := s.readers.QueryRowContext(ctx, "SELECT coalesce(max(id), 0) FROM incidents").Scan(&id); err != nil {
		return 0, fmt.Errorf("reading the last incident: %w", err)
	}
	return id, nil
}

// Outbox implements detector.State.
func (s *State) Outbox(ctx context.Context, after uint64, limit int) ([]detector.Outgoing, error) {
	return sqlitedb.List(ctx, s.readers, "reading the outbox", "SELECT number, bin, kind, body FROM outbox WHERE number > ? ORDER BY number LIMIT ?",
		[]any{int64(after), limit}, func(rows *sql.Rows) (o detector.Outgoing, err error) {
			var number, bin int64
			var body sql.RawBytes
			if err := rows.Scan(&number, &bin, &o.Kind, &body); err != nil {
				return o, err
			}
			o.Number, o.Bin = uint64(number), time.UnixMilli(bin)
			o.Incident, err = decodeIncident(body)
			return o, err
		})
}

// AckOutbox implements detector.State.
func (s *State) AckOutbox(ctx context.Context, upTo uint64, alertState []byte, told []model.Milestone) error {
	return s.write(ctx, "acknowledging the outbox", func(tx *sql.Tx) error {
		if _, err := tx.Exec("DELETE FROM outbox WHERE number <= ?", int64(upTo)); err != nil {
			return err
		}
		for i := range told {
			if err := addMilestone(tx, &told[i]); err != nil {
				return err
			}
		}
		_, err := tx.Exec("UPDATE state SET alerts = ?", blob(alertState))
		return err
	})
}

// AlertState implements detector.State.
func (s *State) AlertState(ctx context.Context) (state []byte, err error) {
	if err := s.readers.QueryRowContext(ctx, "SELECT alerts FROM state").Scan(&state); err != nil {
		return nil, fmt.Errorf("reading the state of alerts: %w", err)
	}
	return state, nil
}
