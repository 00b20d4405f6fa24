package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/model"
)

// Append implements detector.Events.
func (s *Events) Append(ctx context.Context, page *detector.FeedPage) (isNew []bool, err error) {
	err = s.write(ctx, "storing batches", func(tx *sql.Tx) error {
		a := appending{tx: tx, names: s.names, page: page}
		isNew, err = a.run()
		return err
	})
	if err != nil {
		return nil, err
	}
	return isNew, nil
}

// appending is one page that is being stored. Its counts are folded before they are written,
// because the batches of a page mostly fall into the same bins.
type appending struct {
	tx     *sql.Tx
	names  *names
	page   *detector.FeedPage
	counts []model.Count
	fresh  []*detector.Batch // what is new of the batches
}

func (a *appending) run() (isNew []bool, err error) {
	isNew = make([]bool, len(a.page.Batches))
	for i := range a.page.Batches {
		if isNew[i], err = a.batch(&a.page.Batches[i]); err != nil {
			return nil, err
		}
	}
	if err := writeCells(a.tx, a.names, detector.Fold(a.counts)); err != nil {
		return nil, err
	}
	return isNew, keepRows(a.tx, a.fresh)
}

// batch adds the new part of one batch.
func (a *appending) batch(b *detector.Batch) (isNew bool, err error) {
	var known int
	// batches stored by releases that did not know sealings have none
	err = a.tx.QueryRow("SELECT CASE sealing WHEN x'' THEN ? ELSE frames END FROM batches WHERE id = ? AND sealing IN (x'', ?)",
		b.Frames(), b.ID[:], b.Sealing[:]).Scan(&known)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err = a.tx.Exec("INSERT INTO batches (id, sealing, frames, feed, received, app, records, asn) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
			b.ID[:], b.Sealing[:], b.Frames(), a.page.Feed, b.Received.UnixMilli(), b.App, b.Records, b.ASN)
	case err == nil && b.Frames() <= known:
		return false, nil
	case err == nil:
		_, err = a.tx.Exec("UPDATE batches SET frames = ?, records = ? WHERE id = ? AND sealing = ?", b.Frames(), b.Records, b.ID[:], b.Sealing[:])
		b = b.After(known)
	}
	if err != nil {
		return false, err
	}
	a.counts = append(a.counts, b.Counts...)
	a.fresh = append(a.fresh, b)
	if err := insertSamples(a.tx, b.Samples); err != nil {
		return false, err
	}
	return true, insertProbes(a.tx, b.Probes)
}

// writeCells adds cells to the stored ones.
func writeCells(tx *sql.Tx, names *names, cells []detector.Cell) error {
	if len(cells) == 0 {
		return nil
	}
	st, err := tx.Prepare(`INSERT INTO cells (bin, series, raw, estimated, clients, spread, places) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET raw = CASE WHEN raw > 9223372036854775807 - excluded.raw THEN 9223372036854775807 ELSE raw + excluded.raw END, estimated = estimated + excluded.estimated,
			clients = coalesce(merge_clients(clients, excluded.clients), x''),
			spread = coalesce(merge_spread(spread, excluded.spread), x''),
			places = coalesce(merge_places(places, excluded.places), x'')`)
	if err != nil {
		return err
	}
	defer st.Close()
	var clients, spread, places []byte
	for i := range cells {
		c := &cells[i]
		bin := c.End.UnixMilli()
		id, err := names.id(tx, c.Series, bin)
		if err != nil {
			return err
		}
		clients, spread, places = c.Clients.Append(clients[:0]), c.Spread.Append(spread[:0]), c.Places.Append(places[:0])
		if _, err := st.Exec(bin, id, int64(min(c.Raw, math.MaxInt64)), min(c.Estimated, math.MaxFloat64), blob(clients), blob(spread), blob(places)); err != nil {
			return err
		}
	}
	return nil
}

// blob returns b as a value that is not NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func insertSamples(tx *sql.Tx, all []model.Sample) error {
	for i := range all {
		v := &all[i]
		_, err := tx.Exec(`INSERT INTO samples (at, app, version, os, source, target, url, method, outcome, phase, protocol, server, status,
			elapsed, trace, flags, asn, country, error_type, message, stack, fingerprint, count, client)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			v.At.UnixMilli(), v.App, v.Version, v.OS, v.Source, v.Target, v.URL, v.Method, string(v.Outcome), string(v.Phase), v.Protocol,
			v.Server, v.Status, int64(v.Elapsed/time.Millisecond), v.TraceID[:], v.Flags, v.ASN, v.Country,
			v.Error.Type, v.Error.Message, v.Error.Stack, fingerprint(v), int64(v.Error.Count), int64(v.Client))
		if err != nil {
			return err
		}
	}
	return nil
}

// fingerprint returns the fingerprint of an application error, or an empty blob for a request.
func fingerprint(v *model.Sample) []byte {
	if v.Error.Fingerprint == [16]byte{} {
		return []byte{}
	}
	return v.Error.Fingerprint[:]
}

// forgetAtOnce is how many clients one statement deletes.
const forgetAtOnce = 500

// Forget implements detector.Events. Deleted data is overwritten in the file, and the write-ahead
// log with its copies is truncated.
func (s *Events) Forget(ctx context.Context, clients []uint64) error {
	if len(clients) == 0 {
		return nil
	}
	var gone int64
	err := s.write(ctx, "deleting samples of clients", func(tx *sql.Tx) error {
		for some := range slices.Chunk(clients, forgetAtOnce) {
			r, err := tx.Exec(forgetSQL(len(some)), clientArgs(some)...)
			if err != nil {
				return err
			}
			n, err := r.RowsAffected()
			if err != nil {
				return err
			}
			gone += n
		}
		return nil
	})
	if err == nil && gone > 0 {
		err = s.wipeLog(ctx)
	}
	return err
}

// forgetSQL returns a statement that deletes the samples of n clients. Client 0 stands for no
// client and is not in the index.
func forgetSQL(n int) string {
	return "DELETE FROM samples WHERE client <> 0 AND client IN " + marks(n)
}

// marks returns n placeholders: "(?, ?, ?)".
func marks(n int) string { return "(?" + strings.Repeat(", ?", n-1) + ")" }

func clientArgs(clients []uint64) []any {
	args := make([]any, len(clients))
	for i, c := range clients {
		args[i] = int64(c)
	}
	return args
}
