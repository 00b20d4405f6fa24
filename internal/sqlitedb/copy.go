package sqlitedb

import (
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/internal/salvage"
)

// copyRows is how many rows one transaction copies.
const copyRows = 1000

// maxGaps is the most gaps in a table after which reading is resumed.
const maxGaps = 200

// copier copies the rows that can be read from the tables of an old file.
type copier struct {
	*Repairer
	old, fresh *sql.DB
	said       time.Time
}

// table is one table of the new file.
type table struct {
	name    string
	columns []string
	key     string // the rowid, or the first column of the primary key
	order   string // by the whole key
}

// all copies every table.
func (c *copier) all(ctx context.Context, report *salvage.Report) error {
	tables, err := c.tables(ctx)
	if err != nil {
		return err
	}
	for i := range tables {
		t := &tables[i]
		if slices.Contains(c.Derived, t.name) {
			continue
		}
		result := salvage.Table{Name: t.name}
		if err := c.table(ctx, t, &result); err != nil {
			return fmt.Errorf("repairing table %s: %w", t.name, err)
		}
		if result.Kept > 0 || result.Lost() {
			report.Tables = append(report.Tables, result)
		}
	}
	return ctx.Err()
}

// tables returns the tables of the new file.
func (c *copier) tables(ctx context.Context) (all []table, err error) {
	rows, err := c.fresh.QueryContext(ctx, `SELECT l.name, l.wr, i.name, i.pk FROM pragma_table_list l JOIN pragma_table_info(l.name) i
		WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT LIKE 'sqlite_%' ORDER BY l.name, i.cid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name, column string
		var bare bool
		var pk int
		if err := rows.Scan(&name, &bare, &column, &pk); err != nil {
			return nil, err
		}
		if len(all) == 0 || all[len(all)-1].name != name {
			all = append(all, table{name: name, key: "rowid", order: "rowid"})
		}
		t := &all[len(all)-1]
		t.columns = append(t.columns, column)
		switch {
		case bare && pk == 1:
			t.key, t.order = column, column
		case bare && pk > 1: // keys are declared in their order
			t.order += ", " + column
		}
	}
	return all, rows.Err()
}

// table copies one table. A row that cannot be read is not an error.
func (c *copier) table(ctx context.Context, t *table, result *salvage.Table) error {
	// a new file may contain rows
	if _, err := c.fresh.ExecContext(ctx, "DELETE FROM "+t.name); err != nil {
		return err
	}
	var last any // the last key that was read
	query, args := t.query(">=", nil)
	for ctx.Err() == nil {
		read, err := c.run(ctx, t, query, args, result)
		if read != nil {
			last = read
		}
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if !unreadable(err) {
			result.Err = err
			return nil
		}
		next, found, ok := c.beyond(ctx, t, last)
		if !ok || len(result.Gaps) == maxGaps {
			result.Err = err
			return nil
		}
		if !found { // there is nothing behind the damage
			result.Gaps = append(result.Gaps, salvage.Gap{After: last})
			return nil
		}
		result.Gaps = append(result.Gaps, salvage.Gap{After: last, Before: next})
		query, args = t.query(">=", next) // not "> next-1", which lies in the damage
	}
	return ctx.Err()
}

// unreadable reports whether an error concerns a part of the file and not all of it.
func unreadable(err error) bool { return Damaged(err) || strings.Contains(err.Error(), "converting") }

// run copies the rows of a query until one cannot be read. It returns the last key.
func (c *copier) run(ctx context.Context, t *table, query string, args []any, result *salvage.Table) (last any, err error) {
	rows, err := c.old.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var batch [][]any
	for rows.Next() {
		row := make([]any, len(t.columns)+1)
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err = rows.Scan(into...); err != nil {
			break
		}
		last = row[0]
		if row = row[1:]; c.Sensible != nil && !c.Sensible(t.name, row) {
			result.Refused++
			continue
		}
		if batch = append(batch, row); len(batch) == copyRows {
			if err := c.insert(ctx, t, batch, result); err != nil {
				return last, err
			}
			batch = batch[:0]
		}
	}
	if err == nil {
		err = rows.Err()
	}
	if e := c.insert(ctx, t, batch, result); e != nil {
		return last, e
	}
	return last, err
}

// query selects the rows whose key has a relation to a value. A nil value selects all rows.
func (t *table) query(relation string, value any) (text string, args []any) {
	text = "SELECT " + t.key + ", " + strings.Join(t.columns, ", ") + " FROM " + t.name
	if value != nil {
		text, args = text+" WHERE "+t.key+" "+relation+" ?", []any{value}
	}
	return text + " ORDER BY " + t.order, args
}

// insert inserts rows into the new table. If the table does not accept them together, they are
// inserted one by one, and those that it refuses are counted.
func (c *copier) insert(ctx context.Context, t *table, batch [][]any, result *salvage.Table) error {
	if c.Progress != nil && time.Since(c.said) > time.Second {
		c.said = time.Now()
		c.Progress(t.name, result.Kept)
	}
	if len(batch) == 0 {
		return nil
	}
	text := "INSERT OR IGNORE INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(t.columns)-1) + ")"
	return Transact(ctx, c.fresh, func(tx *sql.Tx) error {
		statement, err := tx.Prepare(text)
		if err != nil {
			return err
		}
		defer statement.Close()
		for _, row := range batch {
			if done, err := statement.Exec(row...); err != nil {
				result.Refused++
			} else if n, _ := done.RowsAffected(); n == 0 {
				result.Refused++
			} else {
				result.Kept++
			}
		}
		return nil
	})
}

// beyond returns the first readable key behind one after which reading fails. It tries keys at
// distances that double, and then bisects. found is false if nothing behind the damage can be read.
// ok is false if the table's keys cannot be tried like this.
func (c *copier) beyond(ctx context.Context, t *table, after any) (next any, found, ok bool) {
	place, ok := c.placeOf(ctx, t, after)
	if !ok {
		return nil, false, false
	}
	low, high := uint64(0), uint64(0) // distances: reading fails at low and succeeds at high
	for step := uint64(1); high == 0; step *= 2 {
		at, inside := place.plus(step)
		if !inside {
			return nil, false, true
		}
		switch key, err := c.first(ctx, t, at); {
		case err == nil && key == nil:
			return nil, false, true
		case err == nil:
			high, next = step, key
		case ctx.Err() != nil:
			return nil, false, false
		default:
			low = step
		}
	}
	for high-low > 1 {
		middle := low + (high-low)/2
		at, _ := place.plus(middle)
		if key, err := c.first(ctx, t, at); err == nil && key != nil {
			high, next = middle, key
		} else {
			low = middle
		}
	}
	return next, true, true
}

// first returns the first key at or after a value, or nil if there is none.
func (c *copier) first(ctx context.Context, t *table, at any) (key any, err error) {
	query, args := t.query(">=", at)
	rows, err := c.old.QueryContext(ctx, query+" LIMIT 1", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if rows.Next() {
		row := make([]any, len(t.columns)+1)
		into := make([]any, len(row))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		key = row[0]
	}
	return key, rows.Err()
}

// place is a key as a number.
type place struct {
	number uint64
	rest   int // bytes of a blob after its first eight; -1: the key is an integer
}

// placeOf returns the place of a key. For nil, it returns the least place for the type of the
// table's keys.
func (c *copier) placeOf(ctx context.Context, t *table, key any) (place, bool) {
	switch key := key.(type) {
	case int64:
		return place{uint64(key), -1}, true
	case []byte:
		var head [8]byte
		copy(head[:], key)
		return place{binary.BigEndian.Uint64(head[:]), max(len(key)-8, 0)}, true
	case string:
		return place{}, false
	}
	if t.key == "rowid" {
		return place{0, -1}, true
	}
	var kind string
	err := c.fresh.QueryRowContext(ctx, "SELECT type FROM pragma_table_info(?) WHERE name = ?", t.name, t.key).Scan(&kind)
	switch {
	case err != nil || kind == "TEXT":
		return place{}, false
	case kind == "BLOB":
		return place{}, true
	}
	return place{0, -1}, true
}

// plus returns the key at a distance from p, or false if there is none.
func (p place) plus(step uint64) (any, bool) {
	n := p.number + step
	if n < p.number || step > math.MaxInt64 || p.rest < 0 && n > math.MaxInt64 {
		return nil, false
	}
	if p.rest < 0 {
		return int64(n), true
	}
	return binary.BigEndian.AppendUint64(nil, n), true
}
