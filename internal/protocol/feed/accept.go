package feed

import (
	"mime"
	"strings"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/report"
)

// Accept is the header Accept of a reader who knows envelopes with a bucket. Collectors of releases
// before 0.2 ignore it.
const Accept = protocol.MediaTypeFeed + "; envelope=2"

// For prepares envelopes for a reader whose header Accept is given: readers of releases before 0.2
// refuse an envelope that has a bucket, so they get none.
func For(accept string, batches []report.Envelope) {
	for option := range strings.SplitSeq(accept, ",") {
		media, params, err := mime.ParseMediaType(option)
		if err == nil && media == protocol.MediaTypeFeed && params["envelope"] == "2" {
			return
		}
	}
	for i := range batches {
		batches[i].Bucket = 0
	}
}
