package engine_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
)

// secretForms are how a text could show a key or value that begins with secret.
func secretForms() [][]byte {
	const secret = "s3cr3t\x00\xffrow"
	quoted := fmt.Sprintf("%q", secret)
	return [][]byte{
		[]byte("s3cr3t"), []byte(hex.EncodeToString([]byte("s3cr3t"))), []byte(strings.ToUpper(hex.EncodeToString([]byte("s3cr3t")))),
		[]byte(quoted[1:7]), fmt.Append(nil, []byte("s3cr3t"))[1:20],
	}
}

func expectNoSecret(t *testing.T, where string, text []byte) {
	t.Helper()
	for _, form := range secretForms() {
		if i := bytes.Index(text, form); i >= 0 {
			t.Errorf("%s shows a key or value: %q", where, text[max(0, i-80):min(len(text), i+80)])
		}
	}
}

// compactionBounds are the lines of RocksDB's LOG that do have keys, in hex: those that Compact was given.
var compactionBounds = regexp.MustCompile(`(?m)^.*anual compaction.* from .*$`)

// Keys and values stay in tables and logs of writes: RocksDB's LOG at its most talkative, but for the bounds given to
// Compact, the logger, metrics, statistics, properties, errors and the OPTIONS file have none of them, whatever happens to
// the rows.
func TestNoTextShowsAKeyOrValue(t *testing.T) {
	var told bytes.Buffer
	dir := filepath.Join(t.TempDir(), "db")
	o := &engine.Options{
		Extra: "info_log_level=DEBUG_LEVEL", Statistics: engine.UsualStatistics, SlowThreshold: 1,
		Logger:        slog.New(slog.NewJSONHandler(&told, &slog.HandlerOptions{Level: slog.LevelDebug - 4})),
		FamilyOptions: engine.FamilyOptions{WriteBufferSize: 64 << 10, Extra: "report_bg_io_stats=true"},
	}
	db := openDir(t, dir, o)
	workOnSecrets(t, db)
	m := metricsOf(t, db)
	text, err := json.Marshal(m)
	mustDo(t, err)
	expectNoSecret(t, "Metrics", text)
	for _, name := range []string{"rocksdb.stats", "rocksdb.levelstats", "rocksdb.cfstats", "rocksdb.dbstats", "rocksdb.sstables", "rocksdb.aggregated-table-properties"} {
		v, err := db.Property(name)
		if err == nil && name != "rocksdb.sstables" { // which is asked for the key ranges of files
			expectNoSecret(t, name, []byte(v))
		}
	}
	s, err := db.Statistics()
	mustDo(t, err)
	expectNoSecret(t, "Statistics", fmt.Append(nil, s))
	mustDo(t, db.Close())
	expectNoSecret(t, "the logger", told.Bytes())
	if told.Len() < 10_000 {
		t.Errorf("the logger was told %d bytes only: the test shows little", told.Len())
	}
	lines := 0
	mustDo(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if base := filepath.Base(path); err == nil && (strings.HasPrefix(base, "LOG") || strings.HasPrefix(base, "OPTIONS-") || base == "IDENTITY" || base == "CURRENT") {
			text, err := os.ReadFile(path)
			mustDo(t, err)
			expectNoSecret(t, base, compactionBounds.ReplaceAll(text, nil))
			lines += bytes.Count(text, []byte("\n"))
		}
		return err
	}))
	if lines < 100 {
		t.Errorf("%d lines of LOG and OPTIONS: the test shows little", lines)
	}
}

