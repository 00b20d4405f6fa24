package sqlitestore

import "context"

// Backup writes a copy of the store at path to a new file, as of one moment. Processes may go on to
// use the store. An existing file is not overwritten.
func Backup(ctx context.Context, path, to string) error { return options.Schema.Backup(ctx, path, to) }

// Restore puts a copy that [Backup] made into the place of the store at path, which no process may
// have open. It returns the name under which the file that was there is kept; "" if there was none.
func Restore(ctx context.Context, from, path string) (aside string, err error) {
	return options.Schema.Restore(ctx, from, path)
}
