// Package serial checks recorded histories of transactions with a checker that is not ours: porcupine. It is a module of its own, so
// that the checker weighs on nobody who imports the engine.
package serial
