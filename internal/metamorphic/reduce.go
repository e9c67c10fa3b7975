package metamorphic

import "slices"

// Reduce makes a failing list smaller while it still fails: it leaves out parts of it, from halves down to single
// operations, then makes the operations that are left simpler, and begins anew until nothing helps or fails was asked
// tries times. fails reports whether a list shows the fault; it is asked about list itself first, and a list that does
// not fail comes back as it is.
func Reduce(list []Op, tries int, fails func([]Op) bool) []Op {
	r := reducer{list: slices.Clone(list), left: tries, fails: fails}
	if !r.try(r.list) {
		return list
	}
	for before := -1; before != r.cuts && r.left > 0; {
		before = r.cuts
		r.leaveOut()
		r.simplify()
	}
	return r.list
}

type reducer struct {
	list  []Op
	left  int
	cuts  int // successes
	fails func([]Op) bool
}

// try keeps the candidate if it fails too.
func (r *reducer) try(candidate []Op) bool {
	if r.left <= 0 {
		return false
	}
	r.left--
	if !r.fails(candidate) {
		return false
	}
	r.list = candidate
	r.cuts++
	return true
}

// leaveOut tries to do without parts, from the end on: what stands last is most often not needed.
func (r *reducer) leaveOut() {
	for size := (len(r.list) + 1) / 2; size > 0; size /= 2 {
		for end := len(r.list); end > 0 && r.left > 0; end -= size {
			start := max(0, end-size)
			r.try(slices.Concat(r.list[:start], r.list[end:]))
		}
	}
}

// simplify tries simpler forms of each operation, as long as one is found.
func (r *reducer) simplify() {
	for i := range r.list {
		for again := true; again && r.left > 0; {
			again = false
			for _, simpler := range r.list[i].simpler() {
				candidate := slices.Clone(r.list)
				candidate[i] = simpler
				if r.try(candidate) {
					again = true
					break
				}
			}
		}
	}
}

// simpler gives forms of the operation with one thing less, the greatest steps first.
func (o Op) simpler() (out []Op) {
	with := func(change func(o *Op)) {
		c := o
		change(&c)
		if c.String() != o.String() {
			out = append(out, c)
		}
	}
	for size := len(o.Records) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(o.Records); at += size {
			with(func(o *Op) { o.Records = slices.Concat(o.Records[:at], o.Records[at+size:]) })
		}
	}
	for size := len(o.Keys) / 2; size > 0; size /= 2 {
		for at := 0; at+size <= len(o.Keys); at += size {
			with(func(o *Op) { o.Keys = slices.Concat(o.Keys[:at], o.Keys[at+size:]) })
		}
	}
	with(func(o *Op) { o.Range = Range{} })
	with(func(o *Op) { o.Lower = nil })
	with(func(o *Op) { o.Upper = nil })
	with(func(o *Op) { o.Prefix = nil })
	with(func(o *Op) { o.Filter = 0 })
	with(func(o *Op) { o.Cut, o.KeysOnly = 0, false })
	with(func(o *Op) { o.Limit = 0 })
	with(func(o *Op) { o.Back = false })
	with(func(o *Op) { o.On = "" })
	with(func(o *Op) {
		if o.Do == "batch" || o.Do == "commit" || len(o.Key) > 0 && o.Do != "move" && o.Do != "atomic" {
			o.How = "" // how it is written
		}
	})
	with(func(o *Op) { o.N = min(o.N, 1) })
	with(func(o *Op) { o.N /= 2 })
	for _, most := range []int{0, 8, 1000} {
		with(func(o *Op) { o.Value.Len = min(o.Value.Len, most) })
	}
	with(func(o *Op) { o.Value.Seed = min(o.Value.Seed, 1) })
	return out
}
