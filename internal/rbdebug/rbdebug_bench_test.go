package rbdebug

import "testing"

func BenchmarkLend(b *testing.B) {
	v := make([]byte, 100)
	for b.Loop() {
		Lend(v, "x").Expire()
	}
}

func BenchmarkEnter(b *testing.B) {
	h := new(int)
	for b.Loop() {
		Enter(h, "x", "", Stack{})()
	}
}
