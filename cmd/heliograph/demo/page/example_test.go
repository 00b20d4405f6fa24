package page_test

import (
	"fmt"
	"log/slog"

	"github.com/heliograph-net/heliograph/cmd/heliograph/demo/page"
	"github.com/heliograph-net/heliograph/model"
)

// Browsers trust plain HTTP only on loopback, so the page cannot be served elsewhere.
func ExampleNew() {
	_, err := page.New(page.Options{
		Listen:     "192.0.2.1:8420",
		Collectors: []page.Collector{{ID: "c1", URL: "https://127.0.0.1:8417"}},
		SignPolicy: func([]string) ([]byte, error) { return nil, nil },
		Reports:    struct{ model.Reader }{}, // a detector's store
		Logger:     slog.New(slog.DiscardHandler),
	})
	fmt.Println(err)
	// Output:
	// demonstration page: Listen: "192.0.2.1" is not a loopback address: browsers trust plain HTTP and plain collectors only there
}
