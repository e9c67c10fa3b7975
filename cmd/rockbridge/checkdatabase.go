package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// What there is to do about damage.
const restore = "restore a checkpoint or backup; without one, copy the folder and try \"ldb repair\" on the copy, which loses rows"

// checkAll looks at the system with the needs of the database in d.Dir, at its disk and at itself. self is
// the file of this program.
func checkAll(ctx context.Context, d *diagnosis, m machine, self string, verify bool) {
	if found, do := noDatabase(d.Dir); found != "" {
		checkMachine(d, m, typicalNeeds())
		d.area = "database"
		d.wrong("there", do, "%s: %s", d.Dir, found)
		return
	}
	p := examine(ctx, self, d.Dir)
	checkMachine(d, m, p.needs())
	d.area = "file system"
	if fsys, err := lookAtFileSystem(d.Dir); err != nil {
		d.note("file system", "", "not known: %v", err)
	} else {
		checkDisk(d, fsys, p.used, p.memtable())
	}
	checkAccess(d, d.Dir)
	d.area = "database"
	held := checkHolder(d, d.Dir)
	checkManifest(d, p)
	checkFiles(d, p, held)
	checkLogs(d, p, verify)
	checkOpens(d, p)
	checkLOG(d, d.Dir)
	checkStalls(d, p)
	checkTombstones(d, p)
	if verify {
		checkRows(ctx, d, p)
	}
	if err := p.close(); err != nil {
		d.wrong("close", "", "%v", err)
	}
}

func checkManifest(d *diagnosis, p *patient) {
	const check = "manifest"
	switch m := p.manifest; {
	case errors.Is(p.unread, fs.ErrPermission):
		d.wrong(check, "run it as the owner, or change owner or mode (chown, chmod)", "%v", p.unread)
	case p.unread != nil:
		d.wrong(check, restore, "%v", p.unread)
	case m.Torn:
		d.ok(check, "%s, %s; its last record is not whole, as when a writer is at it or was killed: RocksDB passes over that", m.Name, plural(len(m.Families), "family", "families"))
	default:
		d.ok(check, "%s, %s, sequence %d in files", m.Name, plural(len(m.Families), "family", "families"), m.Sequence)
	}
}

// fileFaults are what is wrong with the files that a manifest names.
type fileFaults struct {
	files    int
	bytes    int64
	missing  []string
	sizes    []string
	unread   []string // that do not end as tables do
	notThere int      // in other folders, where they were not looked for
}

func (f *fileFaults) any() bool { return len(f.missing)+len(f.sizes)+len(f.unread) > 0 }

// findFaults looks for each file of the manifest. A writer may change files and manifest meanwhile: of what is
// wrong then, only that is a fault which was so before the manifest was read again, and is still named by it.
func (p *patient) findFaults() *fileFaults {
	faults := faultsOf(p.dir, p.manifest)
	if !faults.any() {
		return faults
	}
	time.Sleep(20 * time.Millisecond)
	again, err := ondisk.ReadManifest(p.dir)
	if err != nil || again.Name == p.manifest.Name && again.NextFile == p.manifest.NextFile && again.Sequence == p.manifest.Sequence {
		return faults
	}
	p.manifest = again
	now := faultsOf(p.dir, again)
	now.missing = both(faults.missing, now.missing)
	now.sizes = both(faults.sizes, now.sizes)
	now.unread = both(faults.unread, now.unread)
	return now
}

// both are the names that stand in a and in b.
func both(a, b []string) []string {
	return slices.DeleteFunc(b, func(name string) bool { return !slices.Contains(a, name) })
}

func faultsOf(dir string, m *ondisk.Manifest) *fileFaults {
	f := &fileFaults{}
	for _, family := range m.Families {
		for _, file := range family.Files {
			f.files++
			f.bytes += file.Size
			if file.Path != 0 {
				f.notThere++
				continue
			}
			if path := tablePath(dir, file.Number); f.look(path, file.Size, file.Size) {
				if _, err := ondisk.ReadProperties(path); errors.Is(err, ondisk.ErrDamaged) {
					f.unread = append(f.unread, filepath.Base(path)+" ("+err.Error()+")")
				}
			}
		}
		for _, blob := range family.Blobs {
			f.files++
			f.bytes += int64(blob.Bytes)
			f.look(blobPath(dir, blob.Number), int64(blob.Bytes), 1<<62)
		}
	}
	slices.Sort(f.missing)
	slices.Sort(f.sizes)
	slices.Sort(f.unread)
	return f
}

