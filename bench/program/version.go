package program

import "runtime/debug"

// ModuleVersion gives the version of a module that the program was built from, "unknown" if it has none of it.
func ModuleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return "unknown"
}
