package engine

// CommitMode says how the commits of many goroutines become writes of RocksDB. In every mode a commit is
// atomic, is seen by every read that begins after it has returned, and, with WriteOptions.Sync, is on
// disk before it returns; and what one goroutine commits after the other is in that order.
type CommitMode uint8

// The modes. In the first two, commits that would have to wait for others gather meanwhile and are
// written together, up to 1 MiB or 4,096 commits: one call into C, one record of the log and, for those
// with Sync, one sync for all of them. Each was checked before, so that a bad one fails alone; what
// RocksDB itself answers concerns all that were written together. Commits with equal Sync and DisableWAL
// are written together; those with NoSlowdown or LowPriority go by themselves in every mode.
const (
	// CommitGrouped, the default, syncs each group with its write. Rows are not read before they are
	// durable.
	CommitGrouped CommitMode = iota
	// CommitPipelined writes a group unsynced and lets one sync of the log serve all the groups that
	// wait for one. So a row may be read a moment before it is durable: its commit has not returned then.
	// It was built to be compared, and costs more processor time than CommitGrouped.
	CommitPipelined
	// CommitAlone makes one call into C for each commit and leaves grouping to RocksDB. No more commits
	// than a quarter of Options.Gate are in C at once.
	CommitAlone
)

func (m CommitMode) validate() error {
	if m > CommitAlone {
		return invalid("open", "unknown CommitMode "+utoa(uint32(m)))
	}
	return nil
}
