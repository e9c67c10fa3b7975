package compare

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rockbridge-db/rockbridge/bench/launch"
)

// rocksDBs are those of peers that are on RocksDB.
func rocksDBs(peers []string) []string {
	return slices.DeleteFunc(slices.Clone(peers), func(p string) bool { return !onRocksDB(p) })
}

// oneLibrary gives the RocksDB of those programs that use it, and refuses to compare different ones.
func oneLibrary(peers []string, programs launch.Programs) (l launch.Library, err error) {
	for i, peer := range rocksDBs(peers) {
		own := launch.LibraryOf(programs.Path(peer))
		if i > 0 && own != l {
			return l, fmt.Errorf("%s has another RocksDB: %+v, not %+v", peer, own, l)
		}
		l = own
	}
	return l, nil
}

// oneVersion refuses different versions, as those linked into the programs may be.
func (r *Run) oneVersion() error {
	version := ""
	for _, peer := range rocksDBs(r.Plan.Peers) {
		_, own, _ := strings.Cut(r.Versions[peer], "RocksDB ")
		if version != "" && own != version {
			return fmt.Errorf("%s has RocksDB %s, another has %s", peer, own, version)
		}
		version = own
	}
	return nil
}

// optionsDiffer compares the OPTIONS files that RocksDB wrote for its peers: everything not named is the same.
func optionsDiffer(peers []string, dir func(peer string) string) ([]string, error) {
	values := map[string]map[string]string{} // option, peer
	on := rocksDBs(peers)
	for _, peer := range on {
		if err := readOptions(dir(peer), func(name, value string) {
			if values[name] == nil {
				values[name] = map[string]string{}
			}
			values[name][peer] = value
		}); err != nil {
			return nil, err
		}
	}
	var out []string
	for name, by := range values {
		var texts []string
		differ := false
		for _, peer := range on {
			texts = append(texts, fmt.Sprintf("%s %q", peer, by[peer]))
			differ = differ || by[peer] != by[on[0]]
		}
		if differ {
			out = append(out, "`"+name+"`: "+strings.Join(texts, ", "))
		}
	}
	slices.Sort(out)
	return out, nil
}

func readOptions(dir string, f func(name, value string)) error {
	files, err := filepath.Glob(filepath.Join(dir, "OPTIONS-*"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no OPTIONS file is in %q: %v", dir, err)
	}
	file, err := os.Open(slices.Max(files))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	section := ""
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
		} else if name, value, ok := strings.Cut(line, "="); ok {
			f(section+" "+name, value)
		}
	}
	return nil
}
