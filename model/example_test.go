package model_test

import (
	"fmt"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/report"
)

// Only keeps the dimensions that a query groups by.
func ExampleSeries_Only() {
	s := model.Series{App: "shop", Target: "https://shop.example", Outcome: report.TCPRefused, ASN: 64501, Country: "SE"}
	d, err := model.ParseDimension("asn")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d, s.Value(d))
	// Output: asn 64501
}
