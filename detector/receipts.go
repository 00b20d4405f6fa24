package detector

import (
	"encoding/binary"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// BatchName names a batch as clients do in [report.Receipts].
type BatchName struct {
	Name   [16]byte // as in report.ReceiptedBatch
	Frames int      // number of frames of its segment
}

// minute returns when the batch was begun, by its client's clock.
func (n *BatchName) minute() time.Time {
	return time.Unix(int64(binary.BigEndian.Uint32(n.Name[:4]))*60, 0)
}

// Claim is a client's statement that a collector has signed for a batch.
type Claim struct {
	BatchName
	Collector string
	Told      time.Time     // when the claim was received, by the detector's clock
	ASN       uint32        // of the client, as seen by a collector; 0 if unknown
	Bucket    report.Bucket // likewise
	Client    uint64        // the client, as it calls itself
}

// Claimed counts the batches that clients of one network claim a collector has signed for.
type Claimed struct {
	Collector string
	Day       time.Time // start of the UTC day of the claims
	ASN       uint32
	Batches   int
}

const (
	// ClaimsKept is how long a State keeps claims, and the greatest age of the batches that they
	// are about. Events knows ids for much longer.
	ClaimsKept = 48 * time.Hour
	// claimsPerPage is how many claims of one network are looked up per page of a feed.
	claimsPerPage = 256
	// MaxClaims is the most claims about one collector that a State keeps.
	MaxClaims = 16384
)

// receipts adds what clients claim about collectors.
func (c *conversion) receipts(r *report.Receipts) {
	if c.header.Source != report.SourceAgent || len(c.out.Claims)+len(r.Batches) > report.MaxReceipts {
		return // an agent names no more in one segment
	}
	for i := range r.Batches {
		b := &r.Batches[i]
		c.out.Claims = append(c.out.Claims, Claim{BatchName: BatchName{b.Name, int(b.Frames)}, Collector: b.Collector, ASN: c.e.ASN, Bucket: c.e.Bucket, Client: c.client})
	}
}
