package launch

import (
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rockbridge-db/rockbridge/internal/linked"
)

// Library is the RocksDB that a program uses: for one that is linked into it, File is empty.
type Library linked.Library

// String tells it for a report, without folders.
func (l Library) String() string {
	switch {
	case l.Kind != "":
		return "built by make rocksdb (" + l.Kind + "), assertions " + l.Assertions
	case l.File == "":
		return "linked into the program, assertions " + l.Assertions
	}
	return filepath.Base(l.File) + " of the system, assertions " + l.Assertions
}

// LibraryOf tells which librocksdb a program uses and how that was built.
func LibraryOf(program string) Library {
	// ldd fails for a program without shared libraries: then RocksDB is linked in.
	out, _ := exec.Command("ldd", program).Output()
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) > 2 && strings.HasPrefix(f[0], "librocksdb") {
			file, err := filepath.EvalSymlinks(f[2])
			if err != nil {
				file = f[2]
			}
			return Library(linked.Inspect(file))
		}
	}
	l := Library(linked.Inspect(program))
	l.File = ""
	return l
}
