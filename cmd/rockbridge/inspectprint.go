package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
)

// print writes the tables of inspect.
func (v *inspection) print(out io.Writer, keys string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "database\t%s\n", v.Dir)
	fmt.Fprintf(w, "RocksDB\t%s, the options are written by %s\n", v.RocksDB, v.Writer)
	fmt.Fprintf(w, "manifest\t%s\n", v.Manifest)
	fmt.Fprintf(w, "sequence\t%d\n\n", v.Sequence)

	fmt.Fprintln(w, "family\trows (estimate)\tlive data\tin memory\tblob files\tblobs")
	for _, f := range v.Families {
		fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%d\t%s\n", f.Name, f.Rows, byteText(f.Data), f.Memtable, f.BlobFiles, byteText(f.BlobBytes))
	}
	fmt.Fprintln(w)
	v.printLevels(w, keys)
	v.printFiles(w, keys)
	return w.Flush() // tells the first error of the writes above
}

const countsHead = "size\tentries\ttombstones\tof ranges\tdensity\t"

func (c *counts) String() string {
	return fmt.Sprintf("%s\t%d\t%d\t%d\t%.1f%%\t", byteText(c.Bytes), c.Entries, c.Tombstones, c.RangeTombstones, 100*c.Density)
}

func (v *inspection) printLevels(w io.Writer, keys string) {
	fmt.Fprintln(w, "family\tlevel\tfiles\t"+countsHead+"smallest\tlargest")
	var sum counts
	files := 0
	for _, f := range v.Families {
		for _, l := range f.Levels {
			fmt.Fprintf(w, "%s\t%d\t%d\t%s%s\t%s\n", f.Name, l.Level, l.Files, &l.counts,
				keyText(l.smallest, keys), keyText(l.largest, keys))
			sum.add(l.counts)
			files += l.Files
		}
	}
	fmt.Fprintf(w, "all\t\t%d\t%s\t\n", files, &sum)
}

func (v *inspection) printFiles(w io.Writer, keys string) {
	if len(v.Files) == 0 {
		return
	}
	fmt.Fprintln(w, "\nfile\tfamily\tlevel\t"+countsHead+"sequences\tcompression\tsmallest\tlargest")
	for _, f := range v.Files {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s%d-%d\t%s\t%s\t%s\n", f.Name, f.Family, f.Level, &f.counts, f.FirstSeq, f.LastSeq,
			f.Compression, keyText(f.smallest, keys), keyText(f.largest, keys))
	}
	if v.Hidden > 0 {
		fmt.Fprintf(w, "%d more\n", v.Hidden)
	}
	for _, f := range v.Files {
		if f.Problem != "" {
			fmt.Fprintf(w, "\n%s: its properties cannot be read: %s\n", f.Name, f.Problem)
		}
	}
}

// writerVersion is the version of the RocksDB that wrote the newest OPTIONS file; empty if there is none.
func writerVersion(dir string) string {
	files, _ := filepath.Glob(filepath.Join(dir, "OPTIONS-*")) // fails over a bad pattern only
	newest, best := "", uint64(0)
	for _, file := range files {
		n, err := strconv.ParseUint(strings.TrimPrefix(filepath.Base(file), "OPTIONS-"), 10, 64)
		if err == nil && n >= best {
			newest, best = file, n
		}
	}
	f, err := os.Open(newest)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if version, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "rocksdb_version="); ok {
			return version
		}
	}
	return ""
}
