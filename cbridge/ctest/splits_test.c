/* splits_test.c: keys that divide a range. */
/* link: -Wl,--wrap=malloc -Wl,--wrap=realloc */
#include "fixture.h"

static int left = -1; /* allocations of the glue's that succeed; -1: all */

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) {
  if (left >= 0 && left-- == 0) {
    left = 0;
    return NULL;
  }
  return __real_malloc(n);
}

void *__real_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_realloc(void *p, size_t n) {
  if (left >= 0 && left-- == 0) {
    left = 0;
    return NULL;
  }
  return __real_realloc(p, n);
}

static const rb_iter_options all = {0};

static rb_keys split(struct fixture *f, uint32_t n) {
  return rb_split_keys(f->family, NULL, all, NULL, 0, NULL, 0, n);
}

static void fill(struct fixture *f, int rows) {
  for (int i = 0; i < rows; i++) {
    char key[32], value[64] = {0};
    snprintf(key, sizeof key, "key%06d", i);
    memset(value, 'v', sizeof value - 1);
    fx_put(f->family, key, value);
  }
}

/* Expects count keys, ascending, of rows, and gives the number in the first. */
static int expect(rb_keys k, uint64_t count) {
  fx_ok(k.status);
  assert_int_equal(k.count, count);
  int first = -1, before = -1;
  const uint8_t *at = k.data;
  for (uint64_t i = 0; i < k.count; i++) {
    uint64_t len;
    char digits[8] = {0};
    memcpy(&len, at, sizeof len);
    assert_int_equal(len, 9);
    memcpy(digits, at + sizeof len + 3, 6);
    int number = atoi(digits);
    assert_true(number > before);
    first = i == 0 ? number : first;
    before = number;
    at += sizeof len + len;
  }
  assert_int_equal(at - k.data, k.len);
  rb_free(k.data);
  return first;
}

static void where_there_are_no_two_rows_there_is_no_key(void **state) {
  struct fixture *f = *state;
  expect(split(f, 4), 0);
  fx_put(f->family, "key000000", "");
  expect(split(f, 4), 0);
  fx_put(f->family, "key000001", "");
  assert_int_equal(expect(split(f, 2), 1), 1);
  expect(split(f, 1), 0);
}

static void rows_in_memtables_are_divided_too(void **state) {
  struct fixture *f = *state;
  fill(f, 1000);
  expect(split(f, 2), 1);
  expect(split(f, 4), 3);
}

static void files_are_divided_by_size(void **state) {
  struct fixture *f = *state;
  fill(f, 10000);
  fx_flush(f);
  assert_in_range(expect(split(f, 2), 1), 4000, 6000);
  assert_in_range(expect(split(f, 4), 3), 2000, 3000);
  rb_keys k = rb_split_keys(f->family, NULL, (rb_iter_options){.has_lower = 1, .has_upper = 1},
                            BYTES("key004000"), BYTES("key008000"), 2);
  assert_in_range(expect(k, 1), 5000, 7000);
}

static void keys_may_be_long_and_empty(void **state) {
  struct fixture *f = *state;
  enum { LONG = 100000 };
  uint8_t *key = calloc(1, LONG);
  assert_non_null(key);
  fx_put(f->family, "", "value");
  for (size_t n = 1; n <= LONG; n *= 10) {
    fx_ok(rb_apply(f->family, RB_PUT, 0, key, n, U8("v"), 1));
  }
  fx_flush(f);
  rb_keys k = split(f, 3);
  fx_ok(k.status);
  assert_true(k.count <= 2);
  rb_free(k.data);
  free(key);
}

static void a_lack_of_memory_is_told(void **state) {
  struct fixture *f = *state;
  fill(f, 1000);
  fx_flush(f);
  int failed = 0;
  for (int n = 0; n < 40; n++) {
    left = n;
    rb_keys k = split(f, 4);
    left = -1;
    if (k.status.code == RB_OK) {
      rb_free(k.data);
      continue;
    }
    failed++;
    assert_int_equal(k.status.code, RB_NO_MEMORY);
    rb_free(k.status.msg);
    assert_null(k.data);
    assert_int_equal(k.count, 0);
  }
  assert_in_range(failed, 6, 40);
}

static void wrong_options_are_told(void **state) {
  struct fixture *f = *state;
  rb_iter_options o = {0};
  o.flags = RB_READ_ASYNC_IO;
  rb_keys k = rb_split_keys(f->family, NULL, o, NULL, 0, NULL, 0, 2);
  if (k.status.code != RB_OK) {
    assert_int_equal(k.status.code, RB_UNSUPPORTED);
  }
  assert_null(k.data);
  rb_free(k.status.msg);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(where_there_are_no_two_rows_there_is_no_key),
      CASE(rows_in_memtables_are_divided_too),
      CASE(files_are_divided_by_size),
      CASE(keys_may_be_long_and_empty),
      CASE(a_lack_of_memory_is_told),
      CASE(wrong_options_are_told),
  };
  return cmocka_run_group_tests_name("splits", tests, NULL, NULL);
}
