package sqlitestore

import "github.com/heliograph-net/heliograph/detector"

// deletions are the clients whose data is not kept.
type deletions struct {
	known map[int64]bool  // that the store knew
	fresh map[int64]int64 // that this bunch names, and when that was received
}

func (d *deletions) has(client uint64) bool {
	_, fresh := d.fresh[int64(client)]
	return fresh || d.known[int64(client)]
}

func (d *deletions) add(b *detector.Batch) {
	for _, client := range b.Deleted {
		if d.fresh == nil {
			d.fresh = map[int64]int64{}
		}
		d.fresh[int64(client)] = b.Received.UnixMilli()
	}
}

// loadDeleted asks which of the bunch's clients are known as deleted. Most stores know none, and
// then it is one query.
func (in *ingest) loadDeleted() error {
	var some bool
	if err := in.tx.QueryRow("SELECT EXISTS (SELECT 1 FROM deleted)").Scan(&some); err != nil || !some {
		return err
	}
	asked := map[int64]bool{}
	ask := func(client uint64) error {
		id := int64(client)
		if _, done := asked[id]; done {
			return nil
		}
		var is bool
		err := in.tx.QueryRow("SELECT EXISTS (SELECT 1 FROM deleted WHERE client = ?)", id).Scan(&is)
		asked[id] = is
		return err
	}
	for i := range in.bunch.Batches {
		b := &in.bunch.Batches[i]
		for j := range b.Counts {
			if err := ask(b.Counts[j].Client); err != nil {
				return err
			}
		}
		for j := range b.Samples {
			if err := ask(b.Samples[j].Client); err != nil {
				return err
			}
		}
	}
	in.deleted.known = asked
	return nil
}

// writeDeleted deletes what is stored of the clients that this bunch names: one pass over samples
// and sightings for all of them, for neither has an index by client, which every report
// would pay for.
func (in *ingest) writeDeleted() error {
	if len(in.deleted.fresh) == 0 {
		return nil
	}
	for client, received := range in.deleted.fresh {
		if _, err := in.tx.Exec("INSERT INTO deleted (client, received) VALUES (?, ?) ON CONFLICT DO UPDATE SET received = max(received, excluded.received)",
			client, received); err != nil {
			return err
		}
	}
	for _, table := range []string{"samples", "sightings"} {
		if _, err := in.tx.Exec("DELETE FROM " + table + " WHERE client IN (SELECT client FROM deleted)"); err != nil {
			return err
		}
	}
	return nil
}
