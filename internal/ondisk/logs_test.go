package ondisk_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/engine"
	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

func scan(t testing.TB, b []byte) *ondisk.Log {
	t.Helper()
	l, err := ondisk.ScanLog(bytes.NewReader(b), int64(len(b)), 7)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// places are where the records of a whole log begin, and where the last one ends.
func places(t *testing.T, b []byte) (at []int64) {
	t.Helper()
	l := ondisk.NewRecords(bytes.NewReader(b))
	for {
		at = append(at, l.Offset())
		if _, err := l.Next(); err == io.EOF {
			return at
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// hit tells which record the byte belongs to; after the last one if to none.
func hit(at []int64, offset int64) int {
	for i := range at[1:] {
		if offset < at[i+1] {
			return i
		}
	}
	return len(at) - 1
}

// Whatever bit is changed, what stands before and behind is counted right; of what is cut off too.
func TestEveryChangedBitOfALogIsFoundAndWhatStandsBehindIt(t *testing.T) {
	r := seeded(t)
	t.Run("short", func(t *testing.T) { changeAndCut(t, r, newLog(t, []int{10, 100, 3, 0, 500, 20, 700, 1}), 1) })
	t.Run("long", func(t *testing.T) {
		changeAndCut(t, r, newLog(t, []int{10, 100, 40000, 3, 0, 70000, 0, 500, 20, 7000, 1}), 53+r.IntN(20))
	})
}

// changeAndCut tries every step-th byte of a log.
func changeAndCut(t *testing.T, r *rand.Rand, whole []byte, step int) {
	at := places(t, whole)
	n := len(at) - 1
	if l := scan(t, whole); l.Break != nil || l.Whole.Records != n || l.Whole.Rows != uint64(n) || l.Whole.First == 0 || l.Whole.Last != l.Whole.First+uint64(n)-1 {
		t.Fatalf("%+v", l)
	}
	for offset := 0; offset < len(whole); offset += step {
		b := bytes.Clone(whole)
		b[offset] ^= 1 << r.IntN(8)
		i := hit(at, int64(offset))
		l := scan(t, b)
		if l.Break == nil && l.Whole.Records == n {
			continue // a block's filling
		}
		if l.Break == nil || l.Whole.Records != i || l.Behind.Records != n-i-1 || l.Break.Cut && l.Behind.Records > 0 {
			t.Fatalf("bit at %d, of record %d: %+v, %+v", offset, i, l, l.Break)
		}
	}
	for size := range whole {
		if size%step != 0 {
			continue
		}
		l := scan(t, whole[:size])
		i := hit(at, int64(size))
		if l.Whole.Records != i || l.Behind.Records != 0 || l.Break != nil && !l.Break.Cut || (l.Break == nil) != (int64(size) == at[i]) && size%(32<<10) > 7 {
			t.Fatalf("cut to %d bytes, in record %d: %+v, %+v", size, i, l, l.Break)
		}
	}
}

// A database may hold logs as values. A record that is cut off within one goes on with good pieces of
// another log: that is no damage.
func TestALogWithinAValueIsNoneBehindABreak(t *testing.T) {
	inner := newLog(t, []int{100, 200, 300, 400})
	dir := filepath.Join(t.TempDir(), "db")
	db, err := engine.Open(dir, nil)
	ondisk.Must(t, err)
	for range 20 { // later numbers than those of the inner log
		ondisk.Must(t, db.Put([]byte("k"), nil, nil))
	}
	ondisk.Must(t, db.Put([]byte("log"), inner, nil), db.Close())
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	ondisk.Must(t, err)
	b, err := os.ReadFile(logs[0])
	ondisk.Must(t, err)
	if l := scan(t, b); l.Break != nil || l.Whole.Records != 21 {
		t.Fatalf("whole: %+v, %+v", l, l.Break)
	}
	for cut := 1; cut < len(inner); cut++ {
		if l := scan(t, b[:len(b)-cut]); l.Break == nil || !l.Break.Cut || l.Behind.Records != 0 || l.Whole.Records != 20 {
			t.Fatalf("cut by %d: %+v, %+v", cut, l, l.Break)
		}
	}
}

func TestRecordsOfACompressedLogAreCounted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	db, err := engine.Open(dir, &engine.Options{Extra: "wal_compression=kZSTD"})
	ondisk.Must(t, err)
	for i := range 50 {
		ondisk.Must(t, db.Put([]byte{byte(i)}, bytes.Repeat([]byte{byte(i)}, 1000*i), nil))
	}
	ondisk.Must(t, db.Close())
	logs, err := ondisk.ReadLogs(dir, 0)
	if err != nil || len(logs) != 1 || logs[0].Break != nil || logs[0].Whole.Records != 50 || logs[0].Whole.Rows != 0 {
		t.Fatalf("%+v, %v", logs, err)
	}
	b, err := os.ReadFile(logs[0].Path)
	ondisk.Must(t, err)
	b[len(b)/2] ^= 1
	if l := scan(t, b); l.Break == nil || l.Break.Cut || l.Whole.Records+l.Behind.Records != 49 || l.Behind.Records == 0 {
		t.Fatalf("%+v, %+v", l, l.Break)
	}
}

func TestReadLogsLeavesOutWhatIsNoneOrOlder(t *testing.T) {
	dir := t.TempDir()
	log := newLog(t, []int{1, 2})
	for _, name := range []string{"000007.log", "000012.log", "000009.log", "log.log", "000013.sst", "-3.log"} {
		ondisk.Must(t, os.WriteFile(filepath.Join(dir, name), log, 0o600))
	}
	logs, err := ondisk.ReadLogs(dir, 9)
	if err != nil || len(logs) != 2 || logs[0].Number != 9 || logs[1].Number != 12 {
		t.Fatalf("%+v, %v", logs, err)
	}
}

func TestALogsNumberIsThatOfItsName(t *testing.T) {
	for name, want := range map[string]uint64{"000007.log": 7, "7.log": 7, "18446744073709551615.log": 1<<64 - 1} {
		if n, ok := ondisk.LogNumber(name); !ok || n != want {
			t.Errorf("%s: %d, %v", name, n, ok)
		}
	}
	for _, name := range []string{"", ".log", "7", "000007.sst", "7.log.kept", "-3.log", "+3.log", "0x7.log", "1_0.log", "18446744073709551616.log", "x7.log"} {
		if n, ok := ondisk.LogNumber(name); ok || n != 0 {
			t.Errorf("%s: %d, %v", name, n, ok)
		}
	}
}

// Nonsense must neither end the process nor take long.
func FuzzReadLog(f *testing.F) {
	f.Add([]byte{}, uint64(1))
	f.Add(bytes.Repeat([]byte{0}, 40000), uint64(2))
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 70000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	f.Add(noise, uint64(3))
	f.Fuzz(func(t *testing.T, b []byte, number uint64) {
		l, err := ondisk.ScanLog(bytes.NewReader(b), int64(len(b)), number)
		if err != nil {
			t.Fatal(err)
		}
		if l.Break == nil && l.Behind.Records > 0 || l.Break != nil && (l.Break.At < 0 || l.Break.At > int64(len(b))) {
			t.Fatalf("%+v, %+v", l, l.Break)
		}
	})
}
