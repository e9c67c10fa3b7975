/* sizes.c: histograms of the lengths of keys and values. */
#include "walk.h"

/* The bucket of a length: below 16 its own; above, 16 for each power of two. */
static size_t rb_size_bucket(uint64_t n) {
  if (n < RB_SIZE_STEPS) {
    return (size_t)n;
  }
  unsigned power = 63 - (unsigned)__builtin_clzll(n); /* at least 4 */
  size_t bucket = (power - 3) * (size_t)RB_SIZE_STEPS + (size_t)(n >> (power - 4)) - RB_SIZE_STEPS;
  return bucket < RB_SIZE_BUCKETS ? bucket : RB_SIZE_BUCKETS - 1;
}

static void rb_sizes_add(rb_sizes *h, uint64_t n) {
  h->least = h->count == 0 || n < h->least ? n : h->least;
  h->most = n > h->most ? n : h->most;
  h->count++;
  h->sum += n;
  h->buckets[rb_size_bucket(n)]++;
}

struct rb_sizing {
  rb_sizes *keys;
  rb_sizes *values;
};

static bool rb_size_row(void *state, const struct rb_view *row) {
  struct rb_sizing *s = state;
  rb_sizes_add(s->keys, row->klen);
  rb_sizes_add(s->values, row->vlen);
  return true;
}

rb_passed rb_iter_sizes(rb_iter *it, uint32_t move, rb_stretch s, rb_sizes *keys,
                        rb_sizes *values) {
  struct rb_sizing state = {keys, values};
  return rb_walk(it, move, s, rb_size_row, &state);
}
