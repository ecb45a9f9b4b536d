package segment

import (
	"os"

	"golang.org/x/sys/unix"
)

// datasync makes f's bytes and its length durable. fdatasync spares the write
// of times that nobody reads.
func datasync(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}
