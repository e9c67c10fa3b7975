package server

// Directives are all that a configuration file may have.
func Directives() (names []string) {
	for name := range fileDirectives {
		names = append(names, name)
	}
	for _, d := range directives {
		if d.set != nil {
			names = append(names, d.name)
		}
	}
	return names
}

func KnowsDirective(name string) bool {
	for _, n := range Directives() {
		if n == name {
			return true
		}
	}
	return false
}
