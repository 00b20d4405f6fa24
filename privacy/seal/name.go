package seal

// Name is what a record of receipts ([report.ReceiptedBatch]) calls a segment: the first 8 bytes of
// its batch id and the first 8 of its [Sealing]. Whoever has signed for a segment and thrown it
// away cannot make another of the same name that opens. The segment is one that [ParseSegment]
// accepts.
func Name(segment []byte) (n [16]byte) {
	sealing := Sealing(segment)
	copy(n[:8], segment[4:])
	copy(n[8:], sealing[:])
	return n
}
