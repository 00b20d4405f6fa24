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

// write runs f in one durable transaction, alone, and then done, which may be nil. It is for
// what is rare.
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

// writeDirect is write for what comes with every group of uploads, and therefore uses the
// direct statements.
func (i *Inbox) writeDirect(ctx context.Context, f func() error, done func()) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := i.writer.Raw(func(conn any) error { return i.direct.transaction(conn.(*sqlite3.SQLiteConn), f) }); err != nil {
		return err
	}
	if done != nil {
		done()
	}
	return nil
}

// statements are those of the writer's connection that bypass database/sql. They are owned
// by Inbox.mu.
type statements struct {
	begin, commit, rollback *statement
	version                 *statement // changes when another connection has written
	head                    *statement // the newest seq
	pages, unused           *statement // of the file; unused ones are among pages
	recent                  *statement // ids that are not in the tree
	findIDs, insertIDs      *statement // in the tree
	body                    *statement // of a seq
	insert, insertMany      *statement // one batch, manyRows batches
	indexed, checked        *statement // change state
}

// texts are the statements' own.
func (d *statements) texts() map[**statement]string {
	return map[**statement]string{
		&d.begin:      "BEGIN IMMEDIATE",
		&d.commit:     "COMMIT",
		&d.rollback:   "ROLLBACK",
		&d.version:    "PRAGMA data_version",
		&d.head:       selectHead,
		&d.pages:      "PRAGMA page_count",
		&d.unused:     "PRAGMA freelist_count",
		&d.recent:     selectRecent,
		&d.findIDs:    findIDsText,
		&d.insertIDs:  insertIDsText,
		&d.body:       "SELECT body FROM pending WHERE seq = ?1 UNION ALL SELECT body FROM acked WHERE seq = ?1",
		&d.insert:     insertText(1),
		&d.insertMany: insertText(manyRows),
		&d.indexed:    "UPDATE state SET indexed = ?",
		&d.checked:    "UPDATE state SET checked = ?",
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

// close comes before the connection's own end, which folds the log into the file only when no
// statement is left.
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

// transaction runs f between begin and commit, or takes everything back.
func (d *statements) transaction(conn *sqlite3.SQLiteConn, f func() error) error {
	err := d.begin.run(nil)
	if err == nil {
		err = f()
	}
	if err == nil {
		err = d.commit.run(nil)
	}
	// after some errors, those of a full disk for instance, SQLite has ended it itself
	if err != nil && !conn.AutoCommit() {
		err = errors.Join(err, d.rollback.run(nil))
	}
	return err
}
