package sqlitestore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/detector/answers"
	"github.com/heliograph-net/heliograph/internal/sqlitedb"
	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/search"
)

// maxJudged is how many samples that the index finds one search reads. Few of them match only if
// the words of a phrase are frequent and do not follow each other.
const maxJudged = 20_000

// searching is a search for samples. What is found is kept newest first.
type searching struct {
	tx      *sql.Tx
	q       model.SampleQuery
	text    *search.Query
	sel     selection
	terms   []search.Term
	limit   int
	found   []numbered
	judged  int
	scratch [2][]int
}

type numbered struct {
	model.Sample
	id int64
}

// search answers a query with a text. Samples are first looked for among those that are not in the
// index yet, and then chunk by chunk, those with the newest samples first.
func (s *Events) search(ctx context.Context, q model.SampleQuery, text *search.Query) ([]model.Sample, error) {
	done, err := s.askMuch(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	// one state of samples and index
	tx, err := s.asked.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, sqlitedb.Doing("searching samples", err)
	}
	defer tx.Rollback()
	f := &searching{tx: tx, q: q, text: text, sel: selectionOf(q), limit: answers.Bounded(q.Limit, 100)}
	if err := f.run(ctx); err != nil {
		return nil, sqlitedb.Doing("searching samples", err)
	}
	var all []model.Sample
	for i := range f.found {
		all = append(all, f.found[i].Sample)
	}
	return all, nil
}

func (f *searching) run(ctx context.Context) error {
	_, unindexed, err := nextSample(f.tx)
	if err != nil {
		return err
	}
	if err := f.judge(ctx, " AND id >= ?", unindexed*chunkSamples); err != nil {
		return err
	}
	if err := f.choose(ctx, unindexed-1); err != nil {
		return err
	}
	query, args := f.chunks()
	rows, err := f.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c sampleChunk
		fields := []any{&c.number, &c.first, &c.last}
		lists := make([]sql.RawBytes, len(f.terms))
		for i := range lists {
			fields = append(fields, &lists[i])
		}
		if err := rows.Scan(fields...); err != nil {
			return err
		}
		if f.full() && f.oldest() > c.last {
			break
		}
		if err := f.chunk(ctx, &c, f.intersection(lists)); err != nil {
			return err
		}
	}
	return rows.Err()
}

// sampleChunk is a chunk of the index that has every term.
type sampleChunk struct{ number, first, last int64 }

// choose sets the terms that every sample has that is looked for. Those that the newest chunk has
// least come first, so that most chunks are passed over after one look.
func (f *searching) choose(ctx context.Context, newest int64) error {
	f.terms = f.text.Terms()
	for field, v := range map[string]string{"outcome": string(f.q.Type), "target": f.q.Target} {
		if v != "" {
			f.terms = append(f.terms, search.ValueTerm(field, v))
		}
	}
	size := map[search.Term]int{}
	for _, t := range f.terms {
		var n int
		err := f.tx.QueryRowContext(ctx, "SELECT length(samples) FROM sample_terms WHERE chunk = ? AND term = ?", newest, int64(t)).Scan(&n)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		size[t] = n
	}
	slices.SortFunc(f.terms, func(a, b search.Term) int { return cmp.Or(cmp.Compare(size[a], size[b]), cmp.Compare(a, b)) })
	f.terms = slices.Compact(f.terms)
	return nil
}

// chunks returns a statement for the chunks in which every term is, with the samples of each term.
func (f *searching) chunks() (query string, args []any) {
	columns, joins := "c.chunk, c.first, c.last", ""
	for i, t := range f.terms {
		columns += fmt.Sprintf(", t%d.samples", i)
		joins += fmt.Sprintf(" CROSS JOIN sample_terms t%[1]d ON t%[1]d.chunk = c.chunk AND t%[1]d.term = ?", i)
		args = append(args, int64(t))
	}
	args = append(args, f.sel.since, f.sel.until)
	return "SELECT " + columns + " FROM sample_chunks c" + joins + " WHERE c.last >= ? AND c.first < ? ORDER BY c.last DESC", args
}

