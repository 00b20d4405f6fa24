package search_test

import (
	"fmt"

	"github.com/heliograph-net/heliograph/model"
	"github.com/heliograph-net/heliograph/model/search"
)

func Example() {
	q, err := search.Parse(`version:1.5.0 "not a function"`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, version := range []string{"1.4.2", "1.5.0"} {
		s := model.Sample{Version: version, Error: model.ApplicationError{Type: "TypeError", Message: "cart.total is not a function"}}
		fmt.Println(version, q.Match(&s))
	}
	// Output:
	// 1.4.2 false
	// 1.5.0 true
}
