package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
)

// importerName is the program that reads other stores. It is of a module of its own, so that this one does without their libraries.
const importerName = "rockbridge-import"

// foreignImport are the flags of import that it takes.
type foreignImport struct {
	from, buckets, separator string
	verify, keepTTL          bool
}

// foreignFlags are those that make sense with --from only.
var foreignFlags = []string{"verify", "buckets", "separator", "keep-ttl"}

func (f *foreignImport) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.from, "from", "", "read another store instead: pebble, bbolt, badger or leveldb; the arguments are SRC DST then")
	cmd.Flags().BoolVar(&f.verify, "verify", false, "with --from: read both sides again and compare them")
	cmd.Flags().StringVar(&f.buckets, "buckets", "families", "with --from bbolt: what buckets become, families or prefix")
	cmd.Flags().StringVar(&f.separator, "separator", "00", "with --buckets prefix: what ends a bucket's name, in hexadecimal")
	cmd.Flags().BoolVar(&f.keepTTL, "keep-ttl", false, "with --from badger: keep the times of expiry")
}

// check refuses flags that the other kind of import takes.
func (f *foreignImport) check(cmd *cobra.Command) error {
	for _, name := range foreignFlags {
		if f.from == "" && cmd.Flags().Changed(name) {
			return usagef("--%s needs --from", name)
		}
	}
	for _, name := range []string{"sync", "resume", "family", "hex"} {
		if f.from != "" && cmd.Flags().Changed(name) {
			return usagef("--%s is of no use with --from", name)
		}
	}
	return nil
}

// run becomes the other program, whose exit codes are the same.
func (f *foreignImport) run(src, dst string) error {
	program, err := findImporter()
	if err != nil {
		return err
	}
	args := []string{
		importerName, "--from", f.from, "--buckets", f.buckets, "--separator", f.separator,
		fmt.Sprintf("--verify=%t", f.verify), fmt.Sprintf("--keep-ttl=%t", f.keepTTL),
		asPath(src), asPath(dst),
	}
	return fmt.Errorf("%s: %w", program, syscall.Exec(program, args, os.Environ()))
}

// asPath keeps a path from being taken for a flag.
func asPath(path string) string {
	if len(path) > 0 && path[0] == '-' {
		return "." + string(filepath.Separator) + path
	}
	return path
}

// findImporter looks beside this program, and then where programs are.
func findImporter() (string, error) {
	if own, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(own), importerName)
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return beside, nil
		}
	}
	program, err := exec.LookPath(importerName)
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("--from needs the program %s, which is built in migrate/: docs/migrate.md", importerName)
	}
	return program, err
}