// workOnSecrets has rows written, flushed, compacted, copied and read, and calls refused, with keys and values that no
// text may show.
func workOnSecrets(t *testing.T, db *engine.DB) {
	t.Helper()
	secret := func(i int) []byte { return fmt.Appendf(nil, "s3cr3t\x00\xffrow %06d", i) }
	for i := range 3000 {
		mustDo(t, db.Put(secret(i%700), bytes.Repeat(secret(i), 4), nil))
		if i%97 == 0 {
			mustDo(t, db.Delete(secret(i%700), engine.Sync), db.DeleteRange(secret(i%50), secret(i%50+3), nil))
		}
	}
	it, err := db.NewIter(&engine.IterOptions{LowerBound: secret(1), UpperBound: secret(650)})
	mustDo(t, err)
	for range it.All() {
	}
	mustDo(t, it.Error(), it.Close(), db.Flush(), db.Compact(t.Context(), secret(3), secret(600)), db.Compact(t.Context(), nil, nil),
		db.Checkpoint(t.Context(), filepath.Join(t.TempDir(), "copy")))
	_, _, _, err = engine.Count(t.Context(), db, &engine.IterOptions{Prefix: secret(1)[:4]})
	mustDo(t, err, db.SyncWAL(), db.Put(secret(0), secret(1), nil))
	_, err = db.MultiGet([][]byte{secret(1), secret(2)}, nil)
	mustDo(t, err)
	for what, err := range map[string]error{
		"merge": db.Merge(secret(1), secret(2), nil), "range": db.DeleteRange(secret(2), secret(1), nil),
		"long": db.Put(append(secret(1), make([]byte, engine.MaxKeySize)...), nil, nil),
	} {
		if err == nil {
			t.Errorf("%s was not refused", what)
			continue
		}
		expectNoSecret(t, what, fmt.Append(nil, err, fmt.Sprintf("%+v %s %q", err, err, err.Error())))
	}
}

// Damage is told by file and place.
func TestNoErrorOfADamagedTableShowsAKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db := openDir(t, dir, &engine.Options{FamilyOptions: engine.FamilyOptions{Compression: engine.NoCompression}})
	for i := range 2000 {
		mustDo(t, db.Put(fmt.Appendf(nil, "s3cr3t %06d", i), fmt.Appendf(nil, "s3cr3t value %d", i), nil))
	}
	mustDo(t, db.Flush(), db.Close())
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	mustDo(t, err)
	text, err := os.ReadFile(tables[0])
	mustDo(t, err)
	for at := 50; at < len(text)/2; at += 500 {
		text[at] ^= 1
	}
	mustDo(t, os.WriteFile(tables[0], text, 0o600))
	var told bytes.Buffer
	db = openDir(t, dir, &engine.Options{Logger: slog.New(slog.NewTextHandler(&told, nil)), Extra: "info_log_level=DEBUG_LEVEL"})
	rows, done := engine.Scan(db, nil)
	for range rows {
	}
	err = done()
	expectError(t, "scan", err, engine.ErrCorruption)
	_, get := db.Get([]byte("s3cr3t 000100"), nil)
	for what, err := range map[string]error{
		"scan": err, "get": get, "compact": db.Compact(t.Context(), nil, nil), "checksums": db.VerifyChecksums(t.Context()), "health": db.Health(),
	} {
		if err != nil { // a compaction may only have moved the table
			expectNoSecret(t, what, fmt.Appendf(nil, "%v %+v %q", err, err, err.Error()))
		}
	}
	db.Close()
	expectNoSecret(t, "the logger", told.Bytes())
	log, err := os.ReadFile(filepath.Join(dir, "LOG"))
	mustDo(t, err)
	expectNoSecret(t, "LOG", log)
}

// Where the rows themselves are looked at, what must not be shown is found.
func TestTheLookForSecretsFindsThem(t *testing.T) {
	for _, text := range []string{"key s3cr3t", "73336372337400ff", "key '733363723374' seq:1", fmt.Sprint([]byte("s3cr3t")), fmt.Sprintf("%q", "s3cr3t\x00")} {
		found := false
		for _, form := range secretForms() {
			found = found || bytes.Contains([]byte(text), form)
		}
		if !found {
			t.Errorf("%q passes", text)
		}
	}
}
