package sqliteinbox

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
)

// numbered is a key and the seq of its batch.
type numbered struct {
	key key
	seq int64
}

func byKey(a, b numbered) int { return bytes.Compare(a.key[:], b.key[:]) }

// keyset is a set of keys in the order in which they were added. Adding one touches less memory
// than adding it to a map. Make one with newKeyset.
type keyset struct {
	seed maphash.Seed
	all  []numbered // seqs rise
	// places in all, counted from 1, by the hash of the key: in the first place behind it that is
	// free; 0 means free. At most half of them are taken
	index []int32
}

// newKeyset returns an empty set with room for so many keys.
func newKeyset(keys int) *keyset {
	s := &keyset{seed: maphash.MakeSeed(), all: make([]numbered, 0, keys)}
	s.reindex(keys)
	return s
}

// reindex makes an index for so many keys.
func (s *keyset) reindex(keys int) {
	size := 16
	for size < 2*keys {
		size *= 2
	}
	s.index = make([]int32, size)
	for n := range s.all {
		s.index[s.place(&s.all[n].key)] = int32(n + 1)
	}
}

// place returns the place of a key in the index, or that for it.
func (s *keyset) place(k *key) int {
	mask := len(s.index) - 1
	at := int(maphash.Bytes(s.seed, k[:])) & mask
	for s.index[at] != 0 && s.all[s.index[at]-1].key != *k {
		at = (at + 1) & mask
	}
	return at
}

// add adds a key with a seq after all others. If it is in the set, it has the new seq from now on.
func (s *keyset) add(k key, seq int64) {
	if 2*len(s.all) >= len(s.index) {
		s.reindex(2 * len(s.all))
	}
	at := s.place(&k)
	s.all = append(s.all, numbered{k, seq})
	s.index[at] = int32(len(s.all))
}

// has reports whether a key is in the set with a seq after another.
func (s *keyset) has(k *key, after int64) bool {
	n := s.index[s.place(k)]
	return n != 0 && s.all[n-1].seq > after
}

// after returns how many keys have a seq after another.
func (s *keyset) after(seq int64) int {
	n, _ := slices.BinarySearchFunc(s.all, seq+1, func(k numbered, seq int64) int { return cmp.Compare(k.seq, seq) })
	return len(s.all) - n
}

// cut removes the keys that were added last, all but so many.
func (s *keyset) cut(keys int) {
	if keys < len(s.all) {
		s.all = s.all[:keys]
		s.reindex(keys)
	}
}
