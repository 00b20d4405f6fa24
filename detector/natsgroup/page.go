package natsgroup

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// A page has what one member found in segments. Its layout:
//
//	3   "HGO"
//	1   version, 1
//	8   id of the opening key of its segments
//	24  nonce, random
//	    XChaCha20-Poly1305 under a secret of that key, with the 12 bytes before the nonce as
//	    additional data, of entries:
//	      32   SHA-256 of the whole segment
//	      uv   number of its records; 0: it does not open
//	      per record:
//	        uv   length, 1 to report.MaxRecord
//	        n    record
//
// uv is an unsigned integer of package encoding/binary in as few bytes as it needs. A page is
// about segments and not about places in a stream, so an old page that is sent again says nothing
// wrong.
const (
	pageMagic   = "HGO\x01"
	pageHead    = len(pageMagic) + len(seal.KeyID{})
	sealPurpose = "group pages"

	// A page is sent before it has more than pageBytes, unless one segment alone has.
	pageBytes = 128 << 10
	maxPage   = report.MaxSegment
	// maxEntries and maxRecords bound what a page may say.
	maxEntries = 64
	maxRecords = report.MaxSegment / (minRecord + frameOverhead)

	minRecord     = 1
	frameOverhead = 20 // of a frame of a segment: its length and tag
)

// digest is the SHA-256 of a segment.
type digest = [sha256.Size]byte

// entry is what is in one segment.
type entry struct {
	of      digest
	records [][]byte // none: it does not open
}

// size returns the length of an entry's encoding, at most.
func (e *entry) size() int {
	n := len(e.of) + binary.MaxVarintLen32
	for _, r := range e.records {
		n += binary.MaxVarintLen32 + len(r)
	}
	return n
}

// errPage says that a message is no page of this group.
var errPage = errors.New("not a page of this group")

// pageCipher returns the cipher of pages about segments that are sealed to a key, or nil without
// the key.
func pageCipher(keys *seal.Keyring, id seal.KeyID) cipher.AEAD {
	secret := keys.Secret(id, sealPurpose)
	if secret == nil {
		return nil
	}
	c, err := chacha20poly1305.NewX(secret)
	if err != nil {
		panic(err) // only for a key of another length
	}
	return c
}

// sealPage returns a page.
func sealPage(c cipher.AEAD, id seal.KeyID, entries []entry) []byte {
	head := append([]byte(pageMagic), id[:]...)
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	rand.Read(nonce)
	return c.Seal(append(head, nonce...), nonce, appendEntries(nil, entries), head)
}

// pageKey returns the id of the key that opens a page.
func pageKey(b []byte) (id seal.KeyID, err error) {
	if len(b) < pageHead+chacha20poly1305.NonceSizeX || len(b) > maxPage || string(b[:len(pageMagic)]) != pageMagic {
		return id, errPage
	}
	copy(id[:], b[len(pageMagic):])
	return id, nil
}

// openPage is the inverse of sealPage. The page is one that pageKey accepts.
func openPage(c cipher.AEAD, b []byte) ([]entry, error) {
	nonce, rest := b[pageHead:pageHead+chacha20poly1305.NonceSizeX], b[pageHead+chacha20poly1305.NonceSizeX:]
	text, err := c.Open(nil, nonce, rest, b[:pageHead])
	if err != nil {
		return nil, errPage
	}
	return decodeEntries(text)
}

func appendEntries(b []byte, entries []entry) []byte {
	for i := range entries {
		e := &entries[i]
		b = append(b, e.of[:]...)
		b = binary.AppendUvarint(b, uint64(len(e.records)))
		for _, r := range e.records {
			b = binary.AppendUvarint(b, uint64(len(r)))
			b = append(b, r...)
		}
	}
	return b
}

// decodeEntries is the inverse of appendEntries. The entries share b's memory.
func decodeEntries(b []byte) (entries []entry, err error) {
	d := decoder{rest: b}
	for len(d.rest) > 0 && d.err == nil {
		if len(entries) == maxEntries {
			return nil, fmt.Errorf("%w: more than %d entries", errPage, maxEntries)
		}
		var e entry
		copy(e.of[:], d.bytes(len(e.of)))
		for range d.number(maxRecords) {
			n := d.number(report.MaxRecord)
			if n < minRecord && d.err == nil {
				d.err = fmt.Errorf("%w: an empty record", errPage)
			}
			if d.err != nil {
				break
			}
			e.records = append(e.records, d.bytes(n))
		}
		entries = append(entries, e)
	}
	if d.err != nil {
		return nil, d.err
	}
	return entries, nil
}

// decoder takes parts off a text. After an error, it returns zeros.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) number(most int) int {
	n, size := binary.Uvarint(d.rest)
	switch {
	case d.err != nil:
	case size <= 0 || n > uint64(most) || size > 1 && d.rest[size-1] == 0:
		d.err = fmt.Errorf("%w: a number is cut, too great or longer than it needs", errPage)
	default:
		d.rest = d.rest[size:]
		return int(n)
	}
	return 0
}

func (d *decoder) bytes(n int) (b []byte) {
	if d.err == nil && n > len(d.rest) {
		d.err = fmt.Errorf("%w: it ends early", errPage)
	}
	if d.err != nil {
		return nil
	}
	b, d.rest = d.rest[:n:n], d.rest[n:]
	return b
}
