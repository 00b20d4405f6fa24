package sqlitestore

import (
	"context"
	"database/sql"
	"time"

	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
)

// maxFingerprints is the most causes of errors that are remembered. Anybody can invent some, so
// those of the networks that brought the most go first. It is a variable for tests.
var maxFingerprints int64 = 50_000

// noteFingerprints records where and when the causes of application errors were seen. Errors may
// come in any order.
func noteFingerprints(tx *sql.Tx, samples []model.Sample) error {
	for i := range samples {
		v := &samples[i]
		if v.Error.Fingerprint == [16]byte{} {
			continue
		}
		if _, err := tx.Exec(`INSERT INTO fingerprints (app, fingerprint, type, outcome, first, first_version, last, last_version, errors, asn)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET
			first_version = CASE WHEN excluded.first < first THEN excluded.first_version ELSE first_version END,
			first = min(first, excluded.first),
			last_version = CASE WHEN excluded.last >= last THEN excluded.last_version ELSE last_version END,
			last = max(last, excluded.last),
			errors = min(errors + excluded.errors, 4611686018427387903)`,
			v.App, v.Error.Fingerprint[:], v.Error.Type, string(v.Outcome), v.At.UnixMilli(), v.Version, int64(min(v.Error.Count, 1<<40)), v.ASN); err != nil {
			return err
		}
	}
	return nil
}

// Fingerprints implements detector.Events.
func (s *Events) Fingerprints(ctx context.Context, q model.FingerprintQuery) ([]model.Fingerprint, error) {
	only := []byte{} // none: any
	if q.Fingerprint != [16]byte{} {
		only = q.Fingerprint[:]
	}
	return sqlitedb.List(ctx, s.asked, "reading causes of errors", `SELECT app, fingerprint, type, outcome, first, first_version, last, last_version, errors,
		(SELECT count(DISTINCT client) FROM samples s WHERE s.fingerprint = f.fingerprint AND s.fingerprint <> x'' AND s.client <> 0) FROM fingerprints f
		WHERE last >= ? AND (? = '' OR app = ?) AND (? = '' OR first_version = ?) AND (? = 0 OR first < ?) AND (? = x'' OR f.fingerprint = ?) ORDER BY last DESC, fingerprint LIMIT ?`,
		[]any{q.Since.UnixMilli(), q.App, q.App, q.NewIn, q.NewIn, milli(q.Until), milli(q.Until), only, only, answers.Bounded(q.Limit, 100)}, func(rows *sql.Rows) (f model.Fingerprint, err error) {
			var print sql.RawBytes
			var first, last int64
			err = rows.Scan(&f.App, &print, &f.Type, &f.Outcome, &first, &f.FirstVersion, &last, &f.LastVersion, &f.Errors, &f.Clients)
			copy(f.Fingerprint[:], print)
			f.First, f.Last = time.UnixMilli(first), time.UnixMilli(last)
			return f, err
		})
}
