module github.com/rockbridge-db/rockbridge/cmd/rockbridge

go 1.26.0

require (
	github.com/klauspost/compress v1.20.3
	github.com/rockbridge-db/rockbridge v0.0.0
	github.com/rockbridge-db/rockbridge/server v0.0.0
	github.com/schollz/progressbar/v3 v3.19.1
	github.com/spf13/cobra v1.10.2
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
)

require (
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/tidwall/btree v1.1.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/redcon v1.6.4 // indirect
)

replace (
	github.com/rockbridge-db/rockbridge => ../..
	github.com/rockbridge-db/rockbridge/server => ../../server
)
