/*
 * trace_test.c: traces by RocksDB's C API, which has them from 11.6 on; this program defines its
 * functions, so that the glue finds them under any version.
 */
#include "fixture.h"

#include "later.h"

static char options;
static int options_alive;
static struct {
  uint64_t max_bytes, every, without;
  unsigned char ordered;
} given;
static char asked[256];
static const char *refusal;

static void answer(const char *what, char **err) {
  strcat(asked, what);
  if (refusal != NULL) {
    *err = strdup(refusal);
    refusal = NULL;
  }
}

rocksdb_trace_options_t *rocksdb_trace_options_create(void) {
  options_alive++;
  return (rocksdb_trace_options_t *)&options;
}

void rocksdb_trace_options_destroy(rocksdb_trace_options_t *o) {
  assert_ptr_equal(o, &options);
  options_alive--;
}

void rocksdb_trace_options_set_max_trace_file_size(rocksdb_trace_options_t *o, uint64_t v) {
  assert_ptr_equal(o, &options);
  given.max_bytes = v;
}

void rocksdb_trace_options_set_sampling_frequency(rocksdb_trace_options_t *o, uint64_t v) {
  assert_ptr_equal(o, &options);
  given.every = v;
}

void rocksdb_trace_options_set_filter(rocksdb_trace_options_t *o, uint64_t v) {
  assert_ptr_equal(o, &options);
  given.without = v;
}

void rocksdb_trace_options_set_preserve_write_order(rocksdb_trace_options_t *o, unsigned char v) {
  assert_ptr_equal(o, &options);
  given.ordered = v;
}

static void started(const char *what, const rocksdb_env_t *env, const rocksdb_trace_options_t *o,
                    const char *path, char **err) {
  assert_non_null(env); /* else the file is where the database is, in memory perhaps */
  assert_ptr_equal(o, &options);
  assert_int_equal(options_alive, 1);
  strcat(asked, path);
  answer(what, err);
}

void rocksdb_start_trace(rocksdb_t *db, rocksdb_env_t *env, const rocksdb_envoptions_t *e,
                         const rocksdb_trace_options_t *o, const char *path, char **err) {
  assert_non_null(db);
  assert_null(e);
  started(" of calls, ", env, o, path, err);
}

void rocksdb_start_io_trace(rocksdb_t *db, rocksdb_env_t *env, const rocksdb_envoptions_t *e,
                            const rocksdb_trace_options_t *o, const char *path, char **err) {
  assert_non_null(db);
  assert_null(e);
  started(" of I/O, ", env, o, path, err);
}

void rocksdb_start_block_cache_trace(rocksdb_t *db, rocksdb_env_t *env,
                                     const rocksdb_envoptions_t *e,
                                     const rocksdb_trace_options_t *o, const char *path,
                                     char **err) {
  assert_non_null(db);
  assert_null(e);
  started(" of the cache, ", env, o, path, err);
}

void rocksdb_end_trace(rocksdb_t *db, char **err) {
  assert_non_null(db);
  answer("end of calls, ", err);
}

void rocksdb_end_io_trace(rocksdb_t *db, char **err) {
  assert_non_null(db);
  answer("end of I/O, ", err);
}

void rocksdb_end_block_cache_trace(rocksdb_t *db, char **err) {
  assert_non_null(db);
  answer("end of the cache, ", err);
}

static const rb_trace_options some = {.max_bytes = 9, .every = 7, .without = 5, .ordered = 1};

static int with_nothing(void **state) {
  asked[0] = 0;
  refusal = NULL;
  return fx_new(state);
}

static void each_kind_begins_and_ends(void **state) {
  struct fixture *f = *state;
  fx_ok(rb_tracing_start(f->db, RB_TRACE_CALLS, "a", some));
  assert_int_equal(given.max_bytes, 9);
  assert_int_equal(given.every, 7);
  assert_int_equal(given.without, 5);
  assert_int_equal(given.ordered, 1);
  fx_ok(rb_tracing_start(f->db, RB_TRACE_IO, "b", some));
  fx_ok(rb_tracing_start(f->db, RB_TRACE_CACHE, "c", some));
  fx_ok(rb_tracing_end(f->db, RB_TRACE_CALLS));
  fx_ok(rb_tracing_end(f->db, RB_TRACE_IO));
  fx_ok(rb_tracing_end(f->db, RB_TRACE_CACHE));
  assert_string_equal(asked, "a of calls, b of I/O, c of the cache, end of calls, end of I/O, end "
                             "of the cache, ");
  assert_int_equal(options_alive, 0);
}

static void one_of_a_kind_at_a_time(void **state) {
  struct fixture *f = *state;
  for (uint32_t kind = 0; kind < RB_TRACE_KINDS; kind++) {
    fx_error(rb_tracing_end(f->db, kind), RB_INVALID_ARGUMENT, NULL);
    refusal = "IO error: no";
    fx_error(rb_tracing_start(f->db, kind, "a", some), RB_IO, "no");
    fx_error(rb_tracing_end(f->db, kind), RB_INVALID_ARGUMENT, NULL); /* it has not begun */
    fx_ok(rb_tracing_start(f->db, kind, "a", some));
    asked[0] = 0;
    fx_error(rb_tracing_start(f->db, kind, "b", some), RB_BUSY, NULL);
    assert_string_equal(asked, "");
    refusal = "IO error: no";
    fx_error(rb_tracing_end(f->db, kind), RB_IO, "no");
    fx_error(rb_tracing_end(f->db, kind), RB_INVALID_ARGUMENT, NULL); /* it has ended */
  }
  fx_error(rb_tracing_start(f->db, RB_TRACE_KINDS, "a", some), RB_INVALID_ARGUMENT, NULL);
  fx_error(rb_tracing_end(f->db, RB_TRACE_KINDS), RB_INVALID_ARGUMENT, NULL);
  assert_int_equal(options_alive, 0);
}

static void closing_ends_them(void **state) {
  struct fixture *f = *state;
  fx_ok(rb_tracing_start(f->db, RB_TRACE_CALLS, "a", some));
  fx_ok(rb_tracing_start(f->db, RB_TRACE_CACHE, "c", some));
  asked[0] = 0;
  refusal = "IO error: no"; /* nobody is told */
  rb_close(f->db);
  f->db = NULL;
  assert_string_equal(asked, "end of calls, end of the cache, ");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_nothing, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(each_kind_begins_and_ends),
      CASE(one_of_a_kind_at_a_time),
      CASE(closing_ends_them),
  };
  return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
