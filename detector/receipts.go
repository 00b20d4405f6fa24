package detector

import (
	"encoding/binary"
	"time"

	"github.com/heliograph-net/heliograph/report"
)

// BatchName names a batch as clients do in [report.Receipts].
type BatchName struct {
	Name   [16]byte // as in report.ReceiptedBatch
	Frames int      // that its segment has
}

// minute is when the batch was begun, by its client's clock.
func (n *BatchName) minute() time.Time {
	return time.Unix(int64(binary.BigEndian.Uint32(n.Name[:4]))*60, 0)
}

// Claim is a client's word that a collector has signed for a batch.
type Claim struct {
	BatchName
	Collector string
	Told      time.Time     // when the claim was taken in, by the detector's clock
	ASN       uint32        // of who says so, as seen by a collector; 0 if unknown
	Bucket    report.Bucket // likewise
	Client    uint64        // who says so, as they call themselves
}

// Claimed is how many batches clients of one network say that a collector has signed for.
type Claimed struct {
	Collector string
	Day       time.Time // beginning of the UTC day in which they said it
	ASN       uint32
	Batches   int
}

const (
	// ClaimsKept is how long a State keeps claims, and how old the batches may be. Events knows
	// those that came for much longer.
	ClaimsKept = 48 * time.Hour
	// claimsPerPage is how many claims of one network, in one page of a feed, are looked up.
	claimsPerPage = 256
	// MaxClaims is how many claims about one collector a State keeps.
	MaxClaims = 16384
)

// receipts notes what clients say of collectors.
func (c *conversion) receipts(r *report.Receipts) {
	if c.header.Source != report.SourceAgent || len(c.out.Claims)+len(r.Batches) > report.MaxReceipts {
		return // an agent has no more to say in one segment
	}
	for i := range r.Batches {
		b := &r.Batches[i]
		c.out.Claims = append(c.out.Claims, Claim{BatchName: BatchName{b.Name, int(b.Frames)}, Collector: b.Collector, ASN: c.e.ASN, Bucket: c.e.Bucket, Client: c.client})
	}
}
