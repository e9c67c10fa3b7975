package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// blockRows writes rows that make several blocks, of which some compress and some do not.
func blockRows(t *testing.T, db *engine.DB, r interface{ IntN(int) int }) map[string]string {
	t.Helper()
	rows := map[string]string{}
	for i := range 3 + r.IntN(8) {
		v := string(valueOf(r.IntN(700<<10) + i))
		if r.IntN(2) == 0 {
			v = strings.Repeat("again ", len(v)/6)
		}
		rows[fmt.Sprintf("%03d", i)] = v
	}
	for i := range r.IntN(500) {
		rows[fmt.Sprintf("%03d/%d", r.IntN(12), i)] = string(valueOf(r.IntN(200)))
	}
	putAll(t, db.ColumnFamilies()[0], rows)
	return rows
}

// throughJSON is a position as another process would be given it.
func throughJSON(t *testing.T, p engine.StreamPosition) *engine.StreamPosition {
	t.Helper()
	b, err := json.Marshal(p)
	q := &engine.StreamPosition{}
	if err == nil {
		err = json.Unmarshal(b, q)
	}
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// An export that broke off anywhere, in whatever frame, is completed from what its file holds, as often as it
// takes, and is then the one that was never interrupted.
func TestAnExportGoesOnFromAPartialFile(t *testing.T) {
	r, _ := seededRand(t, "export.seed", *exportSeed)
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		db, to := openTemp(t, nil), openTemp(t, nil)
		rows := blockRows(t, db, r)
		whole, end := exported(t, db, nil, nil)
		var file []byte
		resume := &engine.StreamPosition{}
		for tries := 1; ; tries++ {
			w := &failing{room: r.IntN(len(whole)/2 + 1), err: errDisk}
			if tries == 5 {
				w.room = len(whole)
			}
			at, err := engine.Export(nil, db, nil, w, &engine.ExportOptions{Resume: resume})
			file = append(file[:resume.Offset:resume.Offset], w.Bytes()...)
			if err == nil {
				expectPosition(t, "completed", at, rows)
				break
			}
			expectError(t, "partial", err, errDisk)
			found, err := engine.CheckExport(nil, bytes.NewReader(file), nil)
			if len(file) < len(whole) {
				expectError(t, "the partial file", err, engine.ErrCorruption)
			}
			if at.Offset > found.Offset {
				t.Errorf("export came to %d, but the file has %d", at.Offset, found.Offset)
			}
			resume = throughJSON(t, found)
		}
		if !bytes.Equal(file, whole) {
			t.Errorf("%d bytes, and %d without interruptions, or others", len(file), len(whole))
		}
		if at, err := engine.CheckExport(nil, bytes.NewReader(file), nil); err != nil || at.Checksum != end.Checksum {
			t.Errorf("checked: %+v, %v", at, err)
		}
		importInto(t, "completed", to, file, rows)
	}
}

// brokenOff is an export of r that stopped behind its first block, and the position there.
func brokenOff(t *testing.T, r engine.Reader) ([]byte, engine.StreamPosition) {
	t.Helper()
	file, _ := exported(t, r, nil, nil)
	var first engine.StreamPosition
	for n := range file {
		at, _ := engine.CheckExport(nil, bytes.NewReader(file[:n]), nil)
		if at.Rows > 0 {
			first = at
			break
		}
	}
	w := &failing{room: int(first.Offset) + 20, err: errDisk}
	at, err := engine.Export(nil, r, nil, w, nil)
	expectError(t, "broken off", err, errDisk)
	at.Offset, at.Rows, at.Bytes, at.Checksum = first.Offset, first.Rows, first.Bytes, first.Checksum
	at.FirstKey, at.LastKey, at.Whole = first.FirstKey, first.LastKey, false
	return w.Bytes()[:first.Offset], at
}

