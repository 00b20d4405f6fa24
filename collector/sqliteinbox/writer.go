package sqliteinbox

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/heliograph-net/heliograph/internal/sqlitedb"
)

// write runs f in one durable transaction, without any other writer, and then done, which may be
// nil. It is for rare operations.
func (i *Inbox) write(ctx context.Context, f func(*sql.Tx) error, done func()) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := sqlitedb.Transact(ctx, i.writer, f); err != nil {
		return err
	}
	if done != nil {
		done()
	}
	return nil
}

// writeDirect is like write, for the operations of every group of uploads. f uses the
// direct statements. done gets the transaction's error, and is called unless ctx has ended.
func (i *Inbox) writeDirect(ctx context.Context, f func() error, done func(error)) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	err := i.writer.Raw(func(conn any) error { return i.direct.transaction(conn.(*sqlite3.SQLiteConn), f) })
	if done != nil {
		done(err)
	}
	return err
}

// statements are the statements of the writer's connection that bypass database/sql. Inbox.mu
// guards them.
type statements struct {
	begin, commit, rollback *statement
	version                 *statement // changes when another connection has written
	head                    *statement // the newest seq
	// numbers of pages in the file; pages includes the unused ones
	pages, unused      *statement
	recent             *statement // keys that are not in the tree
	findIDs, insertIDs *statement // for keys in the tree
	insert             *statement // one row of pending
	indexed, checked   *statement // change the table state
}

// texts returns the texts of all statements.
func (d *statements) texts() map[**statement]string {
	return map[**statement]string{
		&d.begin:     "BEGIN IMMEDIATE",
		&d.commit:    "COMMIT",
		&d.rollback:  "ROLLBACK",
		&d.version:   "PRAGMA data_version",
		&d.head:      selectHead,
		&d.pages:     "PRAGMA page_count",
		&d.unused:    "PRAGMA freelist_count",
		&d.recent:    selectRecent,
		&d.findIDs:   findIDsText,
		&d.insertIDs: insertIDsText,
		&d.insert:    insertText,
		&d.indexed:   "UPDATE state SET indexed = ?",
		&d.checked:   "UPDATE state SET checked = ?",
	}
}

func (d *statements) prepare(conn *sqlite3.SQLiteConn) (err error) {
	for s, text := range d.texts() {
		if *s, err = prepare(conn, text); err != nil {
			return fmt.Errorf("preparing %q: %w", text, err)
		}
	}
	return nil
}

// close must be called before the connection is closed, which writes the log into the file only if
// no statement is left.
func (d *statements) close() error {
	var errs []error
	for s := range d.texts() {
		if *s != nil {
			errs = append(errs, (*s).stmt.(driver.Stmt).Close())
			*s = nil
		}
	}
	return errors.Join(errs...)
}

// transaction runs f between begin and commit. If f fails, it rolls back.
func (d *statements) transaction(conn *sqlite3.SQLiteConn, f func() error) error {
	err := d.begin.run(nil)
	if err == nil {
		err = f()
	}
	if err == nil {
		err = d.commit.run(nil)
	}
	// after some errors, such as those of a full disk, SQLite has already rolled back
	if err != nil && !conn.AutoCommit() {
		err = errors.Join(err, d.rollback.run(nil))
	}
	return err
}
