package engine_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// listing names the files under dir with their sizes, one a line; "" if there is no dir.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if info, err := e.Info(); err == nil && !e.IsDir() {
			fmt.Fprintln(&out, rel, info.Size())
		} else {
			fmt.Fprintln(&out, rel)
		}
		return nil
	})
	return out.String()
}
