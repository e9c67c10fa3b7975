package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fileSystemNames are the kinds of file systems by the numbers that Linux gives them.
var fileSystemNames = map[uint32]string{
	0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x2fc12fc1: "zfs", 0xf2f52010: "f2fs", 0xca451a4e: "bcachefs",
	0x794c7630: "overlay", 0x01021994: "tmpfs", 0x858458f6: "ramfs", 0x6969: "nfs", 0x65735546: "fuse", 0xff534d42: "cifs",
	0xfe534d42: "smb2", 0x517b: "smb", 0x01021997: "9p", 0x00c36400: "ceph", 0x47504653: "gpfs", 0x0bd00bd0: "lustre",
}

// lookAtFileSystem tells of the file system that path lies on.
func lookAtFileSystem(path string) (fileSystem, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return fileSystem{}, err
	}
	kind, known := fileSystemNames[uint32(st.Type)]
	if !known {
		kind = fmt.Sprintf("of type %#x", uint32(st.Type))
	}
	return fileSystem{
		kind: kind, readOnly: st.Flags&unix.ST_RDONLY != 0, free: st.Bavail * uint64(st.Bsize), size: st.Blocks * uint64(st.Bsize),
		inodes: st.Files, inodesFree: st.Ffree,
	}, nil
}
