package feed

import (
	"testing"

	"github.com/heliograph-net/heliograph/internal/protocol"
	"github.com/heliograph-net/heliograph/report"
)

func TestBucketsAreForReadersThatKnowThem(t *testing.T) {
	for accept, want := range map[string]report.Bucket{
		Accept: 7, "text/plain, " + Accept: 7, Accept + ";q=1": 7,
		"": 0, "*/*": 0, protocol.MediaTypeFeed: 0, protocol.MediaTypeFeed + "; envelope=1": 0, "text/plain; envelope=2": 0, ";;;,": 0,
	} {
		all := []report.Envelope{{Bucket: 7}}
		if For(accept, all); all[0].Bucket != want {
			t.Errorf("%q gets bucket %d, want %d", accept, all[0].Bucket, want)
		}
	}
}
