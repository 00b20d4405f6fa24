package receipt

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/heliograph-net/heliograph/privacy/internal/wire"
)

// MaxSize is the greatest length of a receipt in bytes.
const MaxSize = 4096

// ErrInvalid is returned, wrapped, for bytes that are not a receipt signed by the given key. An
// agent must then keep its batch, as if it had got no answer.
var ErrInvalid = errors.New("not a valid receipt")

// The layout of a receipt:
//
//	3     "HGR"
//	1     version, 1
//	64    Ed25519 signature over receiptContext, the number of leaves and the tree's root
//	4     number of leaves, 1 to maxLeaves, big-endian
//	4     index of this leaf, big-endian
//	32·p  inclusion proof; its length p follows from number and index
//	rest  the statement in CBOR, which is the leaf
//
// The number of leaves is signed because it determines, with the index, the shape of the proof.
const (
	receiptMagic   = "HGR"
	receiptVersion = 1
	receiptContext = "heliograph receipt v1\x00"
	receiptHead    = 4 + ed25519.SignatureSize + 4 + 4
	maxLeaves      = 1 << 16
	leafSize       = 64 // of most statements, rounded up
)

// Sign signs all statements with one signature, over the root of a Merkle tree (RFC 9162, section
// 2.1) whose leaves they are. It returns the i-th receipt for the i-th statement. It takes at most
// 65,536 statements and refuses all of them if one is invalid. The receipts share memory.
func Sign(key ed25519.PrivateKey, statements []Statement) ([][]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, errors.New("sign receipts: not an Ed25519 private key")
	}
	if len(statements) > maxLeaves {
		return nil, errors.New("sign receipts: more than 65536 at once")
	}
	if len(statements) == 0 {
		return nil, nil
	}
	var text []byte // of all leaves
	leaves := make([][]byte, len(statements))
	hashes := make([]hash, len(statements))
	for i := range statements {
		if fault := statements[i].fault(); fault != "" {
			return nil, errors.New("sign receipts: " + fault)
		}
		start := len(text)
		text = appendStatement(slices.Grow(text, leafSize), &statements[i])
		leaves[i] = text[start:]
		hashes[i] = leafHash(leaves[i])
	}
	tree := newMerkleTree(hashes)
	n := uint32(len(leaves))
	signature := ed25519.Sign(key, receiptMessage(n, tree.root()))
	size := len(text)
	for i := range n {
		size += receiptHead + sha256.Size*pathLen(i, n)
	}
	all, receipts := make([]byte, 0, size), make([][]byte, len(leaves))
	for i, leaf := range leaves {
		start := len(all)
		all = append(append(all, receiptMagic...), receiptVersion)
		all = append(all, signature...)
		all = binary.BigEndian.AppendUint32(all, n)
		all = binary.BigEndian.AppendUint32(all, uint32(i))
		all = tree.appendPath(all, i)
		all = append(all, leaf...)
		receipts[i] = all[start:len(all):len(all)]
	}
	return receipts, nil
}

// Verify returns the statement that the holder of key signed. Receipts can be replayed by anyone
// who has seen them: before the caller deletes anything, it must check that both Batch and Body are
// those of what it sent. Every error wraps [ErrInvalid].
func Verify(key ed25519.PublicKey, receipt []byte) (Statement, error) {
	if len(key) != ed25519.PublicKeySize {
		return Statement{}, wire.Because(ErrInvalid, "no key to verify it with")
	}
	if len(receipt) > MaxSize {
		return Statement{}, wire.Because(ErrInvalid, "too large")
	}
	if err := wire.CheckMagic(receipt, receiptMagic, receiptVersion); err != nil {
		return Statement{}, wire.Because(ErrInvalid, err.Error())
	}
	if len(receipt) < receiptHead {
		return Statement{}, wire.Because(ErrInvalid, "truncated")
	}
	signature := receipt[4 : 4+ed25519.SignatureSize]
	n := binary.BigEndian.Uint32(receipt[receiptHead-8:])
	i := binary.BigEndian.Uint32(receipt[receiptHead-4:])
	if n > maxLeaves || i >= n {
		return Statement{}, wire.Because(ErrInvalid, "index outside of the tree")
	}
	rest, proof := receipt[receiptHead:], sha256.Size*pathLen(i, n)
	if len(rest) < proof {
		return Statement{}, wire.Because(ErrInvalid, "truncated")
	}
	root := rootFromPath(leafHash(rest[proof:]), i, n, rest[:proof])
	if !ed25519.Verify(key, receiptMessage(n, root), signature) {
		return Statement{}, wire.Because(ErrInvalid, "signature does not match")
	}
	s, fault := decodeStatement(rest[proof:])
	if fault != "" {
		return Statement{}, wire.Because(ErrInvalid, fault)
	}
	return s, nil
}

// receiptMessage returns the message to sign for a tree of n leaves.
func receiptMessage(n uint32, root hash) []byte {
	b := append(make([]byte, 0, len(receiptContext)+4+len(root)), receiptContext...)
	return append(binary.BigEndian.AppendUint32(b, n), root[:]...)
}
