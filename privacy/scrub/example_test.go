package scrub_test

import (
	"fmt"

	"github.com/heliograph-net/heliograph/privacy/scrub"
)

func ExampleURL() {
	fmt.Println(scrub.URL("https://bob:pw@shop.example/users/bob/orders/1234?token=x#top"))
	// Output: https://shop.example/users/:id/orders/:id
}

func ExampleText() {
	fmt.Println(scrub.Text("no answer for alice@mail.example from 192.0.2.7, password=hunter2"))
	// Output: no answer for [email] from [ip], password=[secret]
}

func ExampleTarget() {
	fmt.Println(scrub.Target("HTTPS", "Shop.Example:443"))
	// Output: https://shop.example
}
