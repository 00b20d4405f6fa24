package receipt

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strconv"
	"testing"
)

// mth is MTH of RFC 9162, section 2.1.1, word for word.
func mth(d [][]byte) []byte {
	if len(d) == 1 {
		h := sha256.Sum256(append([]byte{0x00}, d[0]...))
		return h[:]
	}
	k := split(len(d))
	h := sha256.Sum256(slices.Concat([]byte{0x01}, mth(d[:k]), mth(d[k:])))
	return h[:]
}

// path is PATH of RFC 9162, section 2.1.3.1, word for word.
func path(m int, d [][]byte) [][]byte {
	if len(d) == 1 {
		return nil
	}
	if k := split(len(d)); m < k {
		return append(path(m, d[:k]), mth(d[k:]))
	} else {
		return append(path(m-k, d[k:]), mth(d[:k]))
	}
}

// split is the largest power of two smaller than n.
func split(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

// verify is the algorithm of RFC 9162, section 2.1.3.2, step by step.
func verify(leaf []byte, leafIndex, treeSize int, proof [][]byte, root []byte) bool {
	if leafIndex >= treeSize {
		return false
	}
	fn, sn, r := leafIndex, treeSize-1, leaf
	node := func(a, b []byte) []byte {
		h := sha256.Sum256(slices.Concat([]byte{0x01}, a, b))
		return h[:]
	}
	for _, p := range proof {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			r = node(p, r)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			r = node(r, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	return sn == 0 && bytes.Equal(r, root)
}

func TestMerkleTreeIsRFC9162(t *testing.T) {
	for n := 1; n <= 65; n++ {
		var data [][]byte
		var leaves []hash
		for i := range n {
			data = append(data, []byte("leaf "+strconv.Itoa(i)))
			leaves = append(leaves, leafHash(data[i]))
		}
		tree := newMerkleTree(leaves)
		root := tree.root()
		if !bytes.Equal(root[:], mth(data)) {
			t.Fatalf("%d leaves: the root is not MTH", n)
		}
		for i := range n {
			want := path(i, data)
			proof := tree.appendPath(nil, i)
			if !bytes.Equal(proof, slices.Concat(want...)) || pathLen(uint32(i), uint32(n)) != len(want) {
				t.Fatalf("leaf %d of %d: the proof is not PATH", i, n)
			}
			if !verify(leaves[i][:], i, n, want, root[:]) {
				t.Fatalf("leaf %d of %d: the RFC's algorithm refuses the proof", i, n)
			}
			for j := range n { // the right proof proves the right index only
				if pathLen(uint32(j), uint32(n)) != len(want) {
					continue
				}
				if got := rootFromPath(leaves[i], uint32(j), uint32(n), proof); (got == root) != (i == j) {
					t.Fatalf("leaf %d of %d as leaf %d: proven: %v", i, n, j, got == root)
				}
			}
			for k := range want {
				proof[k*sha256.Size] ^= 1
				if rootFromPath(leaves[i], uint32(i), uint32(n), proof) == root {
					t.Fatalf("leaf %d of %d: hash %d of the proof does not count", i, n, k)
				}
				proof[k*sha256.Size] ^= 1
			}
		}
	}
}
