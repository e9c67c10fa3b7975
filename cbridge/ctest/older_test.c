/* older_test.c: what the RocksDB at hand has not is refused, and done otherwise where that is said.
 * Under one that has all of it the tests see that it is there. */
#include "fixture.h"

#include "later.h"

static void expect_supported(rb_status s, uint32_t feature) {
  if (rb_supports(feature)) {
    fx_ok(s);
  } else {
    fx_error(s, RB_UNSUPPORTED, NULL);
  }
}

static void options_of_the_database_are_refused(void **state) {
  struct fixture *f = *state;
  expect_supported(rb_db_set_options(f->db,
                                     "max_open_files\0"
                                     "100",
                                     1),
                   RB_FEATURE_SET_DB_OPTIONS);
}

static void options_of_compactions_are_refused(void **state) {
  struct fixture *f = *state;
  rb_compaction how[5];
  for (size_t i = 0; i < 5; i++) {
    how[i] = (rb_compaction)RB_COMPACTION_DEFAULT;
  }
  how[0].subcompactions = 2;
  how[1].allow_stall = 1;
  how[2].blobs = RB_BLOBS_COLLECT;
  how[3].blob_age = 0;
  for (size_t i = 0; i < 4; i++) {
    expect_supported(rb_compact_with(f->family, 0, NULL, 0, 0, NULL, 0, how[i]),
                     i < 2 ? RB_FEATURE_COMPACT_PARTS : RB_FEATURE_COMPACT_BLOBS);
  }
  fx_ok(rb_compact_with(f->family, 0, NULL, 0, 0, NULL, 0, how[4]));
}

static void levels_of_statistics_are_refused(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  for (uint32_t level = RB_STATISTICS_NONE + 1; level <= RB_STATISTICS_ALL; level++) {
    struct setup s = fx_defaults();
    s.db.statistics = level;
    rb_opened o = fx_try_open(f->dir, s);
    if (level == RB_STATISTICS_USUAL) {
      fx_ok(o.status);
    } else {
      expect_supported(o.status, RB_FEATURE_STATISTICS_LEVELS);
    }
    rb_close(o.db);
  }
}

static void released(rb_callback *call) { call->answer = RB_ANSWER_FAILED; }

static void compactions_elsewhere_are_refused(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  rb_plan *p = rb_plan_new(f->dir, fx_defaults().db);
  rb_callee *c = rb_callee_new(released, 1, "elsewhere");
  assert_non_null(p);
  assert_non_null(c);
  rb_plan_compactor(p, c);
  rb_callee_free(c);
  fx_ok(rb_plan_family(p, "default", fx_defaults().family, NULL));
  rb_opened o = rb_plan_open(p);
  expect_supported(o.status, RB_FEATURE_COMPACTOR);
  rb_worker *w = rb_worker_new();
  assert_non_null(w);
  rb_worker_stop(w);
  rb_compacted r = rb_plan_open_and_compact(p, "default", "/nowhere", U8("x"), 1, w);
  assert_null(r.data);
  fx_error(r.status, rb_supports(RB_FEATURE_COMPACTOR) ? RB_INCOMPLETE : RB_UNSUPPORTED, NULL);
  rb_worker_free(w);
  rb_plan_free(p);
  rb_close(o.db);
}

static void events_are_refused(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  rb_events *e = rb_events_new(9);
  assert_non_null(e);
  rb_plan *p = rb_plan_new(f->dir, fx_defaults().db);
  assert_non_null(p);
  fx_ok(rb_plan_family(p, "default", fx_defaults().family, NULL));
  rb_plan_events(p, e);
  rb_opened o = rb_plan_open(p);
  rb_plan_free(p);
  assert_int_equal(o.db != NULL, rb_supports(RB_FEATURE_EVENTS));
  expect_supported(o.status, RB_FEATURE_EVENTS);
  rb_close(o.db);
  rb_events_free(e);
}

/* What is in C++ only, and that is not in this program. */
static void resuming_is_refused(void **state) {
  struct fixture *f = *state;
  assert_null(rb_cxx_words());
  assert_int_equal(rb_supports(RB_FEATURE_COMPACT_STATUS), 0);
  expect_supported(rb_resume(f->db), RB_FEATURE_RESUME);
}

static void memtables_are_limited_without_a_manager(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  rb_memory *m = rb_memory_new(8 << 20, 4 << 20);
  assert_non_null(m);
  rb_plan *p = rb_plan_new(f->dir, (rb_db_options){.block_cache_size = -1});
  assert_non_null(p);
  rb_plan_share(p, m, 1 << 20);
  fx_ok(rb_plan_family(p, "default", (rb_family_options){.compression = RB_NO_COMPRESSION}, NULL));
  rb_opened o = rb_plan_open(p);
  fx_ok(o.status);
  rb_plan_free(p);
  rb_family_result r = rb_family_find(o.db, "default");
  fx_put(r.family, "k", "v");
  rb_memory_use u = rb_memory_used(m);
  assert_int_equal(u.memtables > 0, rb_supports(RB_FEATURE_WRITE_BUFFERS));
  rb_close(o.db);
  rb_memory_free(m);
}

static void an_ingest_into_the_lowest_level_is_refused(void **state) {
  struct fixture *f = *state;
  char path[2 * RB_PATH] = {0};
  snprintf(path, RB_PATH, "%s/none.sst", f->root);
  rb_status s = rb_ingest(f->family, path, 1, (rb_ingest_options){.bottommost = 1});
  bool has = rb_supports(RB_FEATURE_INGEST_BOTTOMMOST);
  fx_error(s, has ? RB_IO : RB_UNSUPPORTED, NULL); /* there is no such file */
}

