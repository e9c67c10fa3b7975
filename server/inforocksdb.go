package server

// infoRocksDB is what the engine tells of itself that Redis has no names for.
func infoRocksDB(s *Server) string {
	m, err := s.db.Metrics()
	if err != nil {
		return ""
	}
	f := m.Families["default"]
	return lines("estimated_keys", f.Keys, "memtable_bytes", m.Memory.Memtables, "block_cache_bytes", m.Memory.BlockCache,
		"sync_mode", s.conf.sync())
}
