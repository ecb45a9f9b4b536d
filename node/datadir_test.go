package node

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/distributedgo/rollcall/membership"
)

func TestDataDirIsHeldByOneAndKeepsItsID(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	d, err := openDataDir(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = openDataDir(path)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Fatalf("second agent: got %v, want ErrInUse with the pid", err)
	}
	id := d.id
	d.Close()
	if d, err = openDataDir(path); err != nil || d.id != id {
		t.Fatalf("after a restart: id %q, %v, want %q", d.id, err, id)
	}
	d.Close()
	if err := os.WriteFile(filepath.Join(path, "id"), []byte("N1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openDataDir(path); err == nil || !strings.Contains(err.Error(), `"N1"`) {
		t.Fatalf("damaged id: got %v, want the value and the remedy", err)
	}
}

func TestWriteFileReplacesWholly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, want := range []string{"a long first content", "short"} {
		if err := writeFile(path, want); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Fatalf("got %q, %v, want %q", got, err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); left != nil {
		t.Fatalf("left behind: %v", left)
	}
	if err := writeFile(filepath.Join(dir, "no", "such"), "x"); err == nil {
		t.Fatal("a missing folder is no error")
	}
}

func TestAddressBookOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "peers")
	b, err := openAddressBook(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.note([]membership.Member{{ID: "a", Cluster: "127.0.0.1:1"}, {ID: "b"}}); err != nil {
		t.Fatal(err)
	}
	if err := b.note([]membership.Member{{ID: "c", Cluster: "127.0.0.1:3", Status: membership.StatusFailed}}); err != nil {
		t.Fatal(err)
	}
	if b, err = openAddressBook(path); err != nil || b.addr("a") != "127.0.0.1:1" || b.addr("b") != "" || b.addr("c") != "127.0.0.1:3" {
		t.Fatalf("got %v, %v", b.addrs, err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openAddressBook(path); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Fatalf("a torn book: got %v, want the remedy", err)
	}
}
