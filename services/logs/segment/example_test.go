package segment_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/distributedgo/rollcall/services/logs/segment"
)

func Example() {
	dir, err := os.MkdirTemp("", "segment")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "000001.log")

	f, _, err := segment.Open(path, nil)
	if err != nil {
		panic(err)
	}
	_, err = f.Append([]byte("first"), []byte("second")) // on the disk when it returns
	fmt.Println(err, f.Close())

	// A crash in the middle of a write leaves half a frame behind.
	if err := os.Truncate(path, f.Size()-3); err != nil {
		panic(err)
	}
	f, rec, err := segment.Open(path, func(_ int64, payload []byte) error {
		fmt.Printf("%s\n", payload)
		return nil
	})
	fmt.Println(rec.Frames, "frame,", rec.Torn, "bytes torn,", err)
	f.Close()
	// Output:
	// <nil> <nil>
	// first
	// 1 frame, 11 bytes torn, <nil>
}
