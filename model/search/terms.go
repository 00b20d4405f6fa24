package search

import (
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/model"
)

// Term stands for a word, or for the value of a field. Different ones may have the same Term, so
// what an index finds by it must be judged by [Query.Match]. Terms are stored and must not change.
type Term int64

// termBits is how many bits a Term has: few, because indexes have very many.
const termBits = 47

// term returns the first bits of the FNV-1a hash of a text of a kind. 0 is the kind of words.
func term(kind int, text string) Term {
	const offset, prime = 14695981039346656037, 1099511628211
	h := (uint64(offset) ^ uint64(kind)) * prime
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * prime
	}
	return Term(h >> (64 - termBits))
}

// ValueTerm returns the term of samples that a field with a value finds, which [Fields] must have.
func ValueTerm(field, v string) Term { return term(1+fieldNamed(field), canonical(field, v)) }

// Terms returns the terms of a query, each once.
func (q *Query) Terms() (all []Term) {
	for _, v := range q.values {
		all = append(all, term(1+v.field, v.of))
	}
	for _, word := range q.Words() {
		all = append(all, term(0, word))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Terms appends the terms that a sample is found by, each once.
func Terms(to []Term, s *model.Sample) []Term {
	from := len(to)
	for i := range fields {
		for _, v := range fields[i].values(s) {
			if v != "" {
				to = append(to, term(1+i, strings.ToLower(v)))
			}
		}
	}
	all := texts(s)
	for _, text := range all {
		for word := range words(text) {
			to = append(to, term(0, word))
		}
	}
	slices.Sort(to[from:])
	return to[:from+len(slices.Compact(to[from:]))]
}