// look compares a file's size with what it may be, and tells whether it is right.
func (f *fileFaults) look(path string, least, most int64) bool {
	info, err := os.Stat(path)
	name := filepath.Base(path)
	switch {
	case err != nil:
		f.missing = append(f.missing, name)
	case info.Size() < least || info.Size() > most:
		f.sizes = append(f.sizes, fmt.Sprintf("%s (%d bytes, the manifest says %d)", name, info.Size(), least))
	default:
		return true
	}
	return false
}

// some lists the first few of names.
func some(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

func checkFiles(d *diagnosis, p *patient, held bool) {
	const check = "files"
	if p.manifest == nil {
		return
	}
	f := p.findFaults()
	if len(f.missing) > 0 {
		d.wrong(check, "put them back from where they went, or "+restore, "missing: %s", some(f.missing))
	}
	if len(f.sizes) > 0 {
		d.wrong(check, restore, "of another size: %s", some(f.sizes))
	}
	if len(f.unread) > 0 {
		d.wrong(check, restore, "overwritten: %s", some(f.unread))
	}
	if !f.any() {
		elsewhere := ""
		if f.notThere > 0 {
			elsewhere = fmt.Sprintf("; %d of them in other folders, which were not looked at", f.notThere)
		}
		d.ok(check, "%d, %s, all of the right size%s", f.files, byteText(f.bytes), elsewhere)
	}
	if strays := p.strays(); len(strays) > 0 && !held {
		d.note(check, "the next open for writing removes them", "%d belong to no state, as after a kill: %s", len(strays), some(strays))
	}
}

// strays are table files that the manifest does not name.
func (p *patient) strays() (names []string) {
	named := map[uint64]bool{}
	for _, family := range p.manifest.Families {
		for n := range family.Files {
			named[n] = true
		}
		for n := range family.Blobs {
			named[n] = true
		}
	}
	_ = eachFile(p.dir, func(name string, _ fs.FileInfo) { // checkAccess tells of what fails
		if ext := filepath.Ext(name); (ext == ".sst" || ext == ".blob") && !named[fileNumber(name)] {
			names = append(names, name)
		}
	})
	return names
}

// checkOpens tells whether RocksDB opens the database.
func checkOpens(d *diagnosis, p *patient) {
	const check = "opens"
	err := p.unopened
	switch {
	case err == nil:
		d.ok(check, "for reading")
	case errors.Is(err, errDies):
		d.wrong(check, "see what was said last, and undo it if it is an option in the newest OPTIONS file; else "+restore, "%v", err)
	case errors.Is(err, engine.ErrUnsupported):
		d.wrong(check, "open it with a program that has what is named, or make the database anew with what rockbridge has", "%s", errorMessage(err))
	case errors.Is(err, engine.ErrTryAgain):
		d.note(check, "try again", "%s", errorMessage(err))
	case strings.Contains(err.Error(), syscall.EMFILE.Error()):
		d.wrong(check, "see open files", "%s", errorMessage(err))
	case errors.Is(err, fs.ErrPermission), strings.Contains(err.Error(), "Permission denied"):
		d.wrong(check, "see permissions", "%s", errorMessage(err))
	default:
		d.wrong(check, restore, "%s", errorMessage(err))
	}
}

// checkStalls compares what makes RocksDB slow writes down, or stop them, with how near it is.
func checkStalls(d *diagnosis, p *patient) {
	const check = "stalls"
	if p.options == nil || p.manifest == nil {
		return
	}
	calm := 0
	for _, family := range p.manifest.Families {
		if p.families[family.Name] != nil && !p.stalls(d, family) {
			calm++
		}
	}
	if calm > 0 {
		d.ok(check, "no reason to slow writes down in %s", plural(calm, "family", "families"))
	}
}

func (p *patient) stalls(d *diagnosis, family *ondisk.Family) (near bool) {
	const check = "stalls"
	level0 := uint64(0)
	for _, f := range family.Files {
		if f.Level == 0 {
			level0++
		}
	}
	slow, stop := p.option(family.Name, "level0_slowdown_writes_trigger", 20), p.option(family.Name, "level0_stop_writes_trigger", 36)
	const do = "compact it (rockbridge compact), allow more max_background_jobs, or write less at a time"
	switch {
	case p.families[family.Name]["disable_auto_compactions"] == "true": // then writes do not wait for it either
		d.note(check, "compact it by hand, or set disable_auto_compactions=false", "family %q is not compacted by itself, and has %d files in level 0", family.Name, level0)
	case level0 >= stop && stop > 0:
		d.wrong(check, do, "family %q has %d files in level 0: writes stop at %d", family.Name, level0, stop)
	case level0 >= slow && slow > 0:
		d.note(check, do, "family %q has %d files in level 0: writes are slowed down from %d on", family.Name, level0, slow)
	default:
		return p.debt(d, family.Name)
	}
	return true
}

// debt looks at the bytes that wait to be compacted.
func (p *patient) debt(d *diagnosis, name string) (near bool) {
	family, err := p.db.ColumnFamily(name)
	if err != nil {
		return false // created after the manifest was read
	}
	debt, err := numberProperty(family, "rocksdb.estimate-pending-compaction-bytes")
	if err != nil {
		return false
	}
	soft, hard := p.option(name, "soft_pending_compaction_bytes_limit", 64<<30), p.option(name, "hard_pending_compaction_bytes_limit", 256<<30)
	return judgeDebt(d, name, debt, soft, hard)
}

func judgeDebt(d *diagnosis, name string, debt, soft, hard uint64) (near bool) {
	const do = "compact it (rockbridge compact), or allow more max_background_jobs"
	switch {
	case hard > 0 && debt >= hard:
		d.wrong("stalls", do, "family %q has %s to compact: writes stop at %s", name, byteText(int64(debt)), byteText(int64(hard)))
	case soft > 0 && debt >= soft:
		d.note("stalls", do, "family %q has %s to compact: writes are slowed down from %s on", name, byteText(int64(debt)), byteText(int64(soft)))
	default:
		return false
	}
	return true
}

// Families with more tombstones than this in a hundred records, and files worth a compaction, are named.
const (
	manyTombstones = 50
	fewRecords     = 1000
)

func checkTombstones(d *diagnosis, p *patient) {
	if p.manifest == nil {
		return
	}
	var sums []*levelView
	names := map[*levelView]string{}
	for _, family := range p.manifest.Families {
		sum := &levelView{}
		names[sum] = family.Name
		sums = append(sums, sum)
		for _, f := range family.Files {
			if props, err := ondisk.ReadProperties(tablePath(p.dir, f.Number)); err == nil {
				sum.add(counts{Entries: props.Entries, Tombstones: props.Deletions})
			}
		}
	}
	slices.SortStableFunc(sums, func(a, b *levelView) int { return cmp.Compare(b.Density, a.Density) })
	for _, sum := range sums {
		if sum.Density*100 > manyTombstones && sum.Entries >= fewRecords {
			d.note("tombstones", "rockbridge compact "+p.dir+" gives their space back, and scans pass over fewer", "family %q: %d of %d records in files delete", names[sum], sum.Tombstones, sum.Entries)
			return
		}
	}
	d.ok("tombstones", "at most %.0f%% of a family's records in files", 100*sums[0].Density)
}

// checkRows reads everything, and with it all checksums of data.
func checkRows(ctx context.Context, d *diagnosis, p *patient) {
	if p.db == nil {
		return
	}
	for _, family := range p.db.ColumnFamilies() {
		rows, keys, values, err := engine.Count(ctx, family, &engine.IterOptions{NoFillCache: true})
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			d.wrong("rows", restore, "family %q after %d rows: %s", family.Name(), rows, errorMessage(err))
		default:
			d.ok("rows", "family %q: %d rows, %s, every checksum right", family.Name(), rows, byteText(keys+values))
		}
	}
}
