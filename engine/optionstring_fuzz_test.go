package engine

import (
	"errors"
	"strings"
	"testing"

	"github.com/rockbridge-db/rockbridge/cbridge"
)

// FuzzOptionStrings gives RocksDB option strings of any bytes, which it parses: what the checks before it let through is
// taken, or refused with a code.
func FuzzOptionStrings(f *testing.F) {
	for _, text := range []string{
		"", ";", "=", "max_open_files=100", "max_open_files=100;max_background_jobs=3;", "write_buffer_size=64M;ttl=777",
		"block_based_table_factory={block_size=4K;filter_policy=bloomfilter:10:false}", "compression=kZSTD;compression_opts={level=3}",
		"block_based_table_factory.block_size=8192", "prefix_extractor=rocksdb.FixedPrefix.4", "comparator=x", "a={b={c={d=1}}}", "a={", "a=}{",
		"max_bytes_for_level_multiplier_additional=1:2:3", "compaction_options_fifo={max_table_files_size=1;allow_compaction=true}", "num_levels=7",
		"memtable=skip_list:16", "memtable={id=vector;count=10}", "bottommost_compression=", "level0_file_num_compaction_trigger=99999999999999999999",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 || validateExtra("Extra", text) != nil || refuseArena(0, text) != "" {
			return
		}
		if strings.Contains(text, "db_host_id") || strings.Contains(text, "wal_dir") || strings.Contains(text, "db_log_dir") || strings.Contains(text, "env") {
			return // what they name is of the machine
		}
		plan, err := cbridge.NewPlan(t.TempDir(), cbridge.DBOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer plan.Free()
		for _, err := range []error{plan.Extra(text), plan.Family("default", cbridge.FamilyOptions{}, text), plan.Family("f", cbridge.FamilyOptions{}, text)} {
			if err != nil && !errors.Is(err, ErrInvalidArgument) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrNotFound) {
				t.Fatalf("%q: %v", text, err)
			}
		}
	})
}
