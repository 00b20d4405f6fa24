package sqlitestore

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/heliograph-net/heliograph/model/search"
)

// deleteSamples deletes the samples whose ids a statement selects, and takes them out of the index:
// nothing tells what they contained.
func deleteSamples(tx *sql.Tx, ids string, args ...any) (n int64, err error) {
	_, unindexed, err := nextSample(tx)
	if err != nil {
		return 0, err
	}
	gone, postings, err := selected(tx, unindexed*chunkSamples, ids, args)
	if err != nil {
		return 0, err
	}
	for t, of := range postings {
		if err := removePlaces(tx, t, of); err != nil {
			return 0, fmt.Errorf("taking samples out of the index: %w", err)
		}
	}
	for some := range slices.Chunk(gone, forgetAtOnce) {
		r, err := tx.Exec("DELETE FROM samples WHERE id IN "+marks(len(some)), some...)
		if err != nil {
			return 0, err
		}
		more, err := r.RowsAffected()
		if err != nil {
			return 0, err
		}
		n += more
	}
	return n, nil
}

// chunkTerm is a row of the index.
type chunkTerm struct {
	chunk int64
	term  search.Term
}

// selected returns the ids that a statement selects, and the places of those below end by the terms
// that they are found by.
func selected(tx *sql.Tx, end int64, ids string, args []any) (all []any, postings map[chunkTerm][]int, err error) {
	rows, err := tx.Query("SELECT "+sampleColumns+", id FROM samples WHERE id IN ("+ids+") ORDER BY id", args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	postings = map[chunkTerm][]int{}
	var terms []search.Term
	for rows.Next() {
		v, id, err := scanNumbered(rows)
		if err != nil {
			return nil, nil, err
		}
		if all = append(all, id); id >= end {
			continue
		}
		terms = search.Terms(terms[:0], &v)
		for _, t := range terms {
			key := chunkTerm{id / chunkSamples, t}
			postings[key] = append(postings[key], int(id%chunkSamples))
		}
	}
	return all, postings, rows.Err()
}

// removePlaces takes places, in their order, out of a row of the index.
func removePlaces(tx *sql.Tx, row chunkTerm, gone []int) error {
	var b []byte
	switch err := tx.QueryRow("SELECT samples FROM sample_terms WHERE chunk = ? AND term = ?", row.chunk, int64(row.term)).Scan(&b); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	var left []byte
	last := -1
	for _, place := range places(nil, b) {
		if _, found := slices.BinarySearch(gone, place); !found {
			left = appendPlace(left, &last, place)
		}
	}
	if len(left) == 0 {
		_, err := tx.Exec("DELETE FROM sample_terms WHERE chunk = ? AND term = ?", row.chunk, int64(row.term))
		return err
	}
	_, err := tx.Exec("UPDATE sample_terms SET samples = ? WHERE chunk = ? AND term = ?", left, row.chunk, int64(row.term))
	return err
}

// emptyChunks selects at most ?2 chunks without samples, except the newest, which says up to where
// samples are in the index. ?1 is not used.
var emptyChunks = strings.ReplaceAll(`SELECT chunk FROM sample_chunks c WHERE ?1 AND chunk < (SELECT max(chunk) FROM sample_chunks)
	AND NOT EXISTS (SELECT 1 FROM samples WHERE id >= c.chunk * SIZE AND id < (c.chunk + 1) * SIZE) LIMIT ?2`, "SIZE", fmt.Sprint(chunkSamples))
