package commits

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rockbridge-db/rockbridge/bench/workload"
	"github.com/rockbridge-db/rockbridge/internal/linked"
)

// Programs are the peers' binaries.
type Programs struct {
	dir string
	// Wrap, if set, is what each program is started by: its words come before the program's own.
	Wrap []string
}

// Build compiles the programs of all peers that contenders name into dir, an absolute path. It runs in module, the
// folder of the benchmarks' module.
func Build(ctx context.Context, module, dir string, contenders []Contender) (Programs, error) {
	var packages []string
	for _, c := range contenders {
		if p := "./peer/" + c.Peer; !slices.Contains(packages, p) {
			packages = append(packages, p)
		}
	}
	// The final slash makes dir a folder even if there is only one program to build.
	cmd := exec.CommandContext(ctx, "go", append([]string{"build", "-tags", "grocksdb", "-o", dir + "/"}, packages...)...)
	cmd.Dir = module
	if out, err := cmd.CombinedOutput(); err != nil {
		return Programs{}, fmt.Errorf("building the peers: %w\n%s\nWith another RocksDB than 7.8, grocksdb wants another version, or to be left out: -peers", err, out)
	}
	return Programs{dir: dir}, nil
}

// Path gives the file of a peer's program.
func (p Programs) Path(peer string) string { return filepath.Join(p.dir, peer) }

// slack is what a run may take beyond its commits before it is ended.
const slack = 2 * time.Minute

// Run starts a peer's program for one run and waits for it.
func (p Programs) Run(ctx context.Context, peer string, s workload.Spec) (workload.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Duration+slack)
	defer cancel()
	spec, err := json.Marshal(s)
	if err != nil {
		return workload.Result{}, err
	}
	words := append(slices.Clone(p.Wrap), p.Path(peer), string(spec))
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = 10 * time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, runErr := cmd.Output()
	var res workload.Result
	if err := json.Unmarshal(out, &res); err != nil {
		return res, fmt.Errorf("%s %s: %w; its output: %q %s", peer, s.Mode, errors.Join(runErr, err), out, stderr.String())
	}
	if res.Error != "" {
		return res, fmt.Errorf("%s %s: %s", peer, s.Mode, res.Error)
	}
	return res, runErr
}

// Library tells which librocksdb a program loads and how it was built.
func Library(program string) string {
	out, err := exec.Command("ldd", program).Output()
	if err != nil {
		return "unknown: ldd: " + err.Error()
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) > 2 && strings.HasPrefix(f[0], "librocksdb") {
			return linked.Inspect(f[2]).String()
		}
	}
	return linked.Inspect(program).String()
}
