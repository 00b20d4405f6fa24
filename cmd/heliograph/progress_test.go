package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestProgress(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		text := func() string { return megabytes(sizeBelow(dir)) + " copied" }
		if err := whileWorking(&b, text, func() error { time.Sleep(progressFirst / 2); return nil }); err != nil || b.Len() > 0 {
			t.Errorf("short work: %q, %v; want nothing", &b, err)
		}
		err := whileWorking(&b, text, func() error {
			time.Sleep(progressFirst * 3 / 2)
			if err := os.WriteFile(filepath.Join(dir, "store.db"), make([]byte, 2_500_000), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(progressEvery)
			return io.ErrUnexpectedEOF
		})
		if want := "0.0 MB copied (1s)\n2.5 MB copied (6s)\n"; err != io.ErrUnexpectedEOF || b.String() != want {
			t.Errorf("%q, %v; want %q", &b, err, want)
		}
	})
}

// Standard error of replay has one line of JSON, for programs, as long as nobody reads it on a
// terminal.
func TestReplayTellsProgressOnATerminalOnly(t *testing.T) {
	cells := filepath.Join(t.TempDir(), "cells")
	if err := os.WriteFile(cells, []byte("{\"tick\":1772442000000}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := replayCmd{File: cells, Format: "cells", Grace: 10 * time.Second}
	synctest.Test(t, func(t *testing.T) {
		in, done, err := r.open()
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		var b bytes.Buffer
		read := func() error {
			if _, err := io.Copy(io.Discard, in.Reader); err != nil {
				t.Error(err)
			}
			time.Sleep(progressEvery * 3 / 2)
			return nil
		}
		if err := r.watched(&in, &b, read); err != nil || b.Len() > 0 {
			t.Errorf("%q, %v; want nothing", &b, err)
		}
	})
}

// TestColours: colours are for terminals, for who asks for them, and for nobody with NO_COLOR.
func TestColours(t *testing.T) {
	terminal, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	yes, no := true, false
	for _, c := range []struct {
		w       io.Writer
		asked   *bool
		noColor string
		want    bool
	}{
		{terminal, nil, "", true}, {printer{terminal}, nil, "", true}, {terminal, &no, "", false}, {terminal, nil, "1", false},
		{&bytes.Buffer{}, nil, "", false}, {&bytes.Buffer{}, &yes, "", true}, {&bytes.Buffer{}, &yes, "1", false},
	} {
		t.Setenv("NO_COLOR", c.noColor)
		t.Setenv("TERM", "xterm")
		if got := coloured(c.w, c.asked); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestColoursOfTheMap: in a file or a pipe the map has colours on request, unless the environment
// says that nobody wants any.
func TestColoursOfTheMap(t *testing.T) {
	map1 := []string{"heatmap", "--demo", "100"}
	for want, args := range map[bool][]string{false: map1, true: append(map1, "--colour")} {
		if code, stdout, stderr := invoke(t, args...); code != 0 || strings.Contains(stdout, "\x1b[") != want {
			t.Errorf("%v: exit %d, %q %s", args, code, stdout, stderr)
		}
	}
	t.Setenv("NO_COLOR", "1")
	if code, stdout, _ := invoke(t, append(map1, "--colour")...); code != 0 || strings.Contains(stdout, "\x1b[") {
		t.Errorf("with NO_COLOR: exit %d, %q", code, stdout)
	}
}
