package sqliteinbox

import (
	"context"
	"database/sql"
	"encoding/binary"
	"math/bits"
)

// filter is a Bloom filter (Bloom 1970) of keys. It says of nearly every new key that it was never
// added, which spares a search in the tree and in memory. It is never wrong about that. Forgotten
// keys stay in it until it is made anew.
type filter struct {
	words []uint64
	added int // keys
}

// filterBits is how many bits the filter has for each key that the inbox may remember: with two of
// them set by each, less than one new key in ten is searched for.
const filterBits = 6

// The sizes that filters have, in keys: the largest has 64 MiB.
const (
	minFilter = 1 << 10
	maxFilter = 64 << 20
)

// newFilter returns a filter for about so many keys.
func newFilter(keys int64) *filter {
	words := uint64(min(max(keys, minFilter), maxFilter)) * filterBits / 64
	return &filter{words: make([]uint64, 1<<bits.Len64(words-1))}
}

// places returns the bits of a key, which are within one line of the processor's cache. They are
// parts of the hash in the key: whoever chooses bodies for which they are set already only
// causes searches.
func (f *filter) places(k *key) (a, b uint64) {
	const line = 512 // bits
	a = uint64(binary.LittleEndian.Uint32(k[16:])) & (uint64(len(f.words))*64 - 1)
	return a, a&^(line-1) | uint64(binary.LittleEndian.Uint32(k[20:]))%line
}

func (f *filter) add(k *key) {
	a, b := f.places(k)
	f.words[a/64] |= 1 << (a % 64)
	f.words[b/64] |= 1 << (b % 64)
	f.added++
}

// has reports whether a key may have been added.
func (f *filter) has(k *key) bool {
	a, b := f.places(k)
	return f.words[a/64]>>(a%64)&1 != 0 && f.words[b/64]>>(b%64)&1 != 0
}

// rememberable is about how many keys the inbox remembers at most.
func (o *Options) rememberable() int64 { return o.MaxBytes / idsPart / ackedBytes }

// filterRows is how many keys are read from the tree at a time.
const filterRows = 10_000

// refilter makes the ledger's filter if there is none, or anew when too many of its keys may
// be forgotten ones.
func (i *Inbox) refilter(ctx context.Context) error {
	i.mu.Lock()
	next := i.ledger.refilter(i.o.rememberable())
	i.mu.Unlock()
	if next == nil {
		return nil
	}
	var last key
	for {
		keys, err := i.keysAfter(ctx, last)
		if err != nil {
			return err
		}
		i.mu.Lock()
		for n := range keys {
			next.add(&keys[n])
		}
		if len(keys) < filterRows {
			i.ledger.useFilter(next)
			i.mu.Unlock()
			return nil
		}
		i.mu.Unlock()
		last = keys[len(keys)-1]
	}
}

// keysAfter reads the next keys in the tree.
func (i *Inbox) keysAfter(ctx context.Context, last key) (keys []key, err error) {
	rows, err := i.readers.QueryContext(ctx, "SELECT key FROM ids WHERE key > ? ORDER BY key LIMIT ?", last[:], filterRows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var k sql.RawBytes
		if err := rows.Scan(&k); err != nil {
			return nil, err
		}
		var whole key
		copy(whole[:], k)
		keys = append(keys, whole)
	}
	return keys, rows.Err()
}

// refilter begins a new filter if the present one is missing or too full, or returns nil. Keys that
// are added from now on are in both. The caller adds those in the tree and calls useFilter.
func (l *ledger) refilter(keys int64) *filter {
	if l.filter != nil && int64(l.filter.added) <= 2*keys {
		return nil
	}
	l.next = newFilter(keys)
	for _, s := range []*keyset{l.fresh, l.due} {
		if s != nil {
			for n := range s.all {
				l.next.add(&s.all[n].key)
			}
		}
	}
	return l.next
}

// useFilter begins to use a filter, unless keys were written by another process meanwhile.
func (l *ledger) useFilter(f *filter) {
	if l.next == f {
		l.filter, l.next = f, nil
	}
}

// mayKnow reports whether a key may be known.
func (l *ledger) mayKnow(k *key) bool { return l.filter == nil || l.filter.has(k) }
