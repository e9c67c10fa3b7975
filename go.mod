module github.com/rockbridge-db/rockbridge

go 1.26
