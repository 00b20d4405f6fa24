package bhttp_test

import (
	"fmt"
	"log"

	"github.com/heliograph-net/heliograph/privacy/bhttp"
)

func Example() {
	b, err := bhttp.AppendRequest(nil, &bhttp.Request{Method: "GET", Scheme: "https", Path: "/v1/policy"})
	if err != nil {
		log.Fatal(err)
	}
	r, err := bhttp.DecodeRequest(b)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Method, r.Path)
	// Output: GET /v1/policy
}
