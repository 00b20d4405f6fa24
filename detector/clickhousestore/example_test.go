//go:build cgo

package clickhousestore_test

import (
	"context"
	"fmt"

	"github.com/heliograph-net/heliograph/detector/clickhousestore"
)

// What is missing is named before anything is opened.
func ExampleOpen() {
	_, err := clickhousestore.Open(context.Background(), clickhousestore.Options{Address: "127.0.0.1", Journal: "journal.db"})
	fmt.Println(err)
	// Output: address "127.0.0.1" is not a host and a port, such as 127.0.0.1:9000
}
