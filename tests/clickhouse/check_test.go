package clickhouse

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/heliograph-net/heliograph/cmd/heliograph/doctor"
	"github.com/heliograph-net/heliograph/cmd/heliograph/roles"
	"github.com/heliograph-net/heliograph/detector/clickhousestore"
	"github.com/heliograph-net/heliograph/internal/clickhousetest"
)

// TestCheckOfAStore: what a check says of a server that is right, has no database, refuses, lets a
// user only read, has tables of a later release, or is gone. It leaves nothing behind.
func TestCheckOfAStore(t *testing.T) {
	server := clickhousetest.Start(t)
	o := optionsOf(t, server)
	found := func(database, user, password, address string) (text string, faults int) {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "d")
		config := fmt.Sprintf("detector: {store: {events: {kind: clickhouse, address: %q, database: %s, user: %s, password_file: password}, state: store.db}}\n", address, database, user)
		if err := roles.Init(dir, roles.InitOptions{Config: []byte(config)}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "password"), []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := roles.Load(filepath.Join(dir, roles.ConfigName))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range c.Reach(t.Context(), roles.Roles{Detector: true}) {
			text += fmt.Sprintf("%s %s: %s\n", f.Severity, f.Subject, f.Text)
			if f.Severity == doctor.Bad {
				faults++
			}
		}
		return text, faults
	}
	check := func(database, user, password, address string, faults int, want ...string) {
		t.Helper()
		text, n := found(database, user, password, address)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("no %q in\n%s", w, text)
			}
		}
		if n != faults {
			t.Errorf("%d faults, want %d:\n%s", n, faults, text)
		}
	}
	address := server.Address()
	check(o.Database, "default", o.Password, address, 0, "is ClickHouse ", "has no tables yet, which the detector makes")
	check("nowhere", "default", o.Password, address, 1, "CREATE DATABASE nowhere")
	check(o.Database, "default", "wrong", address, 1, "look at user and password_file")
	check(o.Database, "reader", o.Password, address, 1, "is ClickHouse ", "trying to make tables", "must be allowed to create")
	if text, _ := found(o.Database, "reader", o.Password, address); strings.Contains(text, "dropping") {
		t.Errorf("more than the cause: %s", text)
	}

	events, err := clickhousestore.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := events.Close(); err != nil {
		t.Fatal(err)
	}
	check(o.Database, "default", o.Password, address, 0, "has tables of version 1 (this release: 1) with 0 rows")
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{address}, Auth: clickhouse.Auth{Database: o.Database, Password: o.Password}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var left uint64
	if err := conn.QueryRow(context.Background(), "SELECT count() FROM system.tables WHERE database = ? AND name LIKE '%check%'", o.Database).Scan(&left); err != nil || left > 0 {
		t.Errorf("%d tables are left, %v", left, err)
	}
	if err := conn.Exec(t.Context(), "INSERT INTO versions (version) SELECT toUInt32(99)"); err != nil {
		t.Fatal(err)
	}
	check(o.Database, "default", o.Password, address, 1, "version 99, this release knows 1")
	server.Kill()
	check(o.Database, "default", o.Password, address, 1, "does the server run")
}
