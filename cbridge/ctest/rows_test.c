/* rows_test.c: the layout of rows in a buffer, against a model that only adds sizes up. */
#include "fixture.h"

/* gcc follows lengths that are refused into the copy. */
#ifndef __clang__
#pragma GCC diagnostic ignored "-Warray-bounds"
#pragma GCC diagnostic ignored "-Wstringop-overread"
#endif

#include "rows.h"

enum { GUARD = 16, FILLER = 0xA5 };

/* A buffer of exactly cap bytes between guards. */
struct area {
  uint8_t *memory;
  struct rb_rows rows;
};

static struct area area_new(size_t cap) {
  struct area a = {malloc(cap + 2 * GUARD), {NULL, cap, 0, 0}};
  assert_non_null(a.memory);
  memset(a.memory, FILLER, cap + 2 * GUARD);
  a.rows.buf = a.memory + GUARD;
  return a;
}

static void area_free(struct area *a) {
  for (size_t i = 0; i < GUARD; i++) {
    assert_int_equal(a->memory[i], FILLER);
    assert_int_equal(a->rows.buf[a->rows.cap + i], FILLER);
  }
  free(a->memory);
}

static uint32_t u32(const uint8_t *p) {
  uint32_t n;
  memcpy(&n, p, sizeof n);
  return n;
}

/* Asserts that row i lies at the offset, with key and value as given. */
static void expect_row(const struct rb_rows *r, uint32_t i, uint32_t offset, const uint8_t *key,
                       size_t klen, const uint8_t *value, size_t vlen) {
  assert_int_equal(u32(r->buf + r->cap - (size_t)4 * (i + 1)), offset);
  assert_int_equal(u32(r->buf + offset), klen);
  assert_int_equal(u32(r->buf + offset + 4), vlen);
  if (klen > 0) {
    assert_memory_equal(r->buf + offset + 8, key, klen);
  }
  if (vlen > 0) {
    assert_memory_equal(r->buf + offset + 8 + klen, value, vlen);
  }
}

static void a_row_that_fits_exactly_is_appended(void **state) {
  (void)state;
  size_t need = (size_t)rb_rows_need(3, 5);
  assert_int_equal(need, 3 + 5 + 8 + 4);
  struct area a = area_new(need);
  assert_true(rb_rows_append(&a.rows, "key", 3, "value", 5));
  assert_int_equal(a.rows.count, 1);
  assert_int_equal(a.rows.used, need - 4);
  expect_row(&a.rows, 0, 0, U8("key"), 3, U8("value"), 5);
  area_free(&a);
}

static void a_row_one_byte_too_long_writes_nothing(void **state) {
  (void)state;
  size_t cap = (size_t)rb_rows_need(3, 5) - 1;
  struct area a = area_new(cap);
  assert_false(rb_rows_append(&a.rows, "key", 3, "value", 5));
  assert_int_equal(a.rows.count, 0);
  assert_int_equal(a.rows.used, 0);
  for (size_t i = 0; i < cap; i++) {
    assert_int_equal(a.rows.buf[i], FILLER);
  }
  area_free(&a);
}

static void empty_keys_and_values_are_rows(void **state) {
  (void)state;
  struct area a = area_new(3 * RB_ROW_OVERHEAD + 2);
  assert_true(rb_rows_append(&a.rows, NULL, 0, NULL, 0));
  assert_true(rb_rows_append(&a.rows, "k", 1, NULL, 0));
  assert_true(rb_rows_append(&a.rows, NULL, 0, "v", 1));
  assert_false(rb_rows_append(&a.rows, NULL, 0, NULL, 0));
  expect_row(&a.rows, 0, 0, NULL, 0, NULL, 0);
  expect_row(&a.rows, 1, 8, U8("k"), 1, NULL, 0);
  expect_row(&a.rows, 2, 17, NULL, 0, U8("v"), 1);
  area_free(&a);
}

static void no_buffer_takes_no_row(void **state) {
  (void)state;
  struct rb_rows r = {NULL, 0, 0, 0};
  assert_false(rb_rows_append(&r, NULL, 0, NULL, 0));
  assert_int_equal(r.count, 0);
}

static void lengths_that_would_wrap_do_not_fit(void **state) {
  (void)state;
  struct area a = area_new(64);
  volatile size_t huge = UINT32_MAX; /* or the compiler warns of the copy that must not happen */
  assert_false(rb_rows_append(&a.rows, "k", huge, "v", huge));
  assert_int_equal(a.rows.count, 0);
  assert_true(rb_rows_need(UINT32_MAX, UINT32_MAX) > UINT32_MAX);
  area_free(&a);
}

static void an_offset_beyond_32_bits_does_not_fit(void **state) {
  (void)state;
  /* No such buffer is needed: the row is refused before anything is touched. */
  struct rb_rows r = {NULL, SIZE_MAX / 2, (size_t)UINT32_MAX + 1, 1};
  assert_false(rb_rows_append(&r, "k", 1, "v", 1));
  assert_int_equal(r.count, 1);
}

/* What the model remembers of a row that it let in. */
struct expected {
  uint32_t offset;
  uint8_t bytes[24];
  size_t klen, vlen;
};

static void rows_and_their_table_never_meet_at_any_capacity(void **state) {
  (void)state;
  uint64_t seed = 20150907;
  for (size_t cap = 0; cap <= 300; cap++) {
    for (int round = 0; round < 20; round++) {
      struct area a = area_new(cap);
      struct expected model[32];
      size_t used = 0, count = 0;
      for (int tries = 0; tries < 40; tries++) {
        struct expected e = {(uint32_t)used, {0}, fx_random(&seed) % 12, fx_random(&seed) % 12};
        for (size_t i = 0; i < sizeof e.bytes; i++) {
          e.bytes[i] = (uint8_t)fx_random(&seed);
        }
        bool fits = used + 8 + e.klen + e.vlen + 4 * (count + 1) <= cap;
        assert_int_equal(rb_rows_append(&a.rows, e.bytes, e.klen, e.bytes + e.klen, e.vlen), fits);
        if (fits) {
          model[count++] = e;
          used += 8 + e.klen + e.vlen;
        }
        assert_int_equal(a.rows.count, count);
        assert_int_equal(a.rows.used, used);
      }
      for (uint32_t i = 0; i < count; i++) {
        const struct expected *e = &model[i];
        expect_row(&a.rows, i, e->offset, e->bytes, e->klen, e->bytes + e->klen, e->vlen);
      }
      area_free(&a);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_row_that_fits_exactly_is_appended),
      cmocka_unit_test(a_row_one_byte_too_long_writes_nothing),
      cmocka_unit_test(empty_keys_and_values_are_rows),
      cmocka_unit_test(no_buffer_takes_no_row),
      cmocka_unit_test(lengths_that_would_wrap_do_not_fit),
      cmocka_unit_test(an_offset_beyond_32_bits_does_not_fit),
      cmocka_unit_test(rows_and_their_table_never_meet_at_any_capacity),
  };
  return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
