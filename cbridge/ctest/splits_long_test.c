/* splits_long_test.c: ranges whose rows have longer keys in between than at their ends, and sizes
 * that cannot be had. */
/* link: -Wl,--wrap=rocksdb_approximate_sizes_cf */
#include "fixture.h"

#include "later.h"

/* The call for sizes that fails, counted from 1; 0: none. */
static unsigned countdown;
static unsigned asked;
static bool by_flags;
static int flags_expected = RB_SIZE_MEMTABLES | RB_SIZE_FILES;

void __real_rocksdb_approximate_sizes_cf(rocksdb_t *db, rocksdb_column_family_handle_t *h, int n,
                                         const char *const *start, const size_t *start_len,
                                         const char *const *limit, const size_t *limit_len,
                                         uint64_t *sizes, char **err);
void __wrap_rocksdb_approximate_sizes_cf(rocksdb_t *db, rocksdb_column_family_handle_t *h, int n,
                                         const char *const *start, const size_t *start_len,
                                         const char *const *limit, const size_t *limit_len,
                                         uint64_t *sizes, char **err);
void __wrap_rocksdb_approximate_sizes_cf(rocksdb_t *db, rocksdb_column_family_handle_t *h, int n,
                                         const char *const *start, const size_t *start_len,
                                         const char *const *limit, const size_t *limit_len,
                                         uint64_t *sizes, char **err) {
  asked++;
  if (countdown > 0 && --countdown == 0) {
    *err = strdup("IO error: planted");
    return;
  }
  __real_rocksdb_approximate_sizes_cf(db, h, n, start, start_len, limit, limit_len, sizes, err);
}

/* RocksDB has it from 9.5 on; here the glue finds it under any version. */
void rocksdb_approximate_sizes_cf_with_flags(rocksdb_t *db, rocksdb_column_family_handle_t *h,
                                             int n, const char *const *start,
                                             const size_t *start_len, const char *const *limit,
                                             const size_t *limit_len, uint8_t flags,
                                             uint64_t *sizes, char **err) {
  assert_int_equal(flags, flags_expected);
  by_flags = true;
  __wrap_rocksdb_approximate_sizes_cf(db, h, n, start, start_len, limit, limit_len, sizes, err);
}

static rb_keys split(struct fixture *f, uint32_t n) {
  return rb_split_keys(f->family, NULL, (rb_iter_options){0}, NULL, 0, NULL, 0, n);
}

/* Between "a" and "z" lie rows that begin with so many equal bytes. */
static void fill(struct fixture *f, size_t same) {
  char *key = malloc(same + 16), value[256];
  assert_non_null(key);
  memset(value, 'v', sizeof value);
  memset(key, 'm', same);
  fx_put(f->family, "a", "first");
  fx_put(f->family, "z", "last");
  for (int i = 0; i < 2000; i++) {
    int n = snprintf(key + same, 16, "%05d", i);
    fx_ok(rb_apply(f->family, RB_PUT, 0, U8(key), same + (size_t)n, U8(value), sizeof value));
  }
  free(key);
  fx_flush(f);
}

/* The keys are ones of rows, and ascend, however long they are. */
static void long_keys_in_between_are_found(void **state) {
  struct fixture *f = *state;
  static const size_t lengths[] = {10, 70, 80, 85, 200, 2000};
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    fx_ok(rb_apply(f->family, RB_DELETE_RANGE, 0, BYTES("a"), BYTES("zz")));
    fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
    fill(f, lengths[i]);
    rb_keys k = split(f, 8);
    fx_ok(k.status);
    assert_true(k.count <= 7);
    const uint8_t *at = k.data, *before = U8("a");
    uint64_t before_len = 1;
    for (uint64_t n = 0; n < k.count; n++) {
      uint64_t len;
      memcpy(&len, at, sizeof len);
      at += sizeof len;
      fx_ok(rb_has(f->family, NULL, 0, 0, at, (size_t)len));
      size_t least = (size_t)(len < before_len ? len : before_len);
      int c = memcmp(before, at, least);
      assert_true(c < 0 || (c == 0 && before_len < len));
      before = at;
      before_len = len;
      at += len;
    }
    assert_int_equal(at - k.data, k.len);
    rb_free(k.data);
  }
  assert_true(by_flags);
}

static void sizes_that_cannot_be_had_are_an_error(void **state) {
  struct fixture *f = *state;
  fill(f, 10);
  asked = 0;
  rb_keys k = split(f, 4);
  fx_ok(k.status);
  assert_true(k.count > 0);
  rb_free(k.data);
  unsigned all = asked;
  assert_true(all > 4);
  for (unsigned n = 1; n <= all; n++) {
    countdown = n;
    k = split(f, 4);
    countdown = 0;
    fx_error(k.status, RB_IO, "planted");
    assert_null(k.data);
    assert_int_equal(k.count, 0);
  }
}

/* What a program asks for by itself goes the same way, where RocksDB has no younger one. */
static void flags_are_those_that_are_asked_for(void **state) {
  struct fixture *f = *state;
  const uint64_t lens[] = {0, RB_NO_END};
  uint64_t size = 0;
  fx_put(f->family, "a", "value");
  fx_flush(f);
  flags_expected = RB_SIZE_FILES;
  fx_ok(rb_approximate_sizes(f->family, (rb_size_options){0}, lens, NULL, 1, &size));
  assert_true(size > 0);
  flags_expected = RB_SIZE_MEMTABLES;
  const rb_size_options o = {.memtables = 1, .no_files = 1};
  fx_ok(rb_approximate_sizes(f->family, o, lens, NULL, 1, &size));
  flags_expected = RB_SIZE_MEMTABLES | RB_SIZE_FILES;
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(long_keys_in_between_are_found),
      CASE(sizes_that_cannot_be_had_are_an_error),
      CASE(flags_are_those_that_are_asked_for),
  };
  return cmocka_run_group_tests_name("splits of long keys", tests, NULL, NULL);
}
