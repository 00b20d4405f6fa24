package sqliteinbox

import "database/sql"

// release frees the first batches up to a seq. If they are dropped, it counts them.
func release(tx *sql.Tx, upTo, bytes int64, dropped bool) error {
	to, inside, err := portion(tx, upTo, bytes)
	if err != nil || to == 0 {
		return err
	}
	if inside {
		if err := splitRow(tx, to); err != nil {
			return err
		}
	}
	if dropped {
		if _, err := tx.Exec("UPDATE state SET dropped = dropped + (SELECT sum("+sqlBatches+") FROM pending WHERE seq <= ?)", to); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		"INSERT INTO acked SELECT seq, received, batch, body FROM pending WHERE seq <= ?",
		"DELETE FROM pending WHERE seq <= ?",
		"UPDATE state SET acked = ?",
	} {
		if _, err := tx.Exec(statement, to); err != nil {
			return err
		}
	}
	return nil
}

// portion returns the last seq, at most upTo, of the batches whose deletion uses about so many
// bytes of the log. It returns 0 if there is nothing to free. inside says that a row has this seq
// and the next.
func portion(tx *sql.Tx, upTo, bytes int64) (to int64, inside bool, err error) {
	var acked int64
	if err := tx.QueryRow("SELECT acked FROM state").Scan(&acked); err != nil || upTo <= acked {
		return 0, false, err
	}
	most := acked + ackRows
	rows, err := tx.Query("SELECT seq, "+sqlBatches+", min(length(segment), ?) FROM pending ORDER BY seq", pageSize)
	if err != nil {
		return 0, false, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq, batches, size int64
		if err := rows.Scan(&seq, &batches, &size); err != nil {
			return 0, false, err
		}
		if seq-batches >= upTo { // only after damage
			break
		}
		bytes -= size + rowBytes + batches*ackedBytes
		if full := bytes < 0 || seq > most; full && to > 0 {
			return to, false, nil
		}
		if seq >= upTo {
			return upTo, seq > upTo, nil
		}
		to = seq
	}
	return upTo, false, rows.Err()
}

// splitRow divides the row that has the batch with this seq and the next into one up to it and one
// with the others.
func splitRow(tx *sql.Tx, at int64) error {
	var r held
	err := tx.QueryRow("SELECT seq, received, body, segment FROM pending WHERE seq > ? ORDER BY seq LIMIT 1", at).
		Scan(&r.seq, &r.received, &r.keys, &r.frames)
	if err != nil {
		return err
	}
	first := r.seq - int64(len(r.keys)/len(key{})) + 1
	head, tail, err := r.split(int(at - first + 1))
	if err != nil {
		return err
	}
	if _, err := tx.Exec("UPDATE pending SET received = ?, body = ?, segment = ? WHERE seq = ?", tail.received, tail.keys, tail.frames, tail.seq); err != nil {
		return err
	}
	_, err = tx.Exec("INSERT INTO pending (seq, received, batch, body, asn, country, collector, delivery, segment) VALUES (?, ?, x'', ?, 0, '', '', x'', ?)",
		head.seq, head.received, head.keys, head.frames)
	return err
}
