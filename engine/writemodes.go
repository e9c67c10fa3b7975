package engine

import "strings"

// writeModes are the modes of writing as option strings, which stand before Options.Extra.
func (o *Options) writeModes() string {
	var modes []string
	if o.PipelinedWrite {
		modes = append(modes, "enable_pipelined_write=true")
	}
	if o.UnorderedWrite {
		modes = append(modes, "unordered_write=true")
	}
	return strings.Join(modes, ";")
}

// validateModes refuses modes that contradict each other, whether a field or Extra asks for them. Of
// some RocksDB would open the database and then refuse every write.
func (o *Options) validateModes() error {
	settings := settingsOf(o.writeModes(), o.Extra)
	on := func(name string) bool { return isTrue(settings[name]) }
	switch {
	case on("enable_pipelined_write") && on("unordered_write"):
		return invalid("open", "PipelinedWrite (enable_pipelined_write) and UnorderedWrite (unordered_write) exclude each other")
	case on("enable_pipelined_write") && on("atomic_flush"):
		return invalid("open", "PipelinedWrite (enable_pipelined_write) and atomic_flush exclude each other")
	case on("two_write_queues") && (on("enable_pipelined_write") || on("unordered_write")):
		return invalid("open", "two_write_queues excludes PipelinedWrite and UnorderedWrite")
	case on("unordered_write") && settings["allow_concurrent_memtable_write"] != "" && !on("allow_concurrent_memtable_write"):
		return invalid("open", "UnorderedWrite (unordered_write) needs allow_concurrent_memtable_write")
	}
	return nil
}

// offByName tells whether an option is switched off.
func offByName(extra, name string) bool {
	value := settingsOf(extra)[name]
	return value == "false" || value == "0"
}

// settingsOf are the settings of option strings; of two with one name the last counts.
func settingsOf(extras ...string) map[string]string {
	m := map[string]string{}
	for _, extra := range extras {
		for s := range strings.SplitSeq(extra, ";") {
			if name, value, ok := strings.Cut(s, "="); ok {
				m[strings.TrimSpace(name)] = strings.TrimSpace(value)
			}
		}
	}
	return m
}

// isTrue reads a boolean as RocksDB does.
func isTrue(s string) bool { return s == "true" || s == "1" }
