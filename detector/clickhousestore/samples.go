//go:build cgo

package clickhousestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/heliograph-net/heliograph/detector"
	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/search"
	"github.com/heliograph-net/heliograph/report"
)

// Samples implements detector.Events.
func (s *Events) Samples(ctx context.Context, q model.SampleQuery) ([]model.Sample, error) {
	text, err := search.Parse(q.Text)
	if err != nil {
		return nil, err
	}
	s.settleForPeople(ctx)
	since, err := s.from(ctx, detector.KindSamples, q.Since)
	if err != nil {
		return nil, err
	}
	hidden, err := s.hidden(ctx)
	if err != nil {
		return nil, err
	}
	c := conditions{}
	c.and("day >= ? AND at >= ?", dayText(since), since)
	if !q.Until.IsZero() {
		c.and("day <= ? AND at < ?", dayText(q.Until.UnixMilli()), q.Until.UnixMilli())
	}
	among(&c, "asn", q.Scope.ASNs)
	among(&c, "country", q.Scope.Countries)
	among(&c, "server", q.Scope.Servers)
	among(&c, "protocol", q.Scope.Protocols)
	c.is("target", q.Target)
	c.under("outcome", q.Type)
	limit := answers.Bounded(q.Limit, 100)
	if !text.Empty() {
		return s.search(ctx, &c, hidden, since, q, text, limit)
	}
	return list(ctx, s, "reading samples", "SELECT "+sampleColumns+" FROM samples WHERE "+c.String()+hidden+" ORDER BY at DESC, block DESC, seq DESC LIMIT ?",
		append(c.args, limit), scanSample)
}

const sampleColumns = `at, app, version, os, source, target, url, method, outcome, phase, protocol, server, status, elapsed, trace, flags,
	asn, country, error_type, message, stack, fingerprint, count`

func scanSample(rows driver.Rows) (v model.Sample, err error) {
	var at, elapsed int64
	var source uint8
	var flags uint64
	var outcome, phase string
	var trace, print []byte
	e := &v.Error
	err = rows.Scan(&at, &v.App, &v.Version, &v.OS, &source, &v.Target, &v.URL, &v.Method, &outcome, &phase, &v.Protocol, &v.Server, &v.Status, &elapsed, &trace, &flags,
		&v.ASN, &v.Country, &e.Type, &e.Message, &e.Stack, &print, &e.Count)
	v.At, v.Elapsed = time.UnixMilli(at), time.Duration(elapsed)*time.Millisecond
	v.Source, v.Outcome, v.Phase, v.Flags = report.Source(source), report.Outcome(outcome), report.Phase(phase), report.Flags(flags)
	copy(v.TraceID[:], trace)
	copy(e.Fingerprint[:], print)
	return v, err
}

// maxHidden is how many clients' samples may be hidden and not deleted yet. Deleting rewrites the
// days that they are in, so that is done for many together.
const maxHidden = 4000

// Forget implements detector.Events. The samples are hidden at once. They are deleted with the next
// Prune, or now if many clients wait for it.
func (s *Events) Forget(ctx context.Context, clients []uint64) error {
	if len(clients) == 0 {
		return nil
	}
	// What came before has a block then. If the server does not answer, all is hidden that ever
	// comes of these clients: the detector keeps nothing more of them anyway.
	block := "number"
	if err := s.settle(ctx); errors.Is(err, model.ErrAway) {
		block = "9223372036854775807"
	} else if err != nil {
		return err
	}
	var hidden int64
	if err := s.write(ctx, "hiding samples of clients", func(tx *sql.Tx) error {
		for _, c := range clients {
			if c == 0 { // it stands for no client
				continue
			}
			if _, err := tx.Exec("INSERT OR IGNORE INTO forgotten (client, block) SELECT ?, "+block+" FROM block", int64(c)); err != nil {
				return err
			}
		}
		return tx.QueryRow("SELECT count(*) FROM forgotten").Scan(&hidden)
	}); err != nil {
		return err
	}
	if hidden <= maxHidden || block != "number" {
		return nil
	}
	return s.deleteHidden(ctx)
}

// hidden returns a condition on samples that are not hidden, which begins with AND, or "".
func (s *Events) hidden(ctx context.Context) (string, error) {
	of, err := s.forgotten(ctx)
	if err != nil || len(of) == 0 {
		return "", err
	}
	return " AND NOT " + hiddenOf(of), nil
}

// forgotten returns the clients whose samples are to be deleted, by block.
func (s *Events) forgotten(ctx context.Context) (map[int64][]uint64, error) {
	of := map[int64][]uint64{}
	return of, s.readJournal(ctx, "reading deletions", "SELECT client, block FROM forgotten", nil, func(rows *sql.Rows) error {
		var client, block int64
		err := rows.Scan(&client, &block)
		of[block] = append(of[block], uint64(client))
		return err
	})
}

// hiddenOf returns a condition on samples of clients up to a block.
func hiddenOf(of map[int64][]uint64) string {
	var all []string
	for block, clients := range of {
		texts := make([]string, len(clients))
		for i, c := range clients {
			texts[i] = fmt.Sprint(c)
		}
		all = append(all, fmt.Sprintf("(block <= %d AND client IN (%s))", block, strings.Join(texts, ",")))
	}
	return "(" + strings.Join(all, " OR ") + ")"
}

// deleteHidden deletes the samples that are hidden, and waits until that is done.
func (s *Events) deleteHidden(ctx context.Context) error {
	of, err := s.forgotten(ctx)
	if err != nil {
		return err
	}
	for block, clients := range of {
		for some := range slices.Chunk(clients, maxHidden) {
			if err := s.mutate(ctx, "samples", hiddenOf(map[int64][]uint64{block: some})); err != nil {
				return err
			}
			if err := s.write(ctx, "noting deletions", func(tx *sql.Tx) error {
				for _, c := range some {
					if _, err := tx.Exec("DELETE FROM forgotten WHERE client = ? AND block = ?", int64(c), block); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// mutate deletes rows, and waits until that is done. The server goes on if nobody waits any more.
func (s *Events) mutate(ctx context.Context, table, where string) error {
	if err := s.exec(ctx, "deleting rows", "ALTER TABLE "+table+" DELETE WHERE "+where); err != nil {
		return err
	}
	for end := time.Now().Add(s.o.Deadline); ; {
		left, err := s.number(ctx, "awaiting a deletion", "SELECT toInt64(count()) FROM system.mutations WHERE database = ? AND table = ? AND is_done = 0", s.o.Database, table)
		if err != nil || left == 0 {
			return err
		}
		if time.Now().After(end) {
			return s.named("deleting rows", context.DeadlineExceeded)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
