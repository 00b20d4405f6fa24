package seal_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/heliograph-net/heliograph/privacy/seal"
	"github.com/heliograph-net/heliograph/report"
)

// Records are sealed with the public key and opened with the private one, which only the
// detector has.
func Example() {
	open, err := seal.GenerateOpenKey() // stays with the detector
	if err != nil {
		log.Fatal(err)
	}
	sealer, err := seal.NewSealer(open.SealKey(), report.BatchID{1})
	if err != nil {
		log.Fatal(err)
	}
	segment := bytes.Clone(sealer.Prefix())
	for _, record := range []string{"one", "two"} {
		if segment, err = sealer.Seal(segment, []byte(record)); err != nil {
			log.Fatal(err)
		}
	}
	segment = seal.AppendEnd(segment)

	info, err := seal.ParseSegment(segment) // a collector's view
	if err != nil {
		log.Fatal(err)
	}
	_, records, err := seal.NewKeyring(open).Open(segment)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Frames, "frames:", string(records[0]), string(records[1]))
	// Output: 2 frames: one two
}
