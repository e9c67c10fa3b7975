module github.com/rockbridge-db/rockbridge/server

go 1.26.0

require (
	github.com/rockbridge-db/rockbridge v0.0.0
	github.com/tidwall/redcon v1.6.4
)

require (
	github.com/tidwall/btree v1.1.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
)

replace github.com/rockbridge-db/rockbridge => ..
