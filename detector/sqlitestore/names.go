package sqlitestore

import (
	"database/sql"
	"time"

	"github.com/heliograph-net/heliograph/model"
)

const (
	maxCached = 100_000
	dayMS     = int64(24 * time.Hour / time.Millisecond)
)

// names finds the ids of series and caches them. file.mu guards it.
type names struct{ ids map[model.Series]known }

type known struct{ id, used int64 }

func newNames() *names { return &names{ids: map[model.Series]known{}} }

// forget clears the cache, because rows may have been deleted.
func (n *names) forget() {
	if n != nil {
		n.ids = map[model.Series]known{}
	}
}

// id returns the row of a series that is used in bin. It creates the row if necessary.
func (n *names) id(tx *sql.Tx, s model.Series, bin int64) (int64, error) {
	if k, ok := n.ids[s]; ok && bin <= k.used+dayMS {
		return k.id, nil
	}
	k, err := n.insert(tx, s, bin) // most series that are not in the cache are new
	if err == sql.ErrNoRows {
		k, err = n.lookUp(tx, s)
	}
	if err == nil && bin > k.used+dayMS {
		k.used = bin
		_, err = tx.Exec("UPDATE series SET used = ? WHERE id = ?", k.used, k.id)
	}
	if err != nil {
		return 0, err
	}
	if len(n.ids) >= maxCached {
		n.forget()
	}
	n.ids[s] = k
	return k.id, nil
}

func (n *names) lookUp(tx *sql.Tx, s model.Series) (k known, err error) {
	err = tx.QueryRow(`SELECT id, used FROM series WHERE app = ? AND target = ? AND outcome = ? AND protocol = ? AND status = ? AND server = ?
		AND asn = ? AND country = ? AND source = ? AND flags = ?`, key(s)...).Scan(&k.id, &k.used)
	return k, err
}

// insert makes the row of a series. The error is sql.ErrNoRows if there is one.
func (n *names) insert(tx *sql.Tx, s model.Series, bin int64) (k known, err error) {
	err = tx.QueryRow(`INSERT INTO series (app, target, outcome, protocol, status, server, asn, country, source, flags, delivery, used)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id, used`, append(key(s), s.Delivery(), bin)...).Scan(&k.id, &k.used)
	return k, err
}

func key(s model.Series) []any {
	return []any{s.App, s.Target, string(s.Outcome), s.Protocol, s.Status, s.Server, s.ASN, s.Country, s.Source, s.Flags}
}

// seriesColumns are the columns of table series as s, in the order of seriesFields.
const seriesColumns = "s.app, s.target, s.outcome, s.protocol, s.status, s.server, s.asn, s.country, s.source, s.flags"

func seriesFields(s *model.Series) []any {
	return []any{&s.App, &s.Target, &s.Outcome, &s.Protocol, &s.Status, &s.Server, &s.ASN, &s.Country, &s.Source, &s.Flags}
}
