/* iterate.h: iterators over a few short rows, in words: "b d f". */
#ifndef RB_CTEST_ITERATE_H
#define RB_CTEST_ITERATE_H

#include "fixture.h"

static uint8_t buf[4096]; /* what the fills go to */

static inline rb_iter_options options(uint32_t flags) {
  rb_iter_options o = {0};
  o.flags = flags;
  return o;
}

/* Gives the fixture an iterator; a NULL bound is absent. */
static inline void iterate(struct fixture *f, rb_iter_options o, const char *lower,
                           const char *upper) {
  rb_iter_free(f->it);
  f->it = NULL;
  o.has_lower = lower != NULL;
  o.has_upper = upper != NULL;
  rb_iter_result r =
      rb_iter_new(f->family, f->snap, o, U8(lower), lower == NULL ? 0 : strlen(lower), U8(upper),
                  upper == NULL ? 0 : strlen(upper));
  fx_ok(r.status);
  f->it = r.iter;
}

static inline void set_bounds(struct fixture *f, const char *lower, const char *upper) {
  fx_ok(rb_iter_set_bounds(f->it, lower != NULL, U8(lower), lower == NULL ? 0 : strlen(lower),
                           upper != NULL, U8(upper), upper == NULL ? 0 : strlen(upper)));
}

/* The bytes of row i of buf as text, "key=value", of a value that was cut after max bytes. */
static inline const char *row_cut(uint32_t i, size_t max) {
  static char text[256];
  uint32_t at, lengths[2];
  memcpy(&at, buf + sizeof buf - 4 * ((size_t)i + 1), 4);
  memcpy(lengths, buf + at, 8);
  if (lengths[1] > max) {
    lengths[1] = (uint32_t)max;
  }
  assert_true(lengths[0] + lengths[1] + 2 < sizeof text);
  memcpy(text, buf + at + 8, lengths[0]);
  text[lengths[0]] = '=';
  memcpy(text + lengths[0] + 1, buf + at + 8 + lengths[0], lengths[1]);
  text[lengths[0] + 1 + lengths[1]] = '\0';
  return text;
}

/* The same of a row whose value is whole. */
static inline const char *row(uint32_t i) { return row_cut(i, SIZE_MAX); }

/* Asserts that a move of up to max_rows rows delivers those of want ("a b c"), each with its key as
 * its value, and whether it ended. */
static inline void expect_rows(struct fixture *f, uint32_t move, const char *key, uint32_t max_rows,
                               const char *want, int end) {
  rb_fill r = rb_iter_fill(f->it, move, BYTES(key), buf, sizeof buf, max_rows);
  fx_ok(r.status);
  char got[256] = "";
  for (uint32_t i = 0; i < r.rows; i++) {
    const char *text = row(i);
    size_t n = strlen(text) / 2;
    assert_memory_equal(text, text + n + 1, n);
    snprintf(got + strlen(got), sizeof got - strlen(got), "%s%.*s", i == 0 ? "" : " ", (int)n,
             text);
  }
  assert_string_equal(got, want);
  assert_int_equal(r.end, end);
  assert_int_equal(r.need, 0);
}

enum { ALL = 1000 };

static inline int with_rows(void **state) {
  fx_new(state);
  struct fixture *f = *state;
  static const char *const keys[] = {"b", "d", "f", "h", "j"};
  for (size_t i = 0; i < 5; i++) {
    fx_put(f->family, keys[i], keys[i]);
    if (i == 2) {
      fx_flush(f);
    }
  }
  return 0;
}

#endif
