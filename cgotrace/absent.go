// Copyright 2026 The rockbridge authors
// SPDX-License-Identifier: Apache-2.0

//go:build !(cgo && linux && (amd64 || arm64) && !rb_nobacktrace)

package cgotrace

const supported = false
