package main

import (
	"fmt"
	"reflect"

	"github.com/alecthomas/kong"

	"github.com/heliograph-net/heliograph/dashboards/api"
)

// jsonFlag is the flag of commands that print data.
type jsonFlag struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// decodeSpan reads any flag that is a duration: days are understood, too.
func decodeSpan(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	d, err := api.ParseSpan(text)
	if err != nil {
		return fmt.Errorf("%q is not a span such as 90s, 15m, 24h or 7d", text)
	}
	target.SetInt(int64(d))
	return nil
}
