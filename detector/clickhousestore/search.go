//go:build cgo

package clickhousestore

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/search"
)

const (
	// firstSpan is how long before the newest samples a search looks first. Then it looks twice as
	// far back, and so on, until it has found enough.
	firstSpan = 30 * time.Minute
	// maxJudged is how many samples of one span that may match are judged one by one.
	maxJudged = 20_000
)

// search answers a query with a text. ClickHouse reads all samples of a span of time, as it does
// for any condition, and selects those that may match.
func (s *Events) search(ctx context.Context, c *conditions, hidden string, since int64, q model.SampleQuery, text *search.Query, limit int) (found []model.Sample, err error) {
	done, err := s.askMuch(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	suspects(c, text)
	until, err := s.number(ctx, "searching samples", "SELECT toInt64(max(at)) + 1 FROM samples WHERE day >= ?", dayText(since))
	if err != nil {
		return nil, err
	}
	if !q.Until.IsZero() {
		until = min(until, q.Until.UnixMilli())
	}
	for span := firstSpan.Milliseconds(); until > since && len(found) < limit; span *= 2 {
		from := max(until-span, since)
		if span > until-since { // nothing earlier is wanted
			from = since
		}
		more, err := s.judge(ctx, c, hidden, from, until, text, limit-len(found))
		if err != nil {
			return nil, err
		}
		found, until = append(found, more...), from
	}
	return found, nil
}

// judge returns the samples of a span of time that match, the newest first.
func (s *Events) judge(ctx context.Context, c *conditions, hidden string, since, until int64, text *search.Query, limit int) (found []model.Sample, err error) {
	in := conditions{all: []string{"day >= ? AND day <= ? AND at >= ? AND at < ?"}, args: []any{dayText(since), dayText(until), since, until}}
	judged := 0
	err = s.each(ctx, "searching samples", "SELECT "+sampleColumns+" FROM samples WHERE "+in.String()+" AND "+c.String()+hidden+" ORDER BY at DESC, block DESC, seq DESC LIMIT ?",
		append(append(in.args, c.args...), maxJudged+1), func(rows driver.Rows) error {
			if len(found) == limit {
				return nil
			}
			v, err := scanSample(rows)
			if err != nil {
				return err
			}
			if judged++; judged > maxJudged {
				return &model.CostError{Of: "samples", Most: maxJudged, Since: v.At.Add(time.Millisecond)}
			}
			if text.Match(&v) {
				found = append(found, v)
			}
			return nil
		})
	return found, err
}

// allTexts are the columns that words are looked for in.
const allTexts = `concat(message, ' ', error_type, ' ', url, ' ', stack, ' ', app, ' ', version, ' ', os, ' ', target, ' ', method, ' ', outcome, ' ', phase, ' ', protocol,
	' ', server, ' ', toString(status), ' ', country)`

// suspects adds a condition that every sample fulfils that matches, and others. It leaves out what
// ClickHouse would compare in another way.
func suspects(c *conditions, text *search.Query) {
	text.Values(func(field, v string) {
		if ascii(v) {
			suspectsOf(c, field, v)
		}
	})
	for _, word := range text.Words() {
		if ascii(word) {
			c.and("positionCaseInsensitive("+allTexts+", ?) > 0", word)
		}
	}
}

func suspectsOf(c *conditions, field, v string) {
	switch field {
	case "app", "version", "os", "method", "protocol", "country":
		c.and("lower("+field+") = ?", v)
	case "error":
		c.and("lower(error_type) = ?", v)
	case "outcome":
		c.and("(lower(outcome) = ? OR startsWith(lower(outcome), ?))", v, v+".")
	case "target", "server":
		c.and("position(lower("+field+"), ?) > 0", v)
	case "asn", "status":
		n, err := strconv.ParseUint(v, 10, 32)
		if err != nil {
			c.and("0")
			return
		}
		c.and(field+" = ?", n)
	case "fingerprint", "trace":
		id, err := hex.DecodeString(v)
		if err != nil || len(id) != 16 {
			c.and("0")
			return
		}
		c.and(field + " = unhex('" + strings.ToUpper(v) + "')")
	}
}

func ascii(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}
