package roles

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSlowOpeningIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		failed := errors.New("no such file")
		if err := slowly(slog.New(slog.NewTextHandler(&b, nil)), "detector.store", func() error { time.Sleep(12 * time.Second); return failed }); err != failed {
			t.Error(err)
		}
		if got := b.String(); strings.Count(got, "key=detector.store") != 2 || !strings.Contains(got, "elapsed=10s") {
			t.Errorf("logged %s", got)
		}
	})
}
