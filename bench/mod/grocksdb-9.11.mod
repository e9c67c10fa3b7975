// For the program of peer/grocksdb with RocksDB 9.11: see launch/grocksdb.go.
module github.com/rockbridge-db/rockbridge/bench

go 1.26.0

require (
	github.com/linxGnu/grocksdb v1.9.9
	github.com/rockbridge-db/rockbridge v0.0.0
)

replace github.com/rockbridge-db/rockbridge => ..
