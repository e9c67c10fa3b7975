package cbridge

import (
	"errors"
	"testing"

	"github.com/rockbridge-db/rockbridge/dberr"
)

func TestTheGlueAndGoNumberCodesAlike(t *testing.T) {
	for code, c := range codes {
		if int32(code) != c {
			t.Errorf("%v is %d in Go and %d in C", code, code, c)
		}
	}
	// Every code that the glue can answer has a partner; and so has SyncFailed; the others after Unknown are Go's own.
	for code := dberr.OK; code <= dberr.Unknown; code++ {
		if _, ok := codes[code]; !ok {
			t.Errorf("%v has no partner in C", code)
		}
	}
	if _, ok := codes[dberr.SyncFailed]; !ok || len(codes) != int(dberr.Unknown)+2 {
		t.Errorf("%d codes, want %d", len(codes), dberr.Unknown+2)
	}
}

func TestTextsOfRocksDBHaveTheirCodes(t *testing.T) {
	for text, want := range map[string]dberr.Code{
		"NotFound: ":                          dberr.NotFound,
		"Corruption: block checksum mismatch": dberr.Corruption,
		"Not implemented: x":                  dberr.Unsupported,
		"Not implemented: Not supported operation in read only mode.": dberr.ReadOnly,
		"Invalid argument: x":                    dberr.InvalidArgument,
		"IO error: While pread: /d/x: I/O error": dberr.IO,
		"IO error: While fsync: /d/x: I/O error": dberr.SyncFailed,
		"Merge in progress: x":                   dberr.MergeInProgress,
		"Result incomplete: x":                   dberr.Incomplete,
		"Shutdown in progress: x":                dberr.ShuttingDown,
		"Operation timed out: x":                 dberr.TimedOut,
		"Operation aborted: x":                   dberr.Aborted,
		"Resource busy: x":                       dberr.Busy,
		"Operation expired: x":                   dberr.Expired,
		"Operation failed. Try again.: x":        dberr.TryAgain,
		"Compaction too large: x":                dberr.CompactionTooLarge,
		"Column family dropped: x":               dberr.FamilyDropped,
		"IO error: No space left on device: x":   dberr.NoSpace,
		"IO error: x: No space left on device":   dberr.NoSpace,
		"IO error: x: Disk quota exceeded":       dberr.NoSpace,
		"IO error: x: Read-only file system":     dberr.ReadOnly,
		"IO error: While lock file: /d/LOCK: Resource temporarily unavailable": dberr.Locked,
		"IO error: lock hold by current process, acquire time 1":               dberr.Locked,
		// A path may say anything.
		"IO error: While open: /While lock file: x/No space left on device": dberr.IO,
		"Corruption: x: No space left on device":                            dberr.Corruption,
		"":                                                                  dberr.Unknown,
		"Corruption":                                                        dberr.Unknown,
		" IO error: x":                                                      dberr.Unknown,
		"Some day: x":                                                       dberr.Unknown,
	} {
		if got := StatusOf(text); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

// What RocksDB says when it is provoked is what the table above assumes.
func TestErrorsOfRocksDBArriveWithCodeAndText(t *testing.T) {
	dir := t.TempDir()
	_, f := openTest(t, dir, FamilyOptions{Compression: -1})
	if _, _, err := f.Get(&Read{}, []byte("absent"), nil); err != dberr.ErrNotFound {
		t.Errorf("a miss is %v", err)
	}
	if err := f.Has(Read{}, []byte("absent")); err != dberr.ErrNotFound {
		t.Errorf("a miss is %v", err)
	}
	again, err := NewPlan(dir, DBOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Free()
	if err := again.Family("default", FamilyOptions{}, ""); err != nil {
		t.Fatal(err)
	}
	_, err = again.Open()
	wantCode(t, err, dberr.Locked, "a second opener")
	var e *dberr.Error
	if errors.As(err, &e) && e.Msg == "" {
		t.Error("the error has lost its text")
	}
	_, err = ListFamilies(nil, t.TempDir())
	wantCode(t, err, dberr.IO, "families of an empty directory")
}
