package sqlitestore

import (
	"database/sql"
	"time"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

const (
	maxSeries = 1_000_000 // rows of series: all their names come from clients
	maxCached = 100_000
	dayMS     = int64(24 * time.Hour / time.Millisecond)

	// other stands for the names of series that came when there were maxSeries already.
	other = "(other)"
)

// names finds the id of a series and remembers it. It belongs to whoever holds Store.mu.
type names struct {
	rows int64
	ids  map[model.Series]known
}

type known struct{ id, used int64 }

func newNames(db *sql.DB) (*names, error) {
	n := &names{ids: map[model.Series]known{}}
	return n, db.QueryRow("SELECT count(*) FROM series").Scan(&n.rows)
}

func (n *names) forget() { n.ids = map[model.Series]known{} }

// id finds or makes the row of a series that is used in bin.
func (n *names) id(tx *sql.Tx, s model.Series, bin int64) (int64, error) {
	if k, ok := n.ids[s]; ok && bin <= k.used+dayMS {
		return k.id, nil
	}
	k, err := n.lookUp(tx, s)
	if err == sql.ErrNoRows {
		if n.rows >= maxSeries {
			if reduced := reduce(s); reduced != s {
				return n.id(tx, reduced, bin)
			}
		}
		k, err = n.insert(tx, s, bin)
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

func (n *names) insert(tx *sql.Tx, s model.Series, bin int64) (known, error) {
	r, err := tx.Exec(`INSERT INTO series (app, target, outcome, protocol, status, server, asn, country, source, flags, delivery, used)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, append(key(s), s.Delivery(), bin)...)
	if err != nil {
		return known{}, err
	}
	n.rows++
	id, err := r.LastInsertId()
	return known{id, bin}, err
}

func key(s model.Series) []any {
	return []any{s.App, s.Target, string(s.Outcome), s.Protocol, s.Status, s.Server, s.ASN, s.Country, s.Source, s.Flags}
}

// reduce leaves of a series what there are few values of.
func reduce(s model.Series) model.Series {
	if s.Outcome != report.OK {
		s.Outcome = report.Unknown
	}
	return model.Series{App: other, Target: other, Outcome: s.Outcome, ASN: s.ASN, Country: s.Country, Source: s.Source, Flags: s.Flags}
}
