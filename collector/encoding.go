package collector

import (
	"bufio"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/heliograph-net/heliograph/internal/httpx"
)

// The content codings that uploads may have (RFC 9110, section 8.4). Agents use none, for sealed
// bytes do not shrink; but browsers' reports may come by way of something that compresses. The hash
// in a receipt is that of the bytes behind the coding, which are those that an agent sent.
const codings = "gzip, deflate"

var (
	errCoding = httpx.NewError(http.StatusUnsupportedMediaType, "want Content-Encoding "+codings+", or none")
	errCoded  = httpx.NewError(http.StatusBadRequest, "body is not what its Content-Encoding says")
)

// inflateBytes is about what one reader of a compressed body holds.
const inflateBytes = 48 << 10

// contentCoding is the coding of a body, "" for none. With the error it tells what would be taken
// (RFC 7694).
func contentCoding(w http.ResponseWriter, r *http.Request) (string, error) {
	switch coding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header["Content-Encoding"], ","))); coding {
	case "", "identity":
		return "", nil
	case "gzip", "x-gzip":
		return "gzip", nil
	case "deflate":
		return "deflate", nil
	default: // unknown, or several of them
		w.Header().Set("Accept-Encoding", codings)
		return "", errCoding
	}
}

// inflate reads a compressed body as readFrom does another: at most limit bytes come out of it,
// however little went in.
func (b *body) inflate(coding string, compressed io.Reader, limit int64) error {
	if !b.memory.take(inflateBytes) {
		return errMemory
	}
	defer b.memory.used.Add(-inflateBytes)
	in := &remembering{Reader: compressed}
	out, done, err := inflater(coding, in)
	if err == nil {
		defer done()
		err = b.readFrom(&io.LimitedReader{R: out, N: limit + 1})
	}
	switch {
	case err == errMemory:
		return err
	case in.err != nil: // the body itself did not arrive
		return httpx.BodyError(in.err)
	case err != nil:
		return errCoded
	case int64(len(b.bytes)) > limit:
		return httpx.ErrTooLarge
	}
	return nil
}

// remembering remembers what went wrong below a decompressor.
type remembering struct {
	io.Reader
	err error
}

func (r *remembering) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// Decompressors, which are used again.
var (
	gzips sync.Pool // of *gzip.Reader
	zlibs sync.Pool // of io.ReadCloser that are zlib.Resetters
)

// inflater decompresses r. The caller calls done when it reads no more.
func inflater(coding string, r io.Reader) (out io.Reader, done func(), err error) {
	buffered := bufio.NewReaderSize(r, 4<<10)
	if coding == "gzip" {
		z, ok := gzips.Get().(*gzip.Reader)
		if ok {
			err = z.Reset(buffered)
		} else {
			z, err = gzip.NewReader(buffered)
		}
		return z, func() { gzips.Put(z) }, err
	}
	z, ok := zlibs.Get().(io.ReadCloser)
	if ok {
		err = z.(zlib.Resetter).Reset(buffered, nil)
	} else {
		z, err = zlib.NewReader(buffered)
	}
	return z, func() { zlibs.Put(z) }, err
}
