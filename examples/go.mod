module github.com/rockbridge-db/rockbridge/examples

go 1.26

require github.com/rockbridge-db/rockbridge v0.0.0

replace github.com/rockbridge-db/rockbridge => ..
