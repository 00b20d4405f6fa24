package protocol

import (
	"encoding/base64"

	"github.com/heliograph-net/heliograph/report"
)

// Strict decoding accepts only one spelling of each value.
var headerEncoding = base64.RawURLEncoding.Strict()

// EncodeDelivery returns the value of [HeaderDelivery] for an encoded delivery (see
// [report.AppendDelivery]): base64url without padding.
func EncodeDelivery(delivery []byte) string { return headerEncoding.EncodeToString(delivery) }

// DecodeDelivery decodes the value of [HeaderDelivery]. Its errors are those of base64 and of
// [report.DecodeDelivery].
func DecodeDelivery(header string) (report.Delivery, error) {
	b, err := headerEncoding.DecodeString(header)
	if err != nil {
		return report.Delivery{}, err
	}
	return report.DecodeDelivery(b)
}
