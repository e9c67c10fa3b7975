/*
 * ingest_test.c: options of ingestions. RocksDB's C API has these from 11.6 on; this program
 * defines the functions, so that the glue finds them under any version.
 */
#include "fixture.h"

#include "later.h"

/* What the glue told of the last ingestion. */
static char told[128];

static void tell(const rocksdb_ingestexternalfileoptions_t *o, const char *what, int v) {
  assert_non_null(o);
  size_t n = strlen(told);
  assert_true(snprintf(told + n, sizeof told - n, "%s %d ", what, v) > 0);
}

void rocksdb_ingestexternalfileoptions_set_link_files(rocksdb_ingestexternalfileoptions_t *o,
                                                      unsigned char v) {
  tell(o, "link", v);
}

void rocksdb_ingestexternalfileoptions_set_failed_move_fall_back_to_copy(
    rocksdb_ingestexternalfileoptions_t *o, unsigned char v) {
  tell(o, "copy", v);
}

void rocksdb_ingestexternalfileoptions_set_fill_cache(rocksdb_ingestexternalfileoptions_t *o,
                                                      unsigned char v) {
  tell(o, "fill", v);
}

void rocksdb_ingestexternalfileoptions_set_prefetch_lmax_index_and_filter_blocks(
    rocksdb_ingestexternalfileoptions_t *o, unsigned char v) {
  tell(o, "prefetch", v);
}

void rocksdb_ingestexternalfileoptions_set_file_opening_threads(
    rocksdb_ingestexternalfileoptions_t *o, int v) {
  tell(o, "threads", v);
}

static void options_are_told_where_they_are_set(void **state) {
  struct fixture *f = *state;
  static const struct {
    rb_ingest_options o;
    const char *told;
  } cases[] = {
      {{0}, ""},
      {{.link = 1}, "link 1 "},
      {{.no_fill = 1}, "fill 0 prefetch 0 "},
      {{.threads = 3}, "threads 3 "},
      {{.move = 1, .no_copy = 1}, "copy 0 "},
      {{.link = 1, .no_copy = 1, .no_fill = 1, .threads = 9},
       "link 1 fill 0 prefetch 0 threads 9 copy 0 "},
  };
  assert_int_equal(rb_supports(RB_FEATURE_INGEST_LINKS), 1);
  assert_int_equal(rb_supports(RB_FEATURE_INGEST_NO_COPY), 1);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    told[0] = '\0';
    fx_error(rb_ingest(f->family, "no such file", 1, cases[i].o), RB_IO, NULL);
    assert_string_equal(told, cases[i].told);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(options_are_told_where_they_are_set),
  };
  return cmocka_run_group_tests_name("ingest", tests, NULL, NULL);
}
