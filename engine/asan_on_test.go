//go:build asan

package engine_test

// addressSanitizer tells that this binary was built with it.
const addressSanitizer = true
