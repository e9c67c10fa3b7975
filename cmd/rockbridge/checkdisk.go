package main

import (
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fileSystem is what the file system of a database is like. inodes 0: it has no fixed number of them.
type fileSystem struct {
	kind               string
	readOnly           bool
	free, size         uint64 // bytes
	inodes, inodesFree uint64
}

// What may be wrong with a kind of file system.
var fileSystemDoubts = map[string]string{
	"tmpfs":   "it is memory, which a restart empties",
	"ramfs":   "it is memory, which a restart empties",
	"overlay": "it is a container's own layer, which goes with the container, and a synced write may cost more: use a volume",
	"nfs":     "locks and synced writes depend on the server, and a lost connection stops the program in the middle of a call",
	"cifs":    "locks and synced writes depend on the server, and files cannot be linked for checkpoints",
	"smb2":    "locks and synced writes depend on the server, and files cannot be linked for checkpoints",
	"smb":     "locks and synced writes depend on the server, and files cannot be linked for checkpoints",
	"9p":      "locks and synced writes depend on the host",
	"fuse":    "whether a synced write is on the disk depends on the program that serves it",
}

// checkDisk looks at the file system of dir, whose files take so many bytes, of which a memtable is flushed
// at a time.
func checkDisk(d *diagnosis, fsys fileSystem, used, memtable uint64) {
	if doubt, ok := fileSystemDoubts[fsys.kind]; ok {
		d.note("file system", "put the database on a local disk (ext4 and xfs are what RocksDB is used on most)", "%s: %s", fsys.kind, doubt)
	} else {
		d.ok("file system", "%s", fsys.kind)
	}
	if fsys.readOnly {
		d.wrong("mount", "mount it for writing (mount -o remount,rw); after an I/O error ext4 turns itself read-only: look at dmesg", "read-only: the database can be read only")
	} else {
		d.ok("mount", "for writing")
	}
	checkSpace(d, fsys, used, memtable)
	switch {
	case fsys.inodes == 0:
	case fsys.inodesFree < 100:
		d.wrong("inodes", "delete files, or make the file system anew with more inodes", "%d of %d are free: no new files can be made soon", fsys.inodesFree, fsys.inodes)
	case fsys.inodesFree < 10000 && fsys.inodesFree*20 < fsys.inodes:
		d.note("inodes", "delete files, or make the file system anew with more inodes", "%d of %d are free", fsys.inodesFree, fsys.inodes)
	default:
		d.ok("inodes", "%d free", fsys.inodesFree)
	}
}

func checkSpace(d *diagnosis, fsys fileSystem, used, memtable uint64) {
	const do = "free some: when it is full, writes fail until RocksDB can recover"
	switch {
	case fsys.free < 2*memtable:
		d.wrong("free space", do, "%s of %s, less than two memtables of %s", byteText(int64(fsys.free)), byteText(int64(fsys.size)), byteText(int64(memtable)))
	case fsys.free < used:
		d.note("free space", do, "%s of %s: a compaction of everything may need as much again as the database has, %s",
			byteText(int64(fsys.free)), byteText(int64(fsys.size)), byteText(int64(used)))
	default:
		d.ok("free space", "%s of %s; the database takes %s", byteText(int64(fsys.free)), byteText(int64(fsys.size)), byteText(int64(used)))
	}
}

// checkAccess looks whether this user may do with the folder and its files what RocksDB does.
func checkAccess(d *diagnosis, dir string) {
	const check = "permissions"
	const do = "run it as the owner, or change owner or mode (chown, chmod)"
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.R_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
		d.wrong(check, do, "the folder cannot be read: %v", err)
		return
	}
	unreadable, unwritable := "", ""
	err := eachFile(dir, func(name string, _ fs.FileInfo) {
		path := filepath.Join(dir, name)
		if unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS) != nil {
			unreadable = name
		} else if unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS) != nil && name == "LOCK" {
			unwritable = name
		}
	})
	folder := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK, unix.AT_EACCESS)
	switch {
	case err != nil:
		d.wrong(check, do, "the folder cannot be read: %v", err)
	case unreadable != "":
		d.wrong(check, do, "user %d may not read %s", os.Geteuid(), unreadable)
	case folder != nil:
		d.wrong(check, do, "user %d may not write to the folder: the database can be read only (%v)", os.Geteuid(), folder)
	case unwritable != "":
		d.wrong(check, do, "user %d may not write to %s: the database can be read only", os.Geteuid(), unwritable)
	default:
		d.ok(check, "user %d may read and write", os.Geteuid())
	}
}

// eachFile calls f for the plain files in dir; those that vanish meanwhile are left out.
func eachFile(dir string, f func(name string, info fs.FileInfo)) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			f(e.Name(), info)
		}
	}
	return nil
}
