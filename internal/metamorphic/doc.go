// Package metamorphic has lists of operations on a database as data: they are made at random, written as text, read back
// and made smaller while a fault still shows. What they mean is up to whoever carries them out: package engine's tests
// do, in many ways that must all answer the same. Every part of a list is a list of its own that means something, so
// that a reduced one is never refused.
package metamorphic