static void options_of_ingestions_are_refused(void **state) {
  struct fixture *f = *state;
  const rb_ingest_options links[] = {{.link = 1}, {.no_fill = 1}, {.threads = 2}};
  bool has = rb_supports(RB_FEATURE_INGEST_LINKS);
  for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
    fx_error(rb_ingest(f->family, "none", 1, links[i]), has ? RB_IO : RB_UNSUPPORTED, NULL);
  }
  has = rb_supports(RB_FEATURE_INGEST_NO_COPY);
  rb_status s = rb_ingest(f->family, "none", 1, (rb_ingest_options){.move = 1, .no_copy = 1});
  fx_error(s, has ? RB_IO : RB_UNSUPPORTED, NULL);
}

static void options_of_sizes_are_refused(void **state) {
  struct fixture *f = *state;
  const uint64_t lens[] = {0, 1};
  const rb_size_options o[] = {{.memtables = 1}, {.memtables = 1, .no_files = 1}, {.margin = 0.1}};
  uint64_t size = 1;
  for (size_t i = 0; i < sizeof o / sizeof o[0]; i++) {
    expect_supported(rb_approximate_sizes(f->family, o[i], lens, U8("z"), 1, &size),
                     i < 2 ? RB_FEATURE_SIZE_FLAGS : RB_FEATURE_SIZE_MARGIN);
  }
  expect_supported(
      rb_approximate_sizes(f->family, (rb_size_options){.blobs = 1}, lens, U8("z"), 1, &size),
      RB_FEATURE_SIZE_BLOBS);
  fx_ok(rb_approximate_sizes(f->family, (rb_size_options){0}, lens, U8("z"), 1, &size));
  assert_int_equal(size, 0);
}

static void an_identity_is_refused(void **state) {
  struct fixture *f = *state;
  rb_identity r = rb_identity_get(f->db);
  expect_supported(r.status, RB_FEATURE_IDENTITY);
  assert_int_equal(r.text != NULL, rb_supports(RB_FEATURE_IDENTITY));
  rb_free(r.text);
}

static void adaptive_read_ahead_is_refused(void **state) {
  struct fixture *f = *state;
  rb_iter_options o = {.flags = RB_READ_ADAPTIVE};
  rb_iter_result r = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
  expect_supported(r.status, RB_FEATURE_ADAPTIVE);
  rb_iter_free(r.iter);
}

static void filters_of_tables_are_refused(void **state) {
  struct fixture *f = *state;
  for (uint64_t i = 0; i < RB_TABLE_PROPERTIES; i++) {
    const rb_table_range range = {i, 0, UINT64_MAX};
    rb_iter_options o = {.tables = &range, .n_tables = 1};
    rb_iter_result r = rb_iter_new(f->family, NULL, o, NULL, 0, NULL, 0);
    expect_supported(r.status,
                     i < RB_TABLE_TAGGED ? RB_FEATURE_TABLE_FILTER : RB_FEATURE_TABLE_NEWEST);
    rb_iter_free(r.iter);
  }
}

static void a_list_of_all_files_is_refused(void **state) {
  struct fixture *f = *state;
  rb_live_files r = rb_all_files_get(f->db);
  expect_supported(r.status, RB_FEATURE_ALL_FILES);
  assert_int_equal(r.data != NULL, rb_supports(RB_FEATURE_ALL_FILES));
  rb_free(r.data);
}

static void traces_are_refused(void **state) {
  struct fixture *f = *state;
  char path[RB_PATH];
  assert_true(snprintf(path, RB_PATH, "%s/trace", f->root) < RB_PATH);
  const rb_trace_options o = {.max_bytes = 1000, .every = 1};
  expect_supported(rb_tracing_start(f->db, RB_TRACE_CALLS, path, o), RB_FEATURE_TRACES);
  rb_status s = rb_tracing_end(f->db, RB_TRACE_CALLS);
  if (rb_supports(RB_FEATURE_TRACES)) {
    fx_ok(s);
  } else {
    fx_error(s, RB_INVALID_ARGUMENT, NULL);
  }
}

static void a_least_size_of_tables_full_of_deletions_is_refused(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  fx_close(f);
  s.family.named = "table_properties_collectors={id=CompactOnDeletionCollector;window_size=128;"
                   "deletion_trigger=9;deletion_ratio=0.5}";
  rb_opened o = fx_try_open(f->dir, s); /* by name, every version has the rest */
  fx_ok(o.status);
  rb_close(o.db);
  s.family.named = "table_properties_collectors={id=CompactOnDeletionCollector;min_file_size=9}";
  o = fx_try_open(f->dir, s);
  bool has = rb_supports(RB_FEATURE_DELETIONS_SIZE);
  assert_int_equal(o.db != NULL, has);
  fx_error(o.status, has ? RB_OK : RB_INVALID_ARGUMENT, NULL);
  rb_close(o.db);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(options_of_the_database_are_refused),
      CASE(options_of_compactions_are_refused),
      CASE(levels_of_statistics_are_refused),
      CASE(compactions_elsewhere_are_refused),
      CASE(events_are_refused),
      CASE(resuming_is_refused),
      CASE(memtables_are_limited_without_a_manager),
      CASE(an_ingest_into_the_lowest_level_is_refused),
      CASE(options_of_ingestions_are_refused),
      CASE(options_of_sizes_are_refused),
      CASE(an_identity_is_refused),
      CASE(a_list_of_all_files_is_refused),
      CASE(traces_are_refused),
      CASE(a_least_size_of_tables_full_of_deletions_is_refused),
      CASE(adaptive_read_ahead_is_refused),
      CASE(filters_of_tables_are_refused),
  };
  return cmocka_run_group_tests_name("older", tests, NULL, NULL);
}
