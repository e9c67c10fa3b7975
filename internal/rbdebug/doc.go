// Package rbdebug is what the debug build, "go build -tags rbdebug", is made of: stacks of where handles
// were made, goroutines that meet inside one handle, memory that expires, and the panic that names a
// misuse.
//
// Whoever calls it does so under "if rbdebug.On", which the compiler leaves out of other builds, and
// keeps what it needs in a State, which takes no room there.
package rbdebug
