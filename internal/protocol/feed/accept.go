package feed

import (
	"mime"
	"strings"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/report"
)

// Accept is the Accept header of a reader that supports envelopes with a bucket. Collectors of
// releases before 0.2 ignore it.
const Accept = protocol.MediaTypeFeed + "; envelope=2"

// For adapts envelopes to a reader with the given Accept header. Readers of releases before 0.2
// refuse an envelope with a bucket, so For removes their buckets.
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
