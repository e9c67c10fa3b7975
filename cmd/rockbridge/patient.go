package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// patient is a database that doctor looks at: as far as it could be read, and opened.
type patient struct {
	dir      string
	manifest *ondisk.Manifest
	unread   error // why there is no manifest
	db       *engine.DB
	unopened error // why it is not open

	options  map[string]string            // of the database; nil if it is not open
	families map[string]map[string]string // of each family
	used     uint64                       // bytes of all files
}

// errDies is why a database is not opened here.
var errDies = errors.New("RocksDB ends the process that opens it")

// probe opens the database in a process of its own first, the program self: there is damage that RocksDB
// answers with an assertion, and doctor is to tell of it.
func probe(ctx context.Context, self, dir string) error {
	cmd := exec.CommandContext(ctx, self, "get", dir, "any key")
	var said strings.Builder
	cmd.Stderr = &said
	var ended *exec.ExitError
	if err := cmd.Run(); ctx.Err() != nil || !errors.As(err, &ended) || ended.Exited() {
		return nil // whatever else is wrong shows here too
	}
	first, _, _ := strings.Cut(said.String(), "\n")
	return fmt.Errorf("%w: %v: %.300s", errDies, ended, first)
}

// examine reads and opens the database in dir, for reading, unless program self dies of it. close ends it.
func examine(ctx context.Context, self, dir string) *patient {
	p := &patient{dir: dir, families: map[string]map[string]string{}}
	p.manifest, p.unread = ondisk.ReadManifest(dir)
	// What cannot be read counts nothing here: checkAccess tells of it.
	_ = eachFile(dir, func(_ string, info fs.FileInfo) { p.used += uint64(info.Size()) })
	if p.unopened = probe(ctx, self, dir); p.unopened != nil {
		return p
	}
	if p.db, p.unopened = engine.Open(dir, &engine.Options{ReadOnly: true, ErrorIfMissing: true}); p.unopened != nil {
		return p
	}
	if p.options, p.unopened = p.db.Options(); p.unopened != nil {
		return p
	}
	for _, family := range p.db.ColumnFamilies() {
		if p.families[family.Name()], p.unopened = family.Options(); p.unopened != nil {
			return p
		}
	}
	return p
}

func (p *patient) close() error {
	if p.db == nil {
		return nil
	}
	return p.db.Close()
}

// option is a number among the options of a family; otherwise where it is not known.
func (p *patient) option(family, name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(p.families[family][name], 10, 64); err == nil {
		return n
	}
	return otherwise
}

// needs are those of a program that opens the database as it was opened last.
func (p *patient) needs() needs {
	n := typicalNeeds()
	if most, err := strconv.ParseInt(p.options["max_open_files"], 10, 64); err == nil {
		n.maxOpenFiles = most
	}
	if p.manifest != nil {
		for _, family := range p.manifest.Families {
			n.tables += uint64(len(family.Files) + len(family.Blobs))
		}
	}
	if len(p.families) > 0 {
		n.memtables = 0
	}
	for name := range p.families {
		n.memtables += p.option(name, "write_buffer_size", 64<<20) * p.option(name, "max_write_buffer_number", 2)
	}
	return n
}

// memtable is the size of the largest memtable.
func (p *patient) memtable() uint64 {
	size := uint64(0)
	for name := range p.families {
		size = max(size, p.option(name, "write_buffer_size", 64<<20))
	}
	if size == 0 {
		size = 64 << 20
	}
	return size
}

// walDir is the folder of the write-ahead logs.
func (p *patient) walDir() string {
	if dir := p.options["wal_dir"]; dir != "" {
		return dir
	}
	return p.dir
}

// noDatabase says why dir holds none, and what to do; found is empty if it holds one.
func noDatabase(dir string) (found, do string) {
	const make = "name the folder of a database; rockbridge load or engine.Open makes one"
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such folder", make
	case err != nil:
		return err.Error(), "see the permissions of the folders above"
	case !info.IsDir():
		return "it is a file, not a folder", make
	case holdsDatabase(dir):
		return "", ""
	}
	var manifests []string
	files := 0
	if err := eachFile(dir, func(name string, _ fs.FileInfo) {
		files++
		if strings.HasPrefix(name, "MANIFEST-") {
			manifests = append(manifests, name)
		}
	}); err != nil {
		return err.Error(), "run it as the owner, or change owner or mode (chown, chmod)"
	}
	switch {
	case len(manifests) > 0:
		newest := manifests[len(manifests)-1]
		return "the file CURRENT is missing, but " + newest + " is there",
			"copy the folder, write \"" + newest + "\" and a line break into CURRENT, and look again; or restore a checkpoint"
	case files == 0:
		return "the folder has no files", make
	}
	return "none of the " + strconv.Itoa(files) + " files is of a database: there is no CURRENT", make
}

// tablePath is where a table file of the database's own folder lies. Older versions called it otherwise.
func tablePath(dir string, number uint64) string {
	digits := strconv.FormatUint(number, 10)
	name := strings.Repeat("0", max(0, 6-len(digits))) + digits
	if _, err := os.Stat(filepath.Join(dir, name+".ldb")); err == nil {
		return filepath.Join(dir, name+".ldb")
	}
	return filepath.Join(dir, name+".sst")
}

func blobPath(dir string, number uint64) string {
	return strings.TrimSuffix(strings.TrimSuffix(tablePath(dir, number), ".sst"), ".ldb") + ".blob"
}
