package sqlitestore

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/sketch"
)

// foldSightings folds the contributions of single clients into sketches, bin by bin, and
// deletes them.
func foldSightings(tx *sql.Tx) error {
	bins, err := int64s(tx, "SELECT DISTINCT bin FROM sightings")
	if err != nil {
		return err
	}
	for _, bin := range bins {
		if err := foldBin(tx, bin); err != nil {
			return fmt.Errorf("the bin that ended at %d: %w", bin, err)
		}
	}
	_, err = tx.Exec("DROP TABLE sightings")
	return err
}

func int64s(tx *sql.Tx, query string) (all []int64, err error) {
	rows, err := tx.Query(query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v int64
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func foldBin(tx *sql.Tx, bin int64) error {
	key, err := clientKey(tx, (bin-1)/dayMS) // a bin is identified by its end
	if err != nil {
		return err
	}
	counts, ids, err := sightings(tx, bin, key)
	if err != nil {
		return err
	}
	cells := detector.Fold(counts)
	for i := range cells {
		c := &cells[i]
		if _, err := tx.Exec("UPDATE cells SET clients = ?, spread = ? WHERE bin = ? AND series = ?",
			blob(c.Clients.Append(nil)), blob(c.Spread.Append(nil)), bin, ids[c.Series]); err != nil {
			return err
		}
	}
	return nil
}

// sightings returns the counts of one bin as stored by version 2, and the ids of their series.
func sightings(tx *sql.Tx, bin int64, key sketch.Key) (counts []model.Count, ids map[model.Series]int64, err error) {
	ids = map[model.Series]int64{}
	rows, err := tx.Query("SELECT "+seriesColumns+`, s.id, c.client, c.raw, c.estimated
		FROM sightings c JOIN series s ON s.id = c.series WHERE c.bin = ?`, bin)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c := model.Count{End: time.UnixMilli(bin)}
		var id, client int64
		if err := rows.Scan(append(seriesFields(&c.Series), &id, &client, &c.Raw, &c.Estimated)...); err != nil {
			return nil, nil, err
		}
		c.Client = sketch.Hash(key, uint64(client))
		ids[c.Series] = id
		counts = append(counts, c)
	}
	return counts, ids, rows.Err()
}
