package httpprobe

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
)

// checkCompression checks the name of a compression.
func checkCompression(name string) error {
	switch name {
	case "", "identity", "gzip", "deflate":
		return nil
	}
	return errors.New("compression: want gzip, deflate or identity")
}

// decompress returns a reader of what a body has been compressed from. As in blackbox_exporter, a
// body that is not compressed as was asked is a failure.
func decompress(name string, body io.Reader) (io.Reader, error) {
	switch name {
	case "gzip":
		return gzip.NewReader(body)
	case "deflate":
		return flate.NewReader(body), nil
	}
	return body, nil
}
