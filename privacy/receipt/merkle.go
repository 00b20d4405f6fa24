package receipt

import "crypto/sha256"

// hash is a node of a Merkle tree.
type hash = [sha256.Size]byte

// leafHash returns the hash of a leaf (RFC 9162, section 2.1.1). The first byte that it hashes
// distinguishes leaves from inner nodes.
func leafHash(leaf []byte) hash {
	var buf [256]byte // on the stack; long enough for every statement
	return sha256.Sum256(append(append(buf[:0], 0), leaf...))
}

func nodeHash(left, right hash) hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = 1
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// merkleTree is the tree of RFC 9162, section 2.1, as a list of levels, from the leaf hashes to the
// root. A node without a right sibling moves to the next level unchanged, which is equivalent to
// the RFC's split at the largest power of two.
type merkleTree [][]hash

// newMerkleTree builds the tree over at least one leaf hash.
func newMerkleTree(leaves []hash) merkleTree {
	tree := merkleTree{leaves}
	for level := leaves; len(level) > 1; {
		next := make([]hash, 0, (len(level)+1)/2)
		for i := 0; i+1 < len(level); i += 2 {
			next = append(next, nodeHash(level[i], level[i+1]))
		}
		if len(level)%2 == 1 {
			next = append(next, level[len(level)-1])
		}
		tree = append(tree, next)
		level = next
	}
	return tree
}

func (t merkleTree) root() hash { return t[len(t)-1][0] }

// appendPath appends the inclusion proof of leaf i (RFC 9162, section 2.1.3.1): its hashes, from
// the leaf upwards.
func (t merkleTree) appendPath(dst []byte, i int) []byte {
	for _, level := range t {
		if sibling := i ^ 1; sibling < len(level) {
			dst = append(dst, level[sibling][:]...)
		}
		i >>= 1
	}
	return dst
}

// pathLen returns the number of hashes in the inclusion proof of leaf i of n.
func pathLen(i, n uint32) (hashes int) {
	for ; n > 1; n = n/2 + n%2 {
		if i^1 < n {
			hashes++
		}
		i >>= 1
	}
	return hashes
}

// rootFromPath returns the root of a tree of n leaves, computed from leaf i, i < n, and the leaf's
// inclusion proof of pathLen(i, n) hashes (RFC 9162, section 2.1.3.2).
func rootFromPath(leaf hash, i, n uint32, path []byte) hash {
	node := leaf
	for ; n > 1; n = n/2 + n%2 {
		if i^1 < n {
			sibling := hash(path)
			path = path[sha256.Size:]
			if i&1 == 0 {
				node = nodeHash(node, sibling)
			} else {
				node = nodeHash(sibling, node)
			}
		}
		i >>= 1
	}
	return node
}
