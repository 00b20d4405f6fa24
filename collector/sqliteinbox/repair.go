package sqliteinbox

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"time"

	"github.com/heliograph-net/heliograph/internal/salvage"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/report"
)

// Repair rebuilds the inbox at path from what can be read of it, and keeps the damaged file aside.
// It changes nothing of an inbox that is whole. No process may have it open. A batch is kept only
// if its hash is right. progress is called about every second; it may be nil.
func Repair(ctx context.Context, path string, progress func(table string, rows int64)) (*salvage.Report, error) {
	r := sqlitedb.Repairer{Options: fileOptions(), Sensible: sensible, Derived: []string{"ids"}, Finish: finishRepair, Progress: progress}
	return r.Repair(ctx, path)
}

// sensible reports whether a row can be what was stored. Columns are those of the schema.
func sensible(table string, row []any) bool {
	switch table {
	// seq, received, batch, body, asn, country, collector, delivery, segment, bucket
	case "pending":
		batch, _ := row[2].([]byte)
		body, _ := row[3].([]byte)
		segment, _ := row[8].([]byte)
		if len(batch) == 0 {
			seq, _ := row[0].(int64)
			return (&held{seq: seq, keys: body, frames: segment}).whole()
		}
		return len(batch) == len(report.BatchID{}) && len(body) == sha256.Size && sha256.Sum256(segment) == [32]byte(body)
	case "acked": // seq, received, batch, body
		batch, _ := row[2].([]byte)
		body, _ := row[3].([]byte)
		return len(batch) == len(report.BatchID{}) && len(body) == sha256.Size ||
			len(batch) == 0 && len(body) > 0 && len(body)%len(key{}) == 0
	}
	return true
}

// finishRepair makes the tables agree. Numbers go on behind all that were ever given, as far as
// that is known, and every id is in the tree again.
func finishRepair(tx *sql.Tx) error {
	const beforePending = "(SELECT seq - " + sqlBatches + " FROM pending ORDER BY seq LIMIT 1)"
	for _, statement := range []string{
		"INSERT OR IGNORE INTO state (one, acked, checked, indexed, dropped) VALUES (1, 0, 0, 0, 0)",
		// a row of state that was lost, or does not fit: what waits is behind what was acknowledged
		"UPDATE state SET acked = coalesce(" + beforePending + ", max(acked, coalesce((SELECT max(seq) FROM acked), 0))) " +
			"WHERE acked > coalesce(" + beforePending + ", -1) OR acked < coalesce((SELECT max(seq) FROM acked), 0)",
		"UPDATE state SET indexed = (" + selectHead + ")",
		"DELETE FROM ids",
	} {
		if _, err := tx.Exec(statement); err != nil {
			return err
		}
	}
	for _, table := range []string{"acked", "pending"} {
		if err := eachKey(tx, table, "INSERT INTO ids (key, seq) VALUES (?1, ?2) ON CONFLICT DO NOTHING"); err != nil {
			return err
		}
	}
	// a file of which nothing was left begins where a new one does
	_, err := tx.Exec("UPDATE state SET acked = ?1, indexed = ?1 WHERE acked = 0 AND NOT EXISTS (SELECT 1 FROM pending)", time.Now().UnixMicro())
	return err
}
