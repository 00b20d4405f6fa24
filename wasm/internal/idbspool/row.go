package idbspool

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// row describes a segment in the database.
type row struct {
	id      report.BatchID
	birth   int64 // Unix ms
	size    int64 // bytes
	chunks  int
	touched int64 // Unix ms of the last Append, or done if the segment is finished
}

const done = -1

func (r *row) done() bool { return r.touched == done }

// String returns r as stored in the database. It is a single string, because each value that comes
// from JavaScript takes time.
func (r *row) String() string {
	b := append([]byte(r.id.String()), ' ')
	for i, n := range []int64{r.birth, r.size, int64(r.chunks), r.touched} {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(b)
}

// parseRow is the inverse of String.
func parseRow(s string) (r row, ok bool) {
	id, rest, _ := strings.Cut(s, " ")
	var n [4]int64
	for i := range n {
		var number string
		number, rest, _ = strings.Cut(rest, " ")
		var err error
		if n[i], err = strconv.ParseInt(number, 10, 64); err != nil {
			return row{}, false
		}
	}
	var err error
	r = row{birth: n[0], size: n[1], chunks: int(n[2]), touched: n[3]}
	r.id, err = report.ParseBatchID(id)
	sane := err == nil && r.birth >= 0 && r.size > 0 && r.size <= seal.MaxSegment && r.chunks > 0 && n[2] <= r.size && r.touched >= done
	return r, sane && r.String() == s
}

// readRows returns the rows of the segments, oldest first. It ignores values that are not
// valid rows.
func readRows(t transaction) ([]row, error) {
	lines, err := t.segments()
	if err != nil {
		return nil, err
	}
	rows := make([]row, 0, len(lines))
	for _, line := range lines {
		if r, ok := parseRow(line); ok {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(x, y row) int {
		if x.birth != y.birth {
			return int(min(max(x.birth-y.birth, -1), 1))
		}
		return slices.Compare(x.id[:], y.id[:])
	})
	return rows, nil
}

// endSize is the length of seal.AppendEnd's mark.
const endSize = 4

// total returns the size of all segments, including the end marks that unfinished ones will get.
func total(rows []row) (bytes int64) {
	for i := range rows {
		bytes += rows[i].size
		if !rows[i].done() {
			bytes += endSize
		}
	}
	return bytes
}

// lease is how long after an Append other tabs assume that the segment's writer is alive.
const lease = 5 * time.Second

// abandoned reports whether the writer of r seems to be dead. A time in the future means that the
// clock was set back.
func (r *row) abandoned(now time.Time) bool {
	age := now.UnixMilli() - r.touched
	return !r.done() && (age < 0 || age >= lease.Milliseconds())
}

// released is before the creation of any segment. A clock with an earlier time was never set, so it
// says nothing about age.
var released = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

func (s *Spool) expired(r *row, now time.Time) bool {
	return r.birth > released && now.UnixMilli()-r.birth > s.o.MaxAge.Milliseconds()
}

// finish ends an unfinished segment.
func finish(t transaction, r *row) {
	t.putChunk(r.id.String(), r.chunks, seal.AppendEnd(nil))
	r.size += endSize
	r.chunks++
	r.touched = done
	t.putSegment(r.id.String(), r.String())
}
