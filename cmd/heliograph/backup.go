package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
)

type backupCmd struct {
	configFlag
	jsonFlag
	Dir string `arg:"" help:"New directory for the copy." type:"path" placeholder:"DIR"`
}

// Run copies the store of a configuration.
func (b *backupCmd) Run(ctx context.Context, out *output) error {
	var made []string
	err := whileWorking(out.stderr, func() string { return b.Dir + ": " + megabytes(sizeBelow(b.Dir)) + " copied" }, func() (err error) {
		made, err = roles.Backup(ctx, b.Config, b.Dir)
		return err
	})
	copies := []copied{}
	for _, name := range made {
		info, statErr := os.Stat(name)
		if statErr != nil {
			return errors.Join(err, statErr)
		}
		copies = append(copies, copied{name, info.Size()})
		if !b.JSON {
			fmt.Fprintf(out.stdout, "%s: %d bytes, checked\n", name, info.Size())
		}
	}
	if b.JSON && err == nil {
		return out.json(copies)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w (--config names the configuration of a detector that has run; see the directory's name, too)", err)
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: nothing is overwritten, name a new directory", err)
	}
	return err
}

// copied is a copy in JSON.
type copied struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

type restoreCmd struct {
	configFlag
	jsonFlag
	Dir string `arg:"" help:"Directory that heliograph backup has made." type:"path" placeholder:"DIR"`
}

// Run restores a copy of the store.
func (r *restoreCmd) Run(ctx context.Context, out *output) error {
	var aside []string
	err := whileWorking(out.stderr, func() string { return r.Dir + ": checking and copying " + megabytes(sizeBelow(r.Dir)) }, func() (err error) {
		aside, err = roles.Restore(ctx, r.Config, r.Dir)
		return err
	})
	if r.JSON && err == nil {
		return out.json(struct {
			Kept []string `json:"kept"` // what was there, under other names
		}{append([]string{}, aside...)})
	}
	for _, name := range aside {
		fmt.Fprintf(out.stdout, "What was there is kept as %s.\n", name)
	}
	if err == nil {
		_, err = fmt.Fprintln(out.stdout, "The copy is in its place. Start the detector: it goes on with what the collectors still have.")
	}
	return err
}
