package search

import (
	"fmt"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/model"
)

// Bounds of a query.
const (
	MaxText  = 512 // bytes
	MaxParts = 16  // fields and words
)

// Query is what samples must have. The zero Query matches every sample.
type Query struct {
	values  []value
	phrases [][]string // words that follow each other
}

// value is the value that a field must have.
type value struct {
	field int    // into fields
	of    string // in small letters
}

// Parse reads a query. An error wraps [model.ErrQuery]; its text contains nothing of the query.
func Parse(text string) (*Query, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("%w: must be at most %d bytes", model.ErrQuery, MaxText)
	}
	q := &Query{}
	parts := 0
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		n, err := q.part(&text)
		if err != nil {
			return nil, err
		}
		if parts += n; parts > MaxParts {
			return nil, fmt.Errorf("%w: must have at most %d fields and words", model.ErrQuery, MaxParts)
		}
	}
	return q, nil
}

// part takes a part from the text, and returns how many fields and words it has.
func (q *Query) part(text *string) (n int, err error) {
	if name, rest, ok := strings.Cut(*text, ":"); ok {
		if f := fieldNamed(name); f >= 0 {
			v, rest, err := token(rest)
			if err != nil {
				return 0, err
			}
			if v = canonical(fields[f].name, v); v == "" {
				return 0, fmt.Errorf("%w: must have a value after the colon of %s", model.ErrQuery, fields[f].name)
			}
			q.values, *text = append(q.values, value{f, v}), rest
			return 1, nil
		}
	}
	v, rest, err := token(*text)
	if err != nil {
		return 0, err
	}
	*text = rest
	phrase := slices.Collect(words(v))
	if len(phrase) == 0 {
		return 0, nil // only punctuation
	}
	q.phrases = append(q.phrases, phrase)
	return len(phrase), nil
}

// token returns the text up to a space, or what is in quotation marks, and what follows.
func token(text string) (first, rest string, err error) {
	if after, ok := strings.CutPrefix(text, `"`); ok {
		if first, rest, ok = strings.Cut(after, `"`); !ok {
			return "", "", fmt.Errorf("%w: must have a second quotation mark for each first one", model.ErrQuery)
		}
		return first, rest, nil
	}
	if end := strings.IndexFunc(text, isSpace); end >= 0 {
		return text[:end], text[end:], nil
	}
	return text, "", nil
}

func isSpace(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }

// canonical returns a value as samples have it.
func canonical(field, v string) string {
	v = strings.ToLower(strings.TrimSpace(v))
	switch field {
	case "asn":
		v = strings.TrimPrefix(v, "as")
	case "target":
		v = strings.TrimSuffix(v, "/")
	case "fingerprint", "trace":
		v = strings.ReplaceAll(v, "-", "")
	}
	return v
}

// Empty reports whether the query matches every sample.
func (q *Query) Empty() bool { return len(q.values)+len(q.phrases) == 0 }

// Match reports whether a sample has all of what is asked for.
func (q *Query) Match(s *model.Sample) bool {
	for _, v := range q.values {
		if !slices.ContainsFunc(fields[v.field].values(s), func(of string) bool { return strings.ToLower(of) == v.of }) {
			return false
		}
	}
	if len(q.phrases) == 0 {
		return true
	}
	all := texts(s)
	for _, phrase := range q.phrases {
		if !slices.ContainsFunc(all[:], func(text string) bool { return contains(text, phrase) }) {
			return false
		}
	}
	return true
}

// Words returns the words that every sample has that matches, in small letters.
func (q *Query) Words() []string { return slices.Concat(q.phrases...) }

// Values calls f for each value that a field must have, in small letters.
func (q *Query) Values(f func(field, value string)) {
	for _, v := range q.values {
		f(fields[v.field].name, v.of)
	}
}
