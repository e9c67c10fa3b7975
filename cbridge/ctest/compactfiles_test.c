/*
 * compactfiles_test.c: compactions of chosen files, and pauses. RocksDB's C API has both from 11.6
 * on; this program defines its functions, so that the glue finds them under any version.
 */
/* link: -Wl,--wrap=calloc */
#include "fixture.h"

#include "later.h"

static char options;
static int options_alive;
static unsigned char *flag; /* the sign to stop, while it lives */
static unsigned char *told; /* that the options were given */
static uint64_t most;
static int level;
static size_t files;
static char names[64]; /* that came, with a space behind each */
static int paused;
static const char *refusal;
static bool no_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_memory ? NULL : __real_calloc(n, size); }

static void answer(char **err) {
  if (refusal != NULL) {
    *err = strdup(refusal);
  }
}

void rocksdb_pause_background_work(rocksdb_t *db, char **err) {
  assert_non_null(db);
  answer(err);
  paused += refusal == NULL;
}

void rocksdb_continue_background_work(rocksdb_t *db, char **err) {
  assert_non_null(db);
  answer(err);
  paused -= refusal == NULL;
}

rocksdb_compaction_options_t *rocksdb_compaction_options_create(void) {
  options_alive++;
  most = 0;
  told = NULL;
  return (rocksdb_compaction_options_t *)&options;
}

void rocksdb_compaction_options_destroy(rocksdb_compaction_options_t *o) {
  assert_ptr_equal(o, &options);
  options_alive--;
}

void rocksdb_compaction_options_set_output_file_size_limit(rocksdb_compaction_options_t *o,
                                                           uint64_t v) {
  assert_ptr_equal(o, &options);
  most = v;
}

unsigned char *rocksdb_compaction_options_canceled_create(void) {
  flag = calloc(1, 1);
  return flag;
}

void rocksdb_compaction_options_canceled_destroy(unsigned char *canceled) {
  assert_ptr_equal(canceled, flag);
  free(canceled);
  flag = NULL;
}

void rocksdb_compaction_options_canceled_set(unsigned char *canceled, unsigned char value) {
  assert_ptr_equal(canceled, flag);
  *canceled = value;
}

void rocksdb_compaction_options_set_canceled(rocksdb_compaction_options_t *o,
                                             unsigned char *canceled) {
  assert_ptr_equal(o, &options);
  told = canceled;
}

void rocksdb_compact_files_cf(rocksdb_t *db, rocksdb_column_family_handle_t *family,
                              const rocksdb_compaction_options_t *o, const char *const *in,
                              size_t n, int to, int path, char ***out, size_t *n_out,
                              rocksdb_compactionjobinfo_t *info, char **err) {
  assert_non_null(db);
  assert_non_null(family);
  assert_ptr_equal(o, &options);
  assert_int_equal(path, -1);
  assert_null(out);
  assert_null(n_out);
  assert_null(info);
  names[0] = 0;
  files = n;
  level = to;
  for (size_t i = 0; i < n; i++) {
    strcat(strcat(names, in[i]), " ");
  }
  answer(err);
}

static int with_defaults(void **state) {
  refusal = NULL;
  no_memory = false;
  paused = 0;
  return fx_new(state);
}

static void names_level_and_size_are_told(void **state) {
  struct fixture *f = *state;
  assert_int_equal(rb_supports(RB_FEATURE_COMPACT_FILES), 1);
  rb_stop *s = rb_stop_new();
  assert_non_null(s);
  fx_ok(rb_compact_files(f->family, "1.sst\0002.sst", 2, 3, 4711, s));
  assert_string_equal(names, "1.sst 2.sst ");
  assert_int_equal(files, 2);
  assert_int_equal(level, 3);
  assert_int_equal(most, 4711);
  assert_ptr_equal(told, flag);
  assert_int_equal(*flag, 0);
  fx_ok(rb_compact_files(f->family, "7.sst", 1, 1, 0, s));
  assert_string_equal(names, "7.sst ");
  assert_int_equal(most, 0);
  rb_stop_set(s);
  assert_int_equal(*flag, 1);
  rb_stop_free(s);
  assert_null(flag);
  assert_int_equal(options_alive, 0);
}

static void refusals_are_told(void **state) {
  struct fixture *f = *state;
  rb_stop *s = rb_stop_new();
  refusal = "Compaction too large: x";
  fx_error(rb_compact_files(f->family, "1.sst", 1, 1, 0, s), RB_COMPACTION_TOO_LARGE, "too large");
  refusal = NULL;
  no_memory = true;
  fx_error(rb_compact_files(f->family, "1.sst", 1, 1, 0, s), RB_NO_MEMORY, NULL);
  assert_null(rb_stop_new());
  no_memory = false;
  assert_int_equal(options_alive, 0);
  fx_close(f);
  struct setup u = fx_defaults();
  u.db.read_only = 1;
  rb_opened o = fx_try_open(f->dir, u);
  fx_ok(o.status);
  rb_family_result r = rb_family_find(o.db, "default");
  fx_error(rb_compact_files(r.family, "1.sst", 1, 1, 0, s), RB_READ_ONLY, NULL);
  rb_close(o.db);
  rb_stop_free(s);
}

static void pauses_are_begun_and_ended(void **state) {
  struct fixture *f = *state;
  assert_int_equal(rb_supports(RB_FEATURE_PAUSE), 1);
  fx_ok(rb_pause_background(f->db));
  assert_int_equal(paused, 1);
  fx_ok(rb_continue_background(f->db));
  assert_int_equal(paused, 0);
  refusal = "Invalid argument: ";
  fx_error(rb_pause_background(f->db), RB_INVALID_ARGUMENT, NULL);
  fx_error(rb_continue_background(f->db), RB_INVALID_ARGUMENT, NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_defaults, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(names_level_and_size_are_told),
      CASE(refusals_are_told),
      CASE(pauses_are_begun_and_ended),
  };
  return cmocka_run_group_tests_name("compactfiles", tests, NULL, NULL);
}
