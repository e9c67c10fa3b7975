/*
 * later_test.c: that the glue uses what later versions of RocksDB add. This program defines those
 * functions itself, so that the weak references of the glue find them under any version.
 */
/* link: -Wl,--wrap=malloc */
#include "fixture.h"

#include "later.h"

static size_t flushed;    /* families in the last atomic flush */
static unsigned waits;    /* calls of rocksdb_wait_for_compact */
static int options_alive; /* its option objects */
static const char *refusal;
static bool no_memory;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) { return no_memory ? NULL : __real_malloc(n); }

static const char *identity; /* NULL: it is not told */

char *rocksdb_get_db_identity(rocksdb_t *db, size_t *len) {
  assert_non_null(db);
  *len = identity != NULL ? strlen(identity) : 0;
  return identity != NULL ? strdup(identity) : NULL;
}

static void answer(char **err) {
  if (refusal != NULL) {
    *err = strdup(refusal);
  }
}

void rocksdb_flush_cfs(rocksdb_t *db, const rocksdb_flushoptions_t *options,
                       rocksdb_column_family_handle_t **families, int n, char **err) {
  flushed = (size_t)n;
  for (int i = 0; i < n && refusal == NULL; i++) {
    rocksdb_flush_cf(db, options, families[i], err);
  }
  answer(err);
}

rocksdb_wait_for_compact_options_t *rocksdb_wait_for_compact_options_create(void) {
  static char object;
  options_alive++;
  return (rocksdb_wait_for_compact_options_t *)&object;
}

void rocksdb_wait_for_compact_options_destroy(rocksdb_wait_for_compact_options_t *options) {
  assert_non_null(options);
  options_alive--;
}

static uint64_t timeout; /* of the newest wait, in microseconds */

void rocksdb_wait_for_compact_options_set_timeout(rocksdb_wait_for_compact_options_t *options,
                                                  uint64_t microseconds) {
  assert_non_null(options);
  timeout = microseconds;
}

void rocksdb_wait_for_compact(rocksdb_t *db, rocksdb_wait_for_compact_options_t *options,
                              char **err) {
  assert_non_null(db);
  assert_non_null(options);
  waits++;
  answer(err);
}

uint64_t rocksdb_snapshot_get_sequence_number(const rocksdb_snapshot_t *snapshot) {
  assert_non_null(snapshot);
  return 4711;
}

static unsigned async_reads; /* read options that were told to read asynchronously */

void rocksdb_options_add_compact_on_deletion_collector_factory_min_file_size(
    rocksdb_options_t *o, size_t window_size, size_t num_dels_trigger, double deletion_ratio,
    uint64_t min_file_size) {
  (void)o;
  (void)window_size;
  (void)num_dels_trigger;
  (void)deletion_ratio;
  (void)min_file_size;
  fail(); /* the option goes by name */
}

void rocksdb_readoptions_set_async_io(rocksdb_readoptions_t *o, unsigned char v) {
  assert_non_null(o);
  async_reads += v;
}

static unsigned bottommost; /* ingestions that may go into the lowest level only */

void rocksdb_ingestexternalfileoptions_set_fail_if_not_bottommost_level(
    rocksdb_ingestexternalfileoptions_t *o, unsigned char v) {
  assert_non_null(o);
  bottommost += v;
}

static void an_ingest_is_kept_to_the_lowest_level_when_told(void **state) {
  struct fixture *f = *state;
  char path[2 * RB_PATH] = {0};
  snprintf(path, RB_PATH, "%s/none.sst", f->root);
  for (uint8_t want = 0; want < 2; want++) {
    bottommost = 0;
    rb_ingest_options o = {.bottommost = want};
    fx_error(rb_ingest(f->family, path, 1, o), RB_IO, NULL);
    assert_int_equal(bottommost, want);
  }
}

static unsigned adaptive_reads; /* read options that were told to adapt their read-ahead */

void rocksdb_readoptions_set_adaptive_readahead(rocksdb_readoptions_t *o, unsigned char v) {
  assert_non_null(o);
  adaptive_reads += v;
}

static void an_iterator_adapts_its_read_ahead_when_told(void **state) {
  struct fixture *f = *state;
  for (unsigned want = 0; want < 2; want++) {
    adaptive_reads = 0;
    rb_iter_options o = {.flags = want ? RB_READ_ADAPTIVE : 0};
    rb_iter_result r = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
    fx_ok(r.status);
    rb_iter_free(r.iter);
    assert_int_equal(adaptive_reads, want);
  }
}

