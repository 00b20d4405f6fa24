package rollups

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// A stored sum that is damaged gives way to the next one, so that what comes can be stored.
func TestDamagedSumsAreGivenUp(t *testing.T) {
	db, err := sqlitedb.Open(t.Context(), filepath.Join(t.TempDir(), "sums.db"), sqlitedb.Options{Register: Register,
		Schema: sqlitedb.Schema{ApplicationID: 1, Created: 1, Create: `CREATE TABLE sums (at INTEGER PRIMARY KEY, raw INTEGER, estimated REAL, clients BLOB);
			INSERT INTO sums VALUES (1, 9223372036854775807, 1e308, x'ff')`}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var one, stored sketch.Clients
	one.Add(7)
	for range 2 {
		if err := sqlitedb.Transact(t.Context(), db.Writer, func(tx *sql.Tx) error {
			_, err := tx.Exec("INSERT INTO sums (at, raw, estimated, clients) VALUES (1, 5, 1e308, ?)"+Merge, one.Append(nil))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	var raw int64
	var estimated float64
	var clients []byte
	if err := db.Own.QueryRow("SELECT raw, estimated, clients FROM sums").Scan(&raw, &estimated, &clients); err != nil {
		t.Fatal(err)
	}
	if err := stored.Decode(clients); err != nil || stored.Count() != 1 || raw != 1<<63-1 || estimated > 1.7976931348623157e308 {
		t.Errorf("%d requests, %g estimated, %v clients, %v", raw, estimated, stored.Count(), err)
	}
	var latency model.Latency
	latency[3] = 2
	if merged, err := mergeLatencies([]byte{0xff}, latency.Append(nil)); err != nil || string(merged) != string(latency.Append(nil)) {
		t.Errorf("durations are %x, %v", merged, err)
	}
}
