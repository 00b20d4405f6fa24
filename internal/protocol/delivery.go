package protocol

import (
	"encoding/base64"

	"github.com/heliograph-net/heliograph/report"
)

// Strict decoding takes one form of each value only.
var headerEncoding = base64.RawURLEncoding.Strict()

// EncodeDelivery returns HeaderDelivery for what report.AppendDelivery wrote: base64url without
// padding.
func EncodeDelivery(delivery []byte) string { return headerEncoding.EncodeToString(delivery) }

// DecodeDelivery returns what HeaderDelivery says. Its errors are those of base64 and of
// [report.DecodeDelivery].
func DecodeDelivery(header string) (report.Delivery, error) {
	b, err := headerEncoding.DecodeString(header)
	if err != nil {
		return report.Delivery{}, err
	}
	return report.DecodeDelivery(b)
}
