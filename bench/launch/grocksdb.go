package launch

import (
	"context"
	"fmt"
	"os/exec"
)

const grocksdb = "grocksdb"

// Each version of grocksdb compiles with some versions of RocksDB only. The module itself requires the one for 7.8; the
// programs for later ones are built from the same files by another go.mod, which names no other peer.
var grocksdbFor = []struct {
	from    int // major * 1000 + minor of RocksDB
	modfile string
}{
	{9011, "mod/grocksdb-9.11.mod"},
	{9010, "mod/grocksdb-9.10.mod"},
	{7008, ""},
}

// libraryVersion asks the RocksDB that programs are linked with here.
func libraryVersion(ctx context.Context, module string) (major, minor int, err error) {
	cmd := exec.CommandContext(ctx, "go", "run", "./cmd/rocksdbversion")
	cmd.Dir = module
	out, err := cmd.Output()
	if err == nil {
		_, err = fmt.Sscanf(string(out), "%d.%d.", &major, &minor)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("the version of RocksDB: %w in %q", err, out)
	}
	return major, minor, nil
}

func buildGrocksdb(ctx context.Context, module, file string) error {
	major, minor, err := libraryVersion(ctx, module)
	if err != nil {
		return err
	}
	args, env := []string{"-tags", "grocksdb", "-o", file, "./peer/grocksdb"}, []string(nil)
	for _, v := range grocksdbFor {
		if major*1000+minor < v.from {
			continue
		}
		if v.modfile != "" {
			args, env = append([]string{"-modfile=" + v.modfile}, args...), []string{"GOWORK=off"}
		}
		break
	}
	if err := gobuild(ctx, module, env, args...); err != nil {
		return fmt.Errorf("%w\nIf no version of grocksdb fits RocksDB %d.%d, leave it out: -peers", err, major, minor)
	}
	return nil
}
