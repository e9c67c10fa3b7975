//go:build linux && !untraced

package main

import _ "github.com/rockbridge-db/rockbridge/cgotrace"