static void an_iterator_asks_for_async_io_when_told(void **state) {
  struct fixture *f = *state;
  rb_iter_options o = {0};
  for (unsigned want = 0; want < 2; want++) {
    async_reads = 0;
    o.flags = want ? RB_READ_ASYNC_IO : 0;
    rb_iter_result r = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
    fx_ok(r.status);
    assert_int_equal(async_reads, want);
    rb_iter_free(r.iter);
  }
}

static int with_nothing_done(void **state) {
  flushed = 0;
  waits = 0;
  refusal = NULL;
  return fx_new(state);
}

static void every_feature_is_supported(void **state) {
  (void)state;
  assert_int_equal(rb_supports(RB_FEATURE_FLUSH_FAMILIES), 1);
  assert_int_equal(rb_supports(RB_FEATURE_WAIT_FOR_COMPACT), 1);
  assert_int_equal(rb_supports(RB_FEATURE_SNAPSHOT_SEQUENCE), 1);
  assert_int_equal(rb_supports(RB_FEATURE_ASYNC_IO), 1);
  assert_int_equal(rb_supports(RB_FEATURE_DELETIONS_SIZE), 1);
  assert_int_equal(rb_supports(1000), 0);
}

static void several_families_are_flushed_in_one_call(void **state) {
  struct fixture *f = *state;
  rb_family_result r = rb_family_create(f->db, "other", fx_defaults().family, NULL);
  fx_ok(r.status);
  rb_family *both[] = {f->family, r.family};
  fx_put(both[0], "key", "value");
  fx_put(both[1], "key", "value");
  fx_ok(rb_flush(f->db, both, 2));
  assert_int_equal(flushed, 2);
  assert_int_equal(fx_number(both[0], "rocksdb.num-files-at-level0"), 1);
  assert_int_equal(fx_number(both[1], "rocksdb.num-files-at-level0"), 1);
  refusal = "IO error: planted";
  fx_error(rb_flush(f->db, both, 2), RB_IO, "planted");
  no_memory = true;
  rb_status s = rb_flush(f->db, both, 2);
  no_memory = false;
  fx_error(s, RB_NO_MEMORY, NULL);
}

static void one_family_is_flushed_as_ever(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  fx_flush(f);
  assert_int_equal(flushed, 0);
  assert_int_equal(fx_number(f->family, "rocksdb.num-files-at-level0"), 1);
}

static void waiting_for_compaction_is_passed_on(void **state) {
  struct fixture *f = *state;
  fx_ok(rb_wait_for_compact(f->db, 4711));
  assert_int_equal(timeout, 4711);
  refusal = "Operation aborted: planted";
  fx_error(rb_wait_for_compact(f->db, 0), RB_ABORTED, "planted");
  assert_int_equal(waits, 2);
  assert_int_equal(options_alive, 0);
}

static void a_snapshot_tells_its_sequence(void **state) {
  struct fixture *f = *state;
  f->snap = rb_snapshot_new(f->db);
  assert_non_null(f->snap);
  rb_sequence q = rb_snapshot_sequence(f->snap);
  fx_ok(q.status);
  assert_int_equal(q.value, 4711);
}

static void an_identity_is_told_or_not(void **state) {
  struct fixture *f = *state;
  assert_int_equal(rb_supports(RB_FEATURE_IDENTITY), 1);
  identity = "4711";
  rb_identity r = rb_identity_get(f->db);
  fx_ok(r.status);
  assert_int_equal(r.len, 4);
  assert_memory_equal(r.text, "4711", 4);
  rb_free(r.text);
  identity = NULL;
  r = rb_identity_get(f->db);
  assert_null(r.text);
  fx_error(r.status, RB_INCOMPLETE, "does not tell");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, with_nothing_done, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(an_identity_is_told_or_not),
      cmocka_unit_test(every_feature_is_supported),
      CASE(several_families_are_flushed_in_one_call),
      CASE(one_family_is_flushed_as_ever),
      CASE(waiting_for_compaction_is_passed_on),
      CASE(an_ingest_is_kept_to_the_lowest_level_when_told),
      CASE(a_snapshot_tells_its_sequence),
      CASE(an_iterator_asks_for_async_io_when_told),
      CASE(an_iterator_adapts_its_read_ahead_when_told),
  };
  return cmocka_run_group_tests_name("later", tests, NULL, NULL);
}
