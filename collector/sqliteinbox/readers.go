package sqliteinbox

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/collector"
)

// cursor is the progress of one reader.
type cursor struct {
	acked uint64
	seen  time.Time // time of its last Ack; zero: none since Open
}

// loadReaders reads the cursors when the inbox is opened.
func (i *Inbox) loadReaders(tx *sql.Tx) error {
	rows, err := tx.Query("SELECT name, acked FROM readers")
	if err != nil {
		return err
	}
	defer rows.Close()
	i.cursorsMu.Lock()
	defer i.cursorsMu.Unlock()
	i.cursors = make(map[string]cursor)
	for rows.Next() {
		var name string
		var acked int64
		if err := rows.Scan(&name, &acked); err != nil {
			return err
		}
		i.cursors[name] = cursor{acked: uint64(acked)}
	}
	return rows.Err()
}

// SetReaders implements collector.Inbox.
func (i *Inbox) SetReaders(ctx context.Context, names []string) error {
	next := make(map[string]cursor, len(names))
	return i.named("setting the readers of inbox", i.write(ctx, func(tx *sql.Tx) error {
		args := make([]any, len(names))
		for n, name := range names {
			args[n] = name
		}
		in := strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", ")
		if _, err := tx.Exec("DELETE FROM readers WHERE name NOT IN ("+in+")", args...); err != nil {
			return err
		}
		for _, name := range names {
			if _, err := tx.Exec("INSERT INTO readers SELECT ?, acked FROM state WHERE true ON CONFLICT DO NOTHING", name); err != nil {
				return err
			}
			var acked int64
			if err := tx.QueryRow("SELECT acked FROM readers WHERE name = ?", name).Scan(&acked); err != nil {
				return err
			}
			next[name] = cursor{acked: uint64(acked)}
		}
		return nil
	}, func() { i.replaceCursors(next) }))
}

// replaceCursors replaces the cursors, but keeps when the readers were seen.
func (i *Inbox) replaceCursors(next map[string]cursor) {
	i.cursorsMu.Lock()
	defer i.cursorsMu.Unlock()
	for name, c := range next {
		c.seen = i.cursors[name].seen
		next[name] = c
	}
	i.cursors = next
}

// note records when a reader was seen, and reports whether upTo moves its cursor.
func (i *Inbox) note(reader string, upTo uint64) (moves bool, err error) {
	i.cursorsMu.Lock()
	defer i.cursorsMu.Unlock()
	c, ok := i.cursors[reader]
	if !ok {
		return false, fmt.Errorf("%w: %q", collector.ErrReader, reader)
	}
	c.seen = time.Now()
	i.cursors[reader] = c
	return upTo > c.acked, nil
}

// move stores a reader's cursor.
func move(tx *sql.Tx, reader string, upTo uint64) error {
	_, err := tx.Exec("UPDATE readers SET acked = max(acked, ?) WHERE name = ?", int64(upTo), reader)
	return err
}

// moved updates the cursor in memory after move is durable.
func (i *Inbox) moved(reader string, upTo uint64) {
	i.cursorsMu.Lock()
	defer i.cursorsMu.Unlock()
	if c, ok := i.cursors[reader]; ok {
		c.acked = max(c.acked, upTo)
		i.cursors[reader] = c
	}
}

// readerStats describes all readers, by name.
func (i *Inbox) readerStats() []collector.ReaderStats {
	i.cursorsMu.Lock()
	defer i.cursorsMu.Unlock()
	all := make([]collector.ReaderStats, 0, len(i.cursors))
	for name, c := range i.cursors {
		all = append(all, collector.ReaderStats{Name: name, Acked: c.acked, Seen: c.seen})
	}
	slices.SortFunc(all, func(a, b collector.ReaderStats) int { return strings.Compare(a.Name, b.Name) })
	return all
}
