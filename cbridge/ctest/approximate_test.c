/*
 * approximate_test.c: about how many bytes ranges take. RocksDB's C API has an object of options
 * for it from 11.6 on; this program defines its functions, so that the glue finds them under any
 * version.
 */
/* link: -Wl,--wrap=calloc -Wl,--wrap=malloc */
#include "fixture.h"

#include "handles.h"
#include "later.h"

static char options;
static int options_alive;
static char told[256];
static const char *refusal;
static bool no_calloc, no_malloc;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_calloc ? NULL : __real_calloc(n, size); }

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) { return no_malloc ? NULL : __real_malloc(n); }

static void tell(const char *what, double v) {
  size_t n = strlen(told);
  assert_true(snprintf(told + n, sizeof told - n, "%s %g ", what, v) > 0);
}

rocksdb_size_approximation_options_t *rocksdb_size_approximation_options_create(void) {
  options_alive++;
  return (rocksdb_size_approximation_options_t *)&options;
}

void rocksdb_size_approximation_options_destroy(rocksdb_size_approximation_options_t *o) {
  assert_ptr_equal(o, &options);
  options_alive--;
}

void rocksdb_size_approximation_options_set_include_memtables(
    rocksdb_size_approximation_options_t *o, unsigned char v) {
  assert_ptr_equal(o, &options);
  tell("memtables", v);
}

void rocksdb_size_approximation_options_set_include_files(rocksdb_size_approximation_options_t *o,
                                                          unsigned char v) {
  assert_ptr_equal(o, &options);
  tell("files", v);
}

void rocksdb_size_approximation_options_set_include_blob_files(
    rocksdb_size_approximation_options_t *o, unsigned char v) {
  assert_ptr_equal(o, &options);
  tell("blobs", v);
}

void rocksdb_size_approximation_options_set_files_size_error_margin(
    rocksdb_size_approximation_options_t *o, double v) {
  assert_ptr_equal(o, &options);
  tell("margin", v);
}

void rocksdb_approximate_sizes_cf_with_options(rocksdb_t *db,
                                               rocksdb_column_family_handle_t *family,
                                               const rocksdb_size_approximation_options_t *o, int n,
                                               const char *const *starts, const size_t *start_lens,
                                               const char *const *ends, const size_t *end_lens,
                                               uint64_t *sizes, char **err) {
  assert_ptr_equal(o, &options);
  for (int i = 0; i < n; i++) {
    size_t at = strlen(told);
    bool open = end_lens[i] == RB_MAX_KEY + 1;
    if (open) {
      assert_int_equal((uint8_t)ends[i][0], 0xFF);
      assert_int_equal((uint8_t)ends[i][RB_MAX_KEY], 0xFF);
    }
    assert_true(snprintf(told + at, sizeof told - at, "%.*s-%.*s ", (int)start_lens[i], starts[i],
                         open ? 1 : (int)end_lens[i], open ? "*" : ends[i]) > 0);
  }
  rocksdb_approximate_sizes_cf(db, family, n, starts, start_lens, ends, end_lens, sizes, err);
  if (refusal != NULL) {
    *err = strdup(refusal);
  }
}

static rb_status sizes_of(rb_family *f, rb_size_options o, uint64_t sizes[3]) {
  static const uint64_t lens[] = {1, 2, 0, RB_NO_END, 2, RB_NO_END};
  told[0] = '\0';
  return rb_approximate_sizes(f, o, lens, U8("abczz"), 3, sizes);
}

static void ranges_and_options_are_told(void **state) {
  struct fixture *f = *state;
  uint64_t sizes[3] = {9, 9, 9};
  fx_put(f->family, "b", "value");
  fx_flush(f);
  fx_ok(sizes_of(f->family, (rb_size_options){0}, sizes));
  assert_string_equal(told, "memtables 0 files 1 blobs 0 margin 0 a-bc -* zz-* ");
  assert_true(sizes[0] > 0);
  assert_int_equal(sizes[0], sizes[1]);
  assert_int_equal(sizes[2], 0);
  fx_ok(sizes_of(f->family,
                 (rb_size_options){.memtables = 1, .no_files = 1, .blobs = 1, .margin = 0.5},
                 sizes));
  assert_string_equal(told, "memtables 1 files 0 blobs 1 margin 0.5 a-bc -* zz-* ");
  assert_int_equal(options_alive, 0);
}

static void errors_come_back(void **state) {
  struct fixture *f = *state;
  uint64_t sizes[3];
  refusal = "IO error: no";
  rb_status s = sizes_of(f->family, (rb_size_options){0}, sizes);
  refusal = NULL;
  fx_error(s, RB_IO, "no");
  no_calloc = true;
  s = sizes_of(f->family, (rb_size_options){0}, sizes);
  no_calloc = false;
  fx_error(s, RB_NO_MEMORY, NULL);
  no_malloc = true;
  s = sizes_of(f->family, (rb_size_options){0}, sizes);
  no_malloc = false;
  fx_error(s, RB_NO_MEMORY, NULL);
  assert_int_equal(options_alive, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(ranges_and_options_are_told),
      CASE(errors_come_back),
  };
  return cmocka_run_group_tests_name("approximate", tests, NULL, NULL);
}
