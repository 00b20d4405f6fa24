package heatmap

import "hash/maphash"

// index finds servers by a string that it does not store. It takes at most 8 bytes per server,
// where a map of strings takes 50. It uses open addressing with linear probing and is at most
// half full.
//
// A slot is 0 if it is free. Otherwise its lower bits are the server's index plus 1, and its upper
// bits are bits of the key's hash, so that other keys are seldom looked at, each of which would be
// a cache miss.
type index struct {
	seed  maphash.Seed // random per process, so that nobody can choose keys that collide
	slots []uint32
}

const (
	serverBits = 20 // enough for MaxServers+1
	serverMask = 1<<serverBits - 1
)

func newIndex(n int) index {
	size := 2
	for size < 2*n {
		size *= 2
	}
	return index{seed: maphash.MakeSeed(), slots: make([]uint32, size)}
}

// start returns the first slot to look at for key, and the upper bits of its slots.
func (x index) start(key string) (slot int, tag uint32) {
	hash := maphash.String(x.seed, key)
	return int(hash & uint64(len(x.slots)-1)), uint32(hash>>32) &^ serverMask
}

func (x index) next(slot int) int { return (slot + 1) & (len(x.slots) - 1) }

// add adds server under key, after the servers that are already there. Several servers may have the
// same key.
func (x index) add(key string, server int) {
	slot, tag := x.start(key)
	for x.slots[slot] != 0 {
		slot = x.next(slot)
	}
	x.slots[slot] = tag | uint32(server+1)
}

// addUnique adds server under key unless there is one already. It then returns false.
func (x index) addUnique(key string, server int, keyOf func(server int) string) bool {
	slot, tag := x.start(key)
	for ; x.slots[slot] != 0; slot = x.next(slot) {
		if s := x.slots[slot]; s&^serverMask == tag && keyOf(int(s&serverMask)-1) == key {
			return false
		}
	}
	x.slots[slot] = tag | uint32(server+1)
	return true
}

// find returns at most limit servers under key, in the order in which they were added. keyOf must
// return the key of a server.
func (x index) find(key string, limit int, keyOf func(server int) string) []int {
	var found []int
	slot, tag := x.start(key)
	for ; x.slots[slot] != 0 && len(found) < limit; slot = x.next(slot) {
		s := x.slots[slot]
		if server := int(s&serverMask) - 1; s&^serverMask == tag && keyOf(server) == key {
			found = append(found, server)
		}
	}
	return found
}
