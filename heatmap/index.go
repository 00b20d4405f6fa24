package heatmap

import "hash/maphash"

// index finds servers by a string that it does not store. It takes at most 8 bytes per server,
// where a map of strings takes 50. It uses open addressing with linear probing and is at most
// half full.
type index struct {
	seed  maphash.Seed // random per process, so that nobody can choose keys that collide
	slots []int32      // server + 1; 0 is free
}

func newIndex(n int) index {
	size := 2
	for size < 2*n {
		size *= 2
	}
	return index{seed: maphash.MakeSeed(), slots: make([]int32, size)}
}

// start returns the first slot to look at for key.
func (x index) start(key string) int {
	return int(maphash.String(x.seed, key) & uint64(len(x.slots)-1))
}

func (x index) next(slot int) int { return (slot + 1) & (len(x.slots) - 1) }

// add adds server under key, after the servers that are already there. Several servers may have the
// same key.
func (x index) add(key string, server int) {
	slot := x.start(key)
	for x.slots[slot] != 0 {
		slot = x.next(slot)
	}
	x.slots[slot] = int32(server + 1)
}

// find returns at most limit servers under key, in the order in which they were added. keyOf must
// return the key of a server.
func (x index) find(key string, limit int, keyOf func(server int) string) []int {
	var found []int
	for slot := x.start(key); x.slots[slot] != 0 && len(found) < limit; slot = x.next(slot) {
		if server := int(x.slots[slot]) - 1; keyOf(server) == key {
			found = append(found, server)
		}
	}
	return found
}
