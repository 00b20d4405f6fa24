package sqlitestore

import (
	"cmp"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/search"
)

// version20 adds an index of the terms of samples, see indexing.
const version20 = `
CREATE TABLE sample_chunks ( -- the samples with ids from chunk * 8192 on are in the index
	chunk INTEGER PRIMARY KEY,
	first INTEGER NOT NULL, -- the time of the oldest and
	last  INTEGER NOT NULL, -- of the newest, or of those that once were
	times BLOB NOT NULL     -- of each, in ms since first
) STRICT;
CREATE TABLE sample_terms (
	chunk   INTEGER NOT NULL,
	term    INTEGER NOT NULL, -- search.Term
	samples BLOB NOT NULL,    -- their ids, see appendPlaces
	PRIMARY KEY (chunk, term)
) STRICT, WITHOUT ROWID;`

// chunkSamples is how many ids a chunk has. Those of the newest samples that do not make up a chunk
// yet are not in the index and must be read one by one.
const chunkSamples = 8192

// The index has for each chunk of samples the terms that they are found by. A chunk is indexed when
// it is full, all at once: its rows lie side by side then, and storing samples costs little more.
// SQLite's own indexes of texts (FTS) do not fit, because what is deleted stays in their pages, and
// FTS5 is not part of the driver without a build tag.

// nextSample returns the id of the next sample and the first chunk that is not indexed. Ids of
// deleted samples are not used again in chunks that are.
func nextSample(tx *sql.Tx) (id, chunk int64, err error) {
	var oldest, last, indexed sql.NullInt64
	err = tx.QueryRow("SELECT (SELECT min(id) FROM samples), (SELECT max(id) FROM samples), (SELECT max(chunk) FROM sample_chunks)").Scan(&oldest, &last, &indexed)
	if chunk = oldest.Int64 / chunkSamples; indexed.Valid {
		chunk = indexed.Int64 + 1
	}
	return max(last.Int64+1, chunk*chunkSamples), chunk, err
}

// indexFull adds the full chunks to the index, from the given one on, if next is the id of the next
// sample. It returns the first chunk that is not full.
func indexFull(tx *sql.Tx, chunk, next int64) (int64, error) {
	for ; (chunk+1)*chunkSamples <= next; chunk++ {
		if err := indexChunk(tx, chunk); err != nil {
			return chunk, fmt.Errorf("adding samples to the index: %w", err)
		}
	}
	return chunk, nil
}

// indexOld indexes the samples of an older release.
func indexOld(tx *sql.Tx) error {
	next, chunk, err := nextSample(tx)
	if err == nil {
		_, err = indexFull(tx, chunk, next)
	}
	return err
}

// posting says that the sample at a place in its chunk has a term.
type posting struct {
	term  search.Term
	place uint16
}

func indexChunk(tx *sql.Tx, chunk int64) error {
	all, times, err := chunkPostings(tx, chunk)
	if err != nil {
		return err
	}
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, at := range times {
		first, last = min(first, at), max(last, at)
	}
	encoded := make([]byte, 4*chunkSamples)
	for place, at := range times {
		binary.BigEndian.PutUint32(encoded[4*place:], uint32(min(at-first, math.MaxUint32)))
	}
	if _, err := tx.Exec("INSERT INTO sample_chunks (chunk, first, last, times) VALUES (?, ?, ?, ?)", chunk, first, last, encoded); err != nil {
		return err
	}
	return insertPostings(tx, chunk, all)
}

// insertPostings stores the terms of a chunk in their order.
func insertPostings(tx *sql.Tx, chunk int64, all []posting) error {
	slices.SortFunc(all, func(a, b posting) int { return cmp.Or(cmp.Compare(a.term, b.term), cmp.Compare(a.place, b.place)) })
	insert, err := tx.Prepare("INSERT INTO sample_terms (chunk, term, samples) VALUES (?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	var b []byte
	for len(all) > 0 {
		n, last := 0, -1
		for b = b[:0]; n < len(all) && all[n].term == all[0].term; n++ {
			b = appendPlace(b, &last, int(all[n].place))
		}
		if _, err := insert.Exec(chunk, int64(all[0].term), b); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// chunkPostings returns the terms of a chunk's samples, and their times by place.
func chunkPostings(tx *sql.Tx, chunk int64) (all []posting, times map[int]int64, err error) {
	rows, err := tx.Query("SELECT "+sampleColumns+", id FROM samples WHERE id >= ? AND id < ?", chunk*chunkSamples, (chunk+1)*chunkSamples)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	times = map[int]int64{}
	var terms []search.Term
	for rows.Next() {
		v, id, err := scanNumbered(rows)
		if err != nil {
			return nil, nil, err
		}
		place := int(id % chunkSamples)
		times[place] = v.At.UnixMilli()
		terms = search.Terms(terms[:0], &v)
		for _, t := range terms {
			all = append(all, posting{t, uint16(place)})
		}
	}
	return all, times, rows.Err()
}

// scanNumbered scans sampleColumns and the id.
func scanNumbered(rows *sql.Rows) (v model.Sample, id int64, err error) {
	v, err = scanSample(&id)(rows)
	return v, id, err
}
