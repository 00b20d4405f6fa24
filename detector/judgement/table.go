package judgement

import (
	"iter"
	"math/bits"
)

// table is a hash table by numbers. Most of the time that a row takes is spent waiting for memory,
// so a byte for each slot says what may be in it: a lookup that finds nothing reads only those,
// which stay in the processor's cache, and one that finds something reads one slot more. A table
// only grows until it is cleared. The zero value is empty.
//
// Keys must not be numbers that strangers choose, who could make all of them meet in one place. The
// tokens of clients are hashed with a secret key before they come here.
type table[V any] struct {
	tags  []uint8        // 0: the slot is free; otherwise a part of its key's hash
	slots []tableSlot[V] // as many, a power of two
	used  int
}

type tableSlot[V any] struct {
	value V // first, because a last field without a size would take room
	key   uint64
}

const leastSlots = 64

// at returns the index of a key's slot, or of the one that it would have. There must be a
// free slot.
func (t *table[V]) at(key uint64) (i int, tag uint8) {
	mask := uint64(len(t.tags) - 1)
	// its high bits depend on all bits of the key (Fibonacci hashing)
	hash := key * 0x9e3779b97f4a7c15
	tag = uint8(hash>>32) | 1
	// linear probing
	for n := hash >> (64 - bits.Len64(mask)); ; n++ {
		i := int(n & mask)
		if at := t.tags[i]; at == 0 || at == tag && t.slots[i].key == key {
			return i, tag
		}
	}
}

// find returns the value of a key, or nil if there is none. It is valid until the next add.
func (t *table[V]) find(key uint64) *V {
	if t.used == 0 {
		return nil
	}
	if i, _ := t.at(key); t.tags[i] != 0 {
		return &t.slots[i].value
	}
	return nil
}

// add returns the value of a key, which is the zero value at first. It is valid until the next add.
func (t *table[V]) add(key uint64) *V {
	if 8*(t.used+1) > 7*len(t.slots) {
		t.grow()
	}
	i, tag := t.at(key)
	if t.tags[i] == 0 {
		t.tags[i], t.slots[i].key = tag, key
		t.used++
	}
	return &t.slots[i].value
}

func (t *table[V]) grow() {
	old := *t
	size := max(2*len(old.slots), leastSlots)
	t.tags, t.slots = make([]uint8, size), make([]tableSlot[V], size)
	for n, tag := range old.tags {
		if tag != 0 {
			i, tag := t.at(old.slots[n].key)
			t.tags[i], t.slots[i] = tag, old.slots[n]
		}
	}
}

func (t *table[V]) len() int { return t.used }

// clear removes all entries and keeps the memory.
func (t *table[V]) clear() {
	clear(t.tags)
	clear(t.slots)
	t.used = 0
}

// each yields all entries, in no particular order.
func (t *table[V]) each() iter.Seq2[uint64, *V] {
	return func(yield func(uint64, *V) bool) {
		for i, tag := range t.tags {
			if s := &t.slots[i]; tag != 0 && !yield(s.key, &s.value) {
				return
			}
		}
	}
}
