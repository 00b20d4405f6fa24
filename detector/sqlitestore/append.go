package sqlitestore

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/internal/rollups"
	"github.com/heliograph-net/heliograph/model"
)

// Append implements detector.Events.
func (s *Events) Append(ctx context.Context, page *detector.FeedPage) (isNew []bool, err error) {
	err = s.write(ctx, "storing batches", func(tx *sql.Tx) error {
		a := appending{tx: tx, file: s.file, page: page}
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
	*file
	tx     *sql.Tx
	page   *detector.FeedPage
	counts []model.Count
	fresh  []*detector.Batch // what is new of the batches

	nextSample int64 // id; 0 if not known yet
	nextChunk  int64 // the first that is not indexed
}

func (a *appending) run() (isNew []bool, err error) {
	batches := make([]*detector.Batch, len(a.page.Batches))
	counts := 0
	for i := range batches {
		batches[i] = &a.page.Batches[i]
		counts += len(batches[i].Counts)
	}
	a.counts = make([]model.Count, 0, counts)
	for some := range slices.Chunk(batches, rowsAtOnce) {
		found, err := a.batches(some)
		if err != nil {
			return nil, err
		}
		isNew = append(isNew, found...)
	}
	if err := a.cells(detector.Fold(a.counts)); err != nil {
		return nil, err
	}
	if err := rollups.AddDurations(a.tx, "latencies", a.fresh); err != nil {
		return nil, err
	}
	var samples []model.Sample
	for _, b := range a.fresh {
		samples = append(samples, b.Samples...)
	}
	if err := addRollups(a.tx, a.errorKey.RollUp(samples)); err != nil {
		return nil, err
	}
	return isNew, rollups.Keep(a.tx, a.fresh)
}

// take adds what is new of a batch.
func (a *appending) take(b *detector.Batch) error {
	a.counts = append(a.counts, b.Counts...)
	a.fresh = append(a.fresh, b)
	if err := a.samples(b.Samples); err != nil {
		return err
	}
	if err := noteFingerprints(a.tx, b.Samples); err != nil {
		return err
	}
	return insertProbes(a.tx, b.Probes)
}

// samples stores samples, and adds them to the index when they make up a chunk of it.
func (a *appending) samples(all []model.Sample) error {
	if len(all) == 0 {
		return nil
	}
	if a.nextSample == 0 {
		var err error
		if a.nextSample, a.nextChunk, err = nextSample(a.tx); err != nil {
			return err
		}
	}
	for i := range all {
		if err := insertSample(a.tx, a.nextSample, &all[i]); err != nil {
			return err
		}
		a.nextSample++
	}
	chunk, err := indexFull(a.tx, a.nextChunk, a.nextSample)
	a.nextChunk = chunk
	return err
}

func insertSample(tx *sql.Tx, id int64, v *model.Sample) error {
	_, err := tx.Exec(`INSERT INTO samples (id, at, app, version, os, source, target, url, method, outcome, phase, protocol, server, status,
		elapsed, trace, flags, asn, country, error_type, message, stack, fingerprint, count, client)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, v.At.UnixMilli(), v.App, v.Version, v.OS, v.Source, v.Target, v.URL, v.Method, string(v.Outcome), string(v.Phase), v.Protocol,
		v.Server, v.Status, int64(v.Elapsed/time.Millisecond), v.TraceID[:], v.Flags, v.ASN, v.Country,
		v.Error.Type, v.Error.Message, v.Error.Stack, fingerprint(v), int64(v.Error.Count), int64(v.Client))
	return err
}

// blob returns b as a value that is not NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
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
			n, err := deleteSamples(tx, forgetSQL(len(some)), clientArgs(some)...)
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

// forgetSQL returns a statement that selects the samples of n clients. Client 0 stands for no
// client and is not in the index.
func forgetSQL(n int) string {
	return "SELECT id FROM samples WHERE client <> 0 AND client IN " + marks(n)
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
