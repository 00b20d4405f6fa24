package sqlitestore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/heliograph-net/heliograph/detector/sqlitestore"
)

// One file has both stores. A detector uses both, and the caller closes them.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	events, state, err := sqlitestore.Open(ctx, filepath.Join(dir, "store.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer state.Close()
	defer events.Close()
	cursor, err := state.Cursor(ctx, "c1")
	fmt.Println(cursor, err)
	// Output: 0 <nil>
}
