package ondisk_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/rockbridge-db/rockbridge/internal/ondisk"
)

// A log grows by pieces of any size, with zeros behind it at times: each record comes once, when it is whole.
func TestATailGivesEachRecordOnceAsTheLogGrows(t *testing.T) {
	r := seeded(t)
	whole := newLog(t, []int{10, 100, 40000, 3, 0, 70000, 0, 500, 20, 7000, 32747, 32748, 1})
	var want [][]byte
	for l := ondisk.NewRecords(bytes.NewReader(whole)); ; {
		record, err := l.Next()
		if err == io.EOF {
			break
		}
		ondisk.Must(t, err)
		want = append(want, record)
	}
	for range 20 {
		path := filepath.Join(t.TempDir(), "000007.log")
		ondisk.Must(t, os.WriteFile(path, nil, 0o600))
		tail, err := ondisk.OpenTail(path, 7)
		ondisk.Must(t, err)
		at := places(t, whole)
		given := 0
		for size := 0; ; size += 1 + r.IntN(20_000) {
			size = min(size, len(whole))
			b := whole[:size]
			if r.IntN(2) == 0 {
				b = append(bytes.Clone(b), make([]byte, r.IntN(100_000))...)
			}
			ondisk.Must(t, os.WriteFile(path, b, 0o600))
			for {
				record, err := tail.Next()
				if err == io.EOF {
					break
				}
				if errors.Is(err, ondisk.ErrDamaged) && len(b) > size {
					break // the end of what was written, and zeros: a checksum is wrong until there is more
				}
				if err != nil || given >= len(want) || !bytes.Equal(record, want[given]) {
					t.Fatalf("record %d at size %d: %v", given, size, err)
				}
				if given++; tail.Offset() != at[given] {
					t.Fatalf("offset %d after record %d, want %d", tail.Offset(), given, at[given])
				}
			}
			if whole := hit(at, int64(size)); given < whole && size < len(b) == false || given > whole {
				t.Fatalf("%d records of %d at size %d", given, whole, size)
			}
			if size == len(whole) {
				break
			}
		}
		if given != len(want) {
			t.Fatalf("%d records of %d", given, len(want))
		}
		ondisk.Must(t, tail.Close())
	}
}

func TestATailFindsEveryChangedBit(t *testing.T) {
	whole := newLog(t, []int{10, 100, 3, 0, 500, 20, 700, 1})
	at := places(t, whole)
	path := filepath.Join(t.TempDir(), "000007.log")
	for offset := range whole {
		b := bytes.Clone(whole)
		b[offset] ^= 1 << (offset % 8)
		ondisk.Must(t, os.WriteFile(path, b, 0o600))
		tail, err := ondisk.OpenTail(path, 7)
		ondisk.Must(t, err)
		given := 0
		for {
			if _, err = tail.Next(); err != nil {
				break
			}
			given++
		}
		if given != hit(at, int64(offset)) {
			t.Fatalf("bit at %d, of record %d: %d records, %v", offset, hit(at, int64(offset)), given, err)
		}
		ondisk.Must(t, tail.Close())
	}
}
