package natsjs

import (
	"log/slog"
	"strings"
	"testing"
)

// What is said of a server never has the secrets in its URL.
func TestServersWithoutSecrets(t *testing.T) {
	for address, want := range map[string]string{
		"nats://127.0.0.1:4222":             "nats://127.0.0.1:4222",
		"127.0.0.1:4222":                    "127.0.0.1:4222",
		"tls://user:secret@nats.test:4222":  "tls://nats.test:4222",
		"nats://secret@nats.test:4222":      "nats://nats.test:4222", // a token
		"user:secret@nats.test":             "nats.test",
		"nats://user:sec/ret@nats.test":     "nats://nats.test",
		"nats://user:secret@@nats.test":     "nats://nats.test",
		"nats://user:secret%zz@nats.test":   "nats://nats.test",
		"tls://[2001:db8::1]:4222":          "tls://[2001:db8::1]:4222",
		"nats://user:secret@[2001:db8::1]:": "nats://[2001:db8::1]:",
	} {
		if got := shown(address); got != want {
			t.Errorf("%s is shown as %s, want %s", address, got, want)
		}
	}
	log := slog.New(slog.DiscardHandler)
	for _, address := range []string{"nats://user:secret@127.0.0.1:1", "nats://user:secret%zz@127.0.0.1:1", "nats://user:secret/x@127.0.0.1:1"} {
		o := Options{Servers: []string{address}}
		if _, _, err := o.Connect("test", log); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
		if s := o.See(t.Context(), "test")[0]; s.Err == nil || strings.Contains(s.Err.Error()+s.URL, "secret") {
			t.Errorf("%s: %+v", address, s)
		}
	}
}
