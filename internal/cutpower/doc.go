// Package cutpower ends a mounted file system as a power cut does, for tests of what is left.
package cutpower
