package engine_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rockbridge-db/rockbridge/engine"
)

func TestAFullDiskLeavesOlderBackupsGood(t *testing.T) {
	disk, remount := smallDisk(t, "2m")
	db := openTemp(t, nil)
	b := openBackups(t, filepath.Join(disk, "backups"), nil)
	if err := errors.Join(db.Put([]byte("a"), valueOf(1<<20), nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	want := familyRows(t, db)
	makeBackup(t, b, db, nil)
	if err := errors.Join(db.Put([]byte("b"), valueOf(4<<20), nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := b.Create(context.Background(), db, nil)
		expectError(t, "create", err, engine.ErrNoSpace, engine.ErrIO, syscall.ENOSPC)
		all, err := b.List(context.Background())
		if err != nil || len(all) != 1 {
			t.Errorf("%+v, %v", all, err)
		}
		if err := b.Verify(context.Background(), 1, nil); err != nil {
			t.Error(err)
		}
	}
	expectRestored(t, b, 1, want)
	err := b.Restore(context.Background(), 1, filepath.Join(disk, "restored"), nil)
	if err == nil {
		t.Error("restored 1 MiB to where none is")
		return
	}
	expectError(t, "restore", b.Restore(context.Background(), 1, filepath.Join(disk, "restored"), nil), engine.ErrIO)
	if entries, _ := os.ReadDir(disk); len(entries) != 1 {
		t.Errorf("a failed restore left %v", entries)
	}
	remount(0, "size=32m")
	expectRestored(t, b, makeBackup(t, b, db, nil).ID, familyRows(t, db))
}

// backupChild puts a number, makes a backup and says so, until it is killed. Every third time it purges.
func backupChild(args []string) {
	n, err := strconv.Atoi(args[2])
	must(err)
	db, err := engine.Open(args[0], nil)
	must(err)
	b, err := engine.OpenBackups(args[1], nil)
	must(err)
	for ; ; n++ {
		must(db.Put([]byte("n"), []byte(strconv.Itoa(n)), nil))
		must(db.Put(fmt.Appendf(nil, "row %d", n), valueOf(300<<10), nil))
		if n%2 == 0 {
			must(db.Flush())
		}
		made, err := b.Create(context.Background(), db, nil)
		must(err)
		fmt.Println(made.ID, n)
		if n%3 == 2 {
			must(b.Purge(context.Background(), 2))
		}
	}
}

// A process that makes backups is killed at random moments. What backups there are then is whole.
func TestAKilledBackupLeavesTheOthersGood(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	r, _ := seededRand(t, "backup.seed", *backupSeed)
	dir, folder := filepath.Join(t.TempDir(), "db"), filepath.Join(t.TempDir(), "backups")
	said := map[uint32]int{} // what each backup holds
	n := 0
	for range rounds {
		c := childCommand(t.Context(), t, "backup", dir, folder, strconv.Itoa(n))
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		newest := uint32(0)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			var id uint32
			if _, err := fmt.Sscan(lines.Text(), &id, &n); err != nil {
				t.Fatal(lines.Text())
			}
			if newest == 0 {
				go func(after time.Duration) {
					time.Sleep(after)
					c.Process.Kill()
				}(time.Duration(r.IntN(300)) * time.Millisecond)
			}
			said[id], newest = n, id
		}
		if err := c.Wait(); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("the child ended by itself: %v", err)
		}
		b := openBackups(t, folder, nil)
		all, err := b.List(context.Background())
		if err != nil || len(all) == 0 || all[len(all)-1].ID < newest {
			t.Fatalf("%+v, %v; backup %d was made", all, err, newest)
		}
		for _, one := range all {
			if err := errors.Join(one.Damaged, b.Verify(context.Background(), one.ID, nil)); err != nil {
				t.Errorf("backup %d: %v", one.ID, err)
			}
			if _, ok := said[one.ID]; !ok { // finished, but the child could not say so
				said[one.ID] = n + 1
			}
		}
		last := all[len(all)-1].ID
		to := filepath.Join(t.TempDir(), "restored")
		if err := b.Restore(context.Background(), 0, to, nil); err != nil {
			t.Fatal(err)
		}
		db := openDir(t, to, nil)
		if v, err := db.Get([]byte("n"), nil); string(v) != strconv.Itoa(said[last]) || err != nil {
			t.Errorf("backup %d holds %s, want %d: %v", last, v, said[last], err)
		}
		db.Close()
		n += 2
	}
}

// slowly opens a folder into which copying 150 KiB takes a while.
func slowly(t *testing.T) (db *engine.DB, folder string, b *engine.Backups) {
	t.Helper()
	db = openTemp(t, nil)
	if err := errors.Join(db.Put([]byte("a"), valueOf(150<<10), nil), db.Flush()); err != nil {
		t.Fatal(err)
	}
	folder = filepath.Join(t.TempDir(), "backups")
	makeBackup(t, openBackups(t, folder, nil), openTemp(t, nil), nil)
	return db, folder, openBackups(t, folder, &engine.BackupsOptions{CreateRate: 400 << 10, RestoreRate: 400 << 10})
}

func TestACancelledBackupIsRemoved(t *testing.T) {
	db, folder, b := slowly(t)
	before := listing(t, folder)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := b.Create(ctx, db, nil)
	expectError(t, "create", err, context.DeadlineExceeded)
	if err := b.Close(); err != nil { // it waits for what goes on behind
		t.Fatal(err)
	}
	if after := listing(t, folder); after != before {
		t.Errorf("the folder changed from\n%s\nto\n%s", before, after)
	}
	ended, end := context.WithCancel(context.Background())
	end()
	_, err = openBackups(t, folder, nil).Create(ended, db, nil)
	expectError(t, "create", err, context.Canceled)
}

func TestACancelledRestoreIsRemoved(t *testing.T) {
	db, folder, b := slowly(t)
	makeBackup(t, openBackups(t, folder, nil), db, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	to := t.TempDir()
	expectError(t, "restore", b.Restore(ctx, 0, filepath.Join(to, "new"), nil), context.DeadlineExceeded)
	expectError(t, "verify", b.Verify(ctx, 0, nil), context.DeadlineExceeded)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(to); len(entries) > 0 {
		t.Errorf("left: %v", entries)
	}
}

// A folder has one at a time that changes it, and readers keep changes away.
func TestAFolderOfBackupsIsLocked(t *testing.T) {
	db, folder, b := slowly(t)
	other := openBackups(t, folder, nil)
	ctx := context.Background()
	begun := make(chan struct{}, 100)
	done := make(chan error, 1)
	go func() {
		_, err := b.Create(ctx, db, &engine.BackupOptions{Progress: func(int64) { begun <- struct{}{} }})
		done <- err
	}()
	<-begun
	_, err := other.Create(ctx, db, nil)
	for what, err := range map[string]error{
		"create": err, "purge": other.Purge(ctx, 5), "delete": other.Delete(ctx, 1), "verify": other.Verify(ctx, 1, nil),
		"restore": other.Restore(ctx, 1, filepath.Join(t.TempDir(), "new"), nil), "same handle": b.Verify(ctx, 1, nil),
	} {
		expectError(t, what, err, engine.ErrLocked)
	}
	if all, err := other.List(ctx); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := other.Verify(ctx, 2, nil); err != nil {
		t.Error(err)
	}
}

func TestBackupsCloseWaitsForWhatIsInFlight(t *testing.T) {
	db, _, b := slowly(t)
	begun, done := make(chan struct{}, 100), make(chan error, 1)
	go func() {
		_, err := b.Create(context.Background(), db, &engine.BackupOptions{Progress: func(int64) { begun <- struct{}{} }})
		done <- err
	}()
	<-begun
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute): // the call has left the guard; only its return is waited for
		t.Error("Close did not wait")
	}
}
