package report

// MaxBucket is the greatest [Bucket].
const MaxBucket = 1 << 12

// Bucket tells distinct places apart without naming them: 1 plus 12 bits of a keyed hash of a
// client's /24 of IPv4 or /48 of IPv6. 0 means unknown. Whoever sees the address, a collector or a
// relay, makes it under a key of its own that is only in memory and new every UTC day. Therefore
// buckets of different days, or of different collectors, have nothing in common.
type Bucket uint16
