package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
)

// maxQuarantine is how many batches that could not be used are kept, the newest ones.
const maxQuarantine = 100

// Cursor implements detector.Store.
func (s *Store) Cursor(ctx context.Context, source string) (uint64, error) {
	var cursor int64
	err := s.readers.QueryRowContext(ctx, "SELECT cursor FROM cursors WHERE source = ?", source).Scan(&cursor)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("reading cursor: %w", err)
	}
	return uint64(cursor), nil
}

// Ingest implements detector.Store.
func (s *Store) Ingest(ctx context.Context, b detector.Bunch) (detector.Ingested, error) {
	var done detector.Ingested
	err := s.write(ctx, "storing batches", func(tx *sql.Tx) error {
		in := ingest{tx: tx, names: s.names, bunch: &b, rollups: map[spot]amount{}, sightings: map[sighting]amount{}}
		var err error
		done, err = in.run()
		return err
	})
	if err != nil {
		return detector.Ingested{}, err
	}
	return done, nil
}

// ingest is one bunch being stored. Counts are summed before they are written: batches of one bunch
// mostly fall into the same bins.
type ingest struct {
	tx        *sql.Tx
	names     *names
	bunch     *detector.Bunch
	rollups   map[spot]amount
	sightings map[sighting]amount
	deleted   deletions
}

type spot struct{ bin, series int64 }

type sighting struct {
	spot
	client int64
}

type amount struct {
	raw       int64
	estimated float64
}

func (a amount) plus(c *model.Count) amount {
	return amount{a.raw + int64(c.Raw), a.estimated + c.Estimated}
}

func (in *ingest) run() (done detector.Ingested, err error) {
	if err := in.loadDeleted(); err != nil {
		return done, err
	}
	for i := range in.bunch.Batches {
		b := &in.bunch.Batches[i]
		isNew, err := in.batch(b)
		if err != nil {
			return done, err
		}
		if isNew {
			done.New++
		} else {
			done.Duplicates++
		}
	}
	for _, step := range []func() error{in.writeRollups, in.writeSightings, in.writeDeleted, in.writeQuarantine} {
		if err := step(); err != nil {
			return done, err
		}
	}
	_, err = in.tx.Exec("INSERT INTO cursors (source, cursor) VALUES (?, ?) ON CONFLICT DO UPDATE SET cursor = excluded.cursor",
		in.bunch.Source, int64(in.bunch.Cursor))
	return done, err
}

// batch takes one batch, unless its id is known.
func (in *ingest) batch(b *detector.Batch) (isNew bool, err error) {
	r, err := in.tx.Exec("INSERT INTO batches (id, source, received, app, records) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		b.ID[:], in.bunch.Source, b.Received.UnixMilli(), b.App, b.Records)
	if err != nil {
		return false, err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	for i := range b.Counts {
		c := &b.Counts[i]
		bin := c.End.UnixMilli()
		id, err := in.names.id(in.tx, c.Series, bin)
		if err != nil {
			return false, err
		}
		at := spot{bin, id}
		in.rollups[at] = in.rollups[at].plus(c)
		if in.deleted.has(c.Client) {
			continue
		}
		seen := sighting{at, int64(c.Client)}
		in.sightings[seen] = in.sightings[seen].plus(c)
	}
	in.deleted.add(b)
	return true, in.samples(b.Samples)
}

func (in *ingest) writeRollups() error {
	if len(in.rollups) == 0 {
		return nil
	}
	st, err := in.tx.Prepare(`INSERT INTO rollups (bin, series, raw, estimated) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET raw = raw + excluded.raw, estimated = estimated + excluded.estimated`)
	if err != nil {
		return err
	}
	defer st.Close()
	for at, a := range in.rollups {
		if _, err := st.Exec(at.bin, at.series, a.raw, a.estimated); err != nil {
			return err
		}
	}
	return nil
}

func (in *ingest) writeSightings() error {
	if len(in.sightings) == 0 {
		return nil
	}
	st, err := in.tx.Prepare(`INSERT INTO sightings (bin, series, client, raw, estimated) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET raw = raw + excluded.raw, estimated = estimated + excluded.estimated`)
	if err != nil {
		return err
	}
	defer st.Close()
	for at, a := range in.sightings {
		if _, err := st.Exec(at.bin, at.series, at.client, a.raw, a.estimated); err != nil {
			return err
		}
	}
	return nil
}

func (in *ingest) samples(all []model.Sample) error {
	for i := range all {
		v := &all[i]
		if in.deleted.has(v.Client) {
			continue
		}
		_, err := in.tx.Exec(`INSERT INTO samples (at, app, version, os, source, target, url, method, outcome, phase, protocol, server, status,
			elapsed, trace, flags, asn, country, error_type, message, stack, fingerprint, count, client)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			v.At.UnixMilli(), v.App, v.Version, v.OS, v.Source, v.Target, v.URL, v.Method, string(v.Outcome), string(v.Phase), v.Protocol,
			v.Server, v.Status, int64(v.Elapsed/time.Millisecond), v.TraceID[:], v.Flags, v.ASN, v.Country,
			v.ErrorType, v.Message, v.Stack, fingerprint(v), int64(v.Count), int64(v.Client))
		if err != nil {
			return err
		}
	}
	return nil
}

// fingerprint takes no room in samples of requests.
func fingerprint(v *model.Sample) []byte {
	if v.Fingerprint == [16]byte{} {
		return []byte{}
	}
	return v.Fingerprint[:]
}

// writeQuarantine keeps what could not be used; one that comes again is kept once.
func (in *ingest) writeQuarantine() error {
	if len(in.bunch.Quarantined) == 0 {
		return nil
	}
	for i := range in.bunch.Quarantined {
		q := &in.bunch.Quarantined[i]
		if q.Segment == nil {
			q.Segment = []byte{}
		}
		_, err := in.tx.Exec("INSERT INTO quarantine (batch, source, received, reason, detail, segment) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			q.ID[:], in.bunch.Source, q.Received.UnixMilli(), q.Reason, q.Detail, q.Segment)
		if err != nil {
			return err
		}
	}
	_, err := in.tx.Exec("DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?", maxQuarantine)
	return err
}
