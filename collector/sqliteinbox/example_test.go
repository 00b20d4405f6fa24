package sqliteinbox_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/heliograph-net/heliograph/collector"
	"github.com/heliograph-net/heliograph/collector/sqliteinbox"
	"github.com/heliograph-net/heliograph/report"
)

// The same batch twice is stored once.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	inbox, err := sqliteinbox.Open(filepath.Join(dir, "inbox.db"), sqliteinbox.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer inbox.Close()
	segment := []byte("sealed")
	e := collector.Entry{Body: sha256.Sum256(segment), Envelope: report.Envelope{
		Batch: report.BatchID{1}, Received: time.Now().UnixMilli(), Collector: "c1", Country: "ZZ", Segment: segment,
	}}
	for range 2 {
		status, err := inbox.Commit(context.Background(), []collector.Entry{e})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(status[0] == collector.StatusNew, status[0] == collector.StatusDuplicate)
	}
	// Output:
	// true false
	// false true
}
