package sqlitedb

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
)

// Schema describes the tables of a file and how to upgrade them. Its version is len(Upgrades)+1.
type Schema struct {
	ApplicationID uint32 // marks the file as one of this kind
	Refused       error  // wrapped by the errors about other files

	Create  string // statements that fill an empty file
	Created int    // the version that Create makes
	// Upgrades[i] upgrades a file from version i+1 to i+2. Released upgrades must not be changed.
	Upgrades []string
	// Then[i] runs after Upgrades[i], if SQL is not enough for the upgrade. Then may be nil.
	Then map[int]func(*sql.Tx) error
}

func (s *Schema) version() int { return len(s.Upgrades) + 1 }

// OpenReadOnly returns connections to the file at path that cannot change it.
func OpenReadOnly(path string) (*sql.DB, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector{new(Options).uri(abs, readOnly()), nil}), nil
}

// Version returns the version of the file at path, and that of this release. It changes nothing.
// The error wraps s.Refused for a file that is not of this kind.
func (s *Schema) Version(ctx context.Context, path string) (found, known int, err error) {
	db, err := OpenReadOnly(path)
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	var id uint32
	err = db.QueryRowContext(ctx, "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version)").Scan(&id, &found)
	if err == nil && id != s.ApplicationID || notADatabase(err) {
		err = fmt.Errorf("%w: %s is another kind of file", s.Refused, path)
	}
	return found, s.version(), err
}

// migrate upgrades the file to this release's schema, or refuses it.
func (o *Options) migrate(ctx context.Context, db *sql.DB) error {
	s := &o.Schema
	var id, version, tables int64
	err := db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)`).Scan(&id, &version, &tables)
	switch {
	case notADatabase(err):
		return fmt.Errorf("%w: the file is no SQLite database. If it was one, %w", s.Refused, ErrDamaged)
	case err != nil:
		return err
	case id == 0 && version == 0 && tables == 0:
		return o.create(ctx, db)
	case id != int64(s.ApplicationID):
		return fmt.Errorf("%w: the file belongs to another application", s.Refused)
	case version < 1 || version > int64(s.version()):
		return fmt.Errorf("%w: its schema is version %d, this release knows %d; start the release that wrote it, or move the file away",
			s.Refused, version, s.version())
	case version < int64(s.version()):
		return s.change(ctx, db, int(version), "")
	}
	return nil
}

// create fills an empty file.
func (o *Options) create(ctx context.Context, db *sql.DB) error {
	pages := ""
	if o.PageSize > 0 {
		// cannot be changed any more in WAL mode
		pages = fmt.Sprintf("PRAGMA page_size = %d;", o.PageSize)
	}
	if _, err := db.ExecContext(ctx, pages+"PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	return o.Schema.change(ctx, db, o.Schema.Created, o.Schema.Create)
}

// change runs, in one transaction, the statements in first, which may be empty, and then the
// upgrades from the given version to that of this release.
func (s *Schema) change(ctx context.Context, db *sql.DB, version int, first string) error {
	return Transact(ctx, db, func(tx *sql.Tx) error {
		if _, err := tx.Exec(first); err != nil {
			return err
		}
		for i := version - 1; i < len(s.Upgrades); i++ {
			if err := s.upgrade(tx, i); err != nil {
				return fmt.Errorf("upgrading from version %d: %w", i+1, err)
			}
		}
		_, err := tx.Exec(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", s.ApplicationID, s.version()))
		return err
	})
}

func (s *Schema) upgrade(tx *sql.Tx, i int) error {
	if _, err := tx.Exec(s.Upgrades[i]); err != nil {
		return err
	}
	if then := s.Then[i]; then != nil {
		return then(tx)
	}
	return nil
}
