module github.com/rockbridge-db/rockbridge/serial

go 1.26

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/rockbridge-db/rockbridge v0.0.0
)

replace github.com/rockbridge-db/rockbridge => ..