// intersection returns the places that are in all lists.
func (f *searching) intersection(lists []sql.RawBytes) (common []int) {
	slices.SortFunc(lists, func(a, b sql.RawBytes) int { return cmp.Compare(len(a), len(b)) })
	for i, list := range lists {
		if i == 0 {
			f.scratch[0] = places(f.scratch[0][:0], list)
			common = f.scratch[0]
			continue
		}
		if len(common) == 0 {
			break
		}
		f.scratch[1] = places(f.scratch[1][:0], list)
		common = both(common, f.scratch[1])
	}
	return common
}

// both keeps what of a is in b, too. Both are in their order.
func both(a, b []int) []int {
	kept := a[:0]
	for _, v := range a {
		for len(b) > 0 && b[0] < v {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == v {
			kept = append(kept, v)
		}
	}
	return kept
}

// judgeAtOnce is how many samples one statement reads.
const judgeAtOnce = 64

// chunk judges the samples at some places of a chunk, the newest first, until no older one is
// wanted.
func (f *searching) chunk(ctx context.Context, c *sampleChunk, at []int) error {
	if len(at) == 0 {
		return nil
	}
	var times []byte
	if err := f.tx.QueryRowContext(ctx, "SELECT times FROM sample_chunks WHERE chunk = ?", c.number).Scan(&times); err != nil {
		return err
	}
	if len(times) < 4*chunkSamples {
		return fmt.Errorf("the times of chunk %d are damaged", c.number)
	}
	time := func(place int) int64 { return c.first + int64(binary.BigEndian.Uint32(times[4*place:])) }
	at = slices.DeleteFunc(at, func(place int) bool { return time(place) < f.sel.since || time(place) >= f.sel.until })
	slices.SortFunc(at, func(a, b int) int { return cmp.Or(cmp.Compare(time(b), time(a)), b-a) })
	for some := range slices.Chunk(at, judgeAtOnce) {
		if f.full() && f.oldest() > time(some[0]) {
			return nil
		}
		if f.judged += len(some); f.judged > maxJudged {
			return f.tooMany(c)
		}
		ids := make([]any, len(some))
		for i, place := range some {
			ids[i] = c.number*chunkSamples + int64(place)
		}
		if err := f.judge(ctx, " AND id IN "+marks(len(ids)), ids...); err != nil {
			return err
		}
	}
	return nil
}

// tooMany says since when the search would have been answered.
func (f *searching) tooMany(c *sampleChunk) error {
	return &model.CostError{Of: "samples", Most: maxJudged, Since: time.UnixMilli(c.last)}
}

// full reports whether as many samples are found as are wanted, and oldest returns the time of the
// oldest of them.
func (f *searching) full() bool    { return len(f.found) == f.limit }
func (f *searching) oldest() int64 { return f.found[len(f.found)-1].At.UnixMilli() }

// judge reads samples of the query that a condition on ids selects, and keeps those that match.
func (f *searching) judge(ctx context.Context, condition string, args ...any) error {
	rows, err := f.tx.QueryContext(ctx, "SELECT "+sampleColumns+", id FROM samples NOT INDEXED WHERE "+f.sel.text+condition+" ORDER BY at DESC, id DESC", append(slices.Clone(f.sel.args), args...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var more []numbered
	for rows.Next() && len(more) < f.limit {
		v, id, err := scanNumbered(rows)
		if err != nil {
			return err
		}
		if f.text.Match(&v) {
			more = append(more, numbered{v, id})
		}
	}
	f.found = append(f.found, more...)
	slices.SortFunc(f.found, func(a, b numbered) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.id, a.id)) })
	f.found = f.found[:min(len(f.found), f.limit)]
	return rows.Err()
}

// selection is a condition on samples.
type selection struct {
	text         string
	args         []any
	since, until int64 // Unix ms, as in args
}

func selectionOf(q model.SampleQuery) selection {
	s := selection{since: q.Since.UnixMilli(), until: 1 << 62}
	if !q.Until.IsZero() {
		s.until = q.Until.UnixMilli()
	}
	s.args = append([]any{s.since, s.until, q.Target, q.Target}, underArgs(q.Type)...)
	var text strings.Builder
	text.WriteString("at >= ? AND at < ? AND (? = '' OR target = ?) AND " + under("outcome"))
	for _, c := range []condition{among("asn", q.Scope.ASNs), among("country", q.Scope.Countries), among("server", q.Scope.Servers), among("protocol", q.Scope.Protocols)} {
		text.WriteString(c.text)
		s.args = append(s.args, c.args...)
	}
	s.text = text.String()
	return s
}