func TestAnExportGoesOnOverAnotherStateOnlyWhenAsked(t *testing.T) {
	db, to := openTemp(t, nil), openTemp(t, nil)
	rows := zeroRows(t, db, 6)
	part, at := brokenOff(t, db)
	for _, k := range []string{"0000", "0005"} { // one is exported already, one is not
		rows[k+"x"] = "new"
		if err := db.Put([]byte(k+"x"), []byte("new"), nil); err != nil {
			t.Fatal(err)
		}
	}
	_, err := engine.Export(nil, db, nil, io.Discard, &engine.ExportOptions{Resume: &at})
	expectError(t, "another state", err, engine.ErrInvalidArgument)
	for what, eo := range map[string]engine.IterOptions{"another range": {LowerBound: []byte{}}, "a shorter range": {UpperBound: []byte("~")}} {
		_, err = engine.Export(nil, db, &eo, io.Discard, &engine.ExportOptions{Resume: &at, OtherState: true})
		expectError(t, what, err, engine.ErrInvalidArgument)
	}
	c, err := db.CreateColumnFamily("c", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.Export(nil, c, nil, io.Discard, &engine.ExportOptions{Resume: &at, OtherState: true})
	expectError(t, "another family", err, engine.ErrInvalidArgument)

	var rest bytes.Buffer
	end, err := engine.Export(nil, db, nil, &rest, &engine.ExportOptions{Resume: &at, OtherState: true})
	if err != nil || !end.Mixed || !end.Whole {
		t.Fatalf("%v, %+v", err, end)
	}
	delete(rows, "0000x")
	file := append(part, rest.Bytes()...)
	got, err := to.Import(nil, bytes.NewReader(file), nil)
	if err != nil || !got.Mixed || got.Offset != end.Offset || got.Checksum != end.Checksum {
		t.Errorf("import: %v, %+v; exported %+v", err, got, end)
	}
	expectRows(t, "of two states", to, rows)

	// What was resumed over another state has no state of its own to go on with.
	mixed := end
	mixed.Whole = false
	_, err = engine.Export(nil, wrapped{db.ColumnFamilies()[0]}, nil, io.Discard, &engine.ExportOptions{Resume: &mixed})
	expectError(t, "mixed", err, engine.ErrInvalidArgument)
}

// A program that still has the snapshot can go on with any version of RocksDB, whatever was written since.
func TestAnExportOfASnapshotGoesOnFromThatSnapshot(t *testing.T) {
	db, to := openTemp(t, nil), openTemp(t, nil)
	rows := zeroRows(t, db, 6)
	s, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	part, at := brokenOff(t, s)
	if err := db.DeleteRange(nil, []byte("~"), nil); err != nil {
		t.Fatal(err)
	}
	other, err := db.NewSnapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, err = engine.Export(nil, other, nil, io.Discard, &engine.ExportOptions{Resume: &at})
	expectError(t, "another snapshot", err, engine.ErrInvalidArgument)
	var rest bytes.Buffer
	end, err := engine.Export(nil, s, nil, &rest, &engine.ExportOptions{Resume: &at})
	if err != nil {
		t.Fatal(err)
	}
	expectPosition(t, "the snapshot", end, rows)
	importInto(t, "the snapshot", to, append(part, rest.Bytes()...), rows)

	// A position out of the file does not know the snapshot, but its number does, where RocksDB tells it.
	_, err = engine.Export(nil, s, nil, io.Discard, &engine.ExportOptions{Resume: throughJSON(t, at)})
	if engine.Supports(engine.SnapshotSequence) && err != nil {
		t.Errorf("by its number: %v", err)
	} else if !engine.Supports(engine.SnapshotSequence) {
		expectError(t, "without a number", err, engine.ErrInvalidArgument)
	}
}

func TestALimitCountsOverAResumedExport(t *testing.T) {
	db, to := openTemp(t, nil), openTemp(t, nil)
	rows := zeroRows(t, db, 6)
	part, at := brokenOff(t, db)
	var rest bytes.Buffer
	o := &engine.IterOptions{Limit: 4}
	if _, err := engine.Export(nil, db, o, &rest, &engine.ExportOptions{Resume: &at}); err != nil {
		t.Fatal(err)
	}
	importInto(t, "four rows", to, append(part, rest.Bytes()...), rowsWithin(rows, o))
}

// An import that stopped anywhere goes on from where it says that it came, or from the beginning, and what it
// wrote is always a whole number of blocks.
func TestAnImportGoesOn(t *testing.T) {
	r, _ := seededRand(t, "export.seed", *exportSeed)
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	for range rounds {
		db, to, again := openTemp(t, nil), openTemp(t, nil), openTemp(t, nil)
		rows := blockRows(t, db, r)
		file, _ := exported(t, db, nil, nil)
		var at engine.StreamPosition
		for tries := 1; !at.Whole; tries++ {
			cut := int(at.Offset) + r.IntN(len(file)-int(at.Offset)+1)
			if tries == 5 {
				cut = len(file)
			}
			var err error
			rd := io.MultiReader(bytes.NewReader(file[at.Offset:cut]), failingReader{})
			at, err = to.Import(context.Background(), rd, &engine.ImportOptions{Resume: throughJSON(t, at)})
			expectError(t, "stopped", err, errDisk)
			expectRows(t, "so far", to, rowsWithin(rows, &engine.IterOptions{UpperBound: append(bytes.Clone(at.LastKey), 0)}))
			if _, err := again.Import(nil, bytes.NewReader(file[:cut]), nil); cut < len(file) {
				expectError(t, "cut off", err, engine.ErrCorruption)
			}
		}
		expectPosition(t, "imported in pieces", at, rows)
		expectRows(t, "imported in pieces", to, rows)
		if _, err := again.Import(nil, bytes.NewReader(file), nil); err != nil {
			t.Fatal(err)
		}
		expectRows(t, "imported again", again, rows)
	}
}

func TestAnImportOnAFullDiskSaysHowFarItCame(t *testing.T) {
	db := openTemp(t, nil)
	randomRowsOf(t, db, 12_000, 1000)
	file, _ := exported(t, db, nil, nil)
	disk, remount := smallDisk(t, "6m")
	dir := disk + "/db"
	to := openDir(t, dir, &engine.Options{FamilyOptions: engine.FamilyOptions{WriteBufferSize: 1 << 20}})
	defer to.Close()
	at, err := to.Import(nil, bytes.NewReader(file), nil)
	expectError(t, "import", err, engine.ErrNoSpace)
	all := rowsOf(t, db)
	expectRows(t, "on the full disk", to, rowsWithin(all, &engine.IterOptions{Limit: max(1, int(at.Rows))}))
	if at.Rows == 0 || at.Whole {
		t.Errorf("%+v", at)
	}
	if err := to.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	remount(0, "size=64m")
	to = openDir(t, dir, nil)
	defer to.Close()
	if _, err = to.Import(nil, bytes.NewReader(file[at.Offset:]), &engine.ImportOptions{Resume: &at}); err != nil {
		t.Errorf("with space: %v", err)
	}
	expectRows(t, "with space", to, all)
}

func TestAnImportHonoursItsWriteOptions(t *testing.T) {
	file := forged().section(blockBytes("a", "1")).section(trailerBytes(1, 2, "a", "a")).out
	dir := t.TempDir() + "/db"
	db := openDir(t, dir, nil)
	c, err := db.CreateColumnFamily("c", nil)
	if err != nil {
		t.Fatal(err)
	}
	before, err := db.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Import(nil, bytes.NewReader(file), &engine.ImportOptions{Write: engine.Sync}); err != nil {
		t.Fatal(err)
	}
	after, err := db.Metrics()
	if err != nil || after.Commits.Syncs <= before.Commits.Syncs {
		t.Errorf("%d syncs before, %d after: %v", before.Commits.Syncs, after.Commits.Syncs, err)
	}
	if _, err := db.Import(nil, bytes.NewReader(file), &engine.ImportOptions{Write: &engine.WriteOptions{DisableWAL: true}}); err != nil {
		t.Fatal(err)
	}
	if n := after.Calls["import"].Calls; n == 0 {
		t.Error("no call of an import is counted")
	}
	if err := db.DropColumnFamily(c); err != nil {
		t.Fatal(err)
	}
	_, err = c.Import(nil, bytes.NewReader(file), nil)
	expectError(t, "dropped", err, engine.ErrFamilyDropped)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	ro := openDir(t, dir, &engine.Options{ReadOnly: true})
	defer ro.Close()
	_, err = ro.Import(nil, bytes.NewReader(file), nil)
	expectError(t, "read only", err, engine.ErrReadOnly)
	if got, at := exported(t, ro, nil, nil); at.Rows != 1 || len(got) == 0 {
		t.Errorf("export, read only: %+v", at)
	}
}

// While others write, a head names either no state or the right one: every write adds one row here, so that
// its number is that of the rows.
func TestTheStateOfAnExportIsNeverMistaken(t *testing.T) {
	db := openTemp(t, nil)
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			if err := db.Put(fmt.Appendf(nil, "%09d", i), nil, nil); err != nil {
				ended <- err
				return
			}
		}
	}()
	for range 40 {
		_, at := exported(t, db, &engine.IterOptions{}, &engine.ExportOptions{Level: 1})
		if n := at.Header.Sequence; n != 0 && n != uint64(at.Rows) {
			t.Errorf("the head names state %d, the rows are of %d", n, at.Rows)
			break
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
