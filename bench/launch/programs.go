// Package launch is the driver's side of every benchmark: it builds the peers' programs, runs them, each in a process of
// its own, and tells on what machine and library.
package launch

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Programs are the peers' binaries.
type Programs struct {
	dir string
	// Wrap, if set, is what each program is started by: its words come before the program's own.
	Wrap []string
}

// Path gives the file of a peer's program.
func (p Programs) Path(peer string) string { return filepath.Join(p.dir, peer) }

// Build compiles the programs of peers into dir, an absolute path. It runs in module, the folder of the benchmarks'
// module. CGO_CFLAGS, CGO_LDFLAGS and CGO_ENABLED count as in any build.
func Build(ctx context.Context, module, dir string, peers []string) (Programs, error) {
	p := Programs{dir: dir}
	var packages []string
	for _, peer := range peers {
		if !slices.Contains(packages, "./peer/"+peer) && peer != grocksdb {
			packages = append(packages, "./peer/"+peer)
		}
	}
	if len(packages) > 0 {
		// The final slash makes dir a folder even if there is only one program to build.
		if err := gobuild(ctx, module, nil, append([]string{"-o", dir + "/"}, packages...)...); err != nil {
			return p, err
		}
	}
	if slices.Contains(peers, grocksdb) {
		return p, buildGrocksdb(ctx, module, p.Path(grocksdb))
	}
	return p, nil
}

// BuildCommand compiles the program in a folder of another module of the workspace into a file, an absolute path.
func BuildCommand(ctx context.Context, folder, file string) error {
	return gobuild(ctx, folder, nil, "-o", file, ".")
}

func gobuild(ctx context.Context, module string, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...)
	cmd.Dir, cmd.Env = module, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// Run starts a peer's program for one request of a kind and waits for its end.
func (p Programs) Run(ctx context.Context, peer, kind string, limit time.Duration, request, answer any) error {
	proc, err := p.Start(ctx, peer, kind)
	if err != nil {
		return err
	}
	err = proc.Call(limit, request, answer)
	if closeErr := proc.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Trace builds the program that draws YCSB's operations, which is no peer, and gives its path. It is a build of its own
// since go-ycsb requires the clients of dozens of databases, whose versions are none of the peers' business.
func Trace(ctx context.Context, module, dir string) (string, error) {
	file := filepath.Join(dir, "ycsbtrace")
	return file, gobuild(ctx, module, []string{"GOWORK=off"}, "-modfile=mod/ycsb.mod", "-o", file, "cmd/ycsbtrace/main.go")
}

// encode makes a request one line.
func encode(request any) ([]byte, error) {
	b, err := json.Marshal(request)
	return append(b, '\n'), err
}
