/* admin_test.c: what concerns the database as a whole. */
#include "fixture.h"

static rb_family *create(struct fixture *f, const char *name) {
  /* The default changed: compaction goes from level 0 to level 1 without it, else to the last. */
  static const char levels[] = "level_compaction_dynamic_level_bytes=false";
  rb_family_result r = rb_family_create(f->db, name, fx_defaults().family, levels);
  fx_ok(r.status);
  return r.family;
}

static const char memtable[] = "rocksdb.num-entries-active-mem-table";
static const char level0[] = "rocksdb.num-files-at-level0";

static void flush_writes_the_families_named_and_no_other(void **state) {
  struct fixture *f = *state;
  rb_family *all[] = {f->family, create(f, "two"), create(f, "three")};
  for (size_t i = 0; i < 3; i++) {
    fx_put(all[i], "key", "value");
    assert_int_equal(fx_number(all[i], memtable), 1);
  }
  fx_ok(rb_flush(f->db, all, 2));
  assert_int_equal(fx_number(all[0], memtable), 0);
  assert_int_equal(fx_number(all[1], memtable), 0);
  assert_int_equal(fx_number(all[2], memtable), 1);
  assert_int_equal(fx_number(all[0], level0), 1);
  assert_int_equal(fx_number(all[1], level0), 1);
  fx_ok(rb_flush(f->db, all + 2, 1));
  assert_int_equal(fx_number(all[2], level0), 1);
  fx_ok(rb_flush(f->db, NULL, 0));
}

static void a_checkpoint_opens_as_a_database_of_its_own(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "in file", "value");
  fx_flush(f);
  fx_put(f->family, "in log", "value");
  char copy[RB_PATH];
  snprintf(copy, sizeof copy, "%s/copy", f->root);
  fx_ok(rb_checkpoint(f->db, copy));
  fx_put(f->family, "after", "value");
  rb_opened o = fx_try_open(copy, fx_defaults());
  fx_ok(o.status);
  rb_family *c = rb_family_find(o.db, "default").family;
  fx_expect(c, NULL, "in file", "value");
  fx_expect(c, NULL, "in log", "value");
  fx_expect(c, NULL, "after", NULL);
  rb_close(o.db);
  fx_error(rb_checkpoint(f->db, copy), RB_INVALID_ARGUMENT, "exists");
}

static void a_checkpoint_that_cannot_be_written_is_an_error(void **state) {
  struct fixture *f = *state;
  char nowhere[RB_PATH];
  snprintf(nowhere, sizeof nowhere, "%s/no/such/place", f->root);
  fx_error(rb_checkpoint(f->db, nowhere), RB_IO, nowhere);
  fx_put(f->family, "key", "value");
}

static void a_property_is_known_or_null(void **state) {
  struct fixture *f = *state;
  char *text = rb_property(f->family, "rocksdb.estimate-num-keys");
  assert_string_equal(text, "0");
  rb_free(text);
  text = rb_property(f->family, "rocksdb.stats");
  assert_non_null(strstr(text, "Compaction Stats"));
  rb_free(text);
  assert_null(rb_property(f->family, "rocksdb.no-such-property"));
  assert_null(rb_property(f->family, ""));
}

static void properties_are_those_of_the_family(void **state) {
  struct fixture *f = *state;
  rb_family *other = create(f, "other");
  fx_put(other, "key", "value");
  assert_int_equal(fx_number(f->family, memtable), 0);
  assert_int_equal(fx_number(other, memtable), 1);
}

static void the_sequence_counts_writes(void **state) {
  struct fixture *f = *state;
  uint64_t start = rb_latest_sequence(f->db);
  for (uint64_t i = 1; i <= 3; i++) {
    fx_put(f->family, "key", "value");
    assert_int_equal(rb_latest_sequence(f->db), start + i);
  }
}

static void sync_wal_succeeds_with_and_without_news(void **state) {
  struct fixture *f = *state;
  fx_ok(rb_sync_wal(f->db));
  fx_put(f->family, "key", "value");
  fx_ok(rb_sync_wal(f->db));
  fx_ok(rb_sync_wal(f->db));
}

static void what_the_library_has_not_is_unsupported(void **state) {
  struct fixture *f = *state;
  rb_snapshot *s = rb_snapshot_new(f->db);
  assert_non_null(s);
  rb_sequence q = rb_snapshot_sequence(s);
  if (rb_supports(RB_FEATURE_SNAPSHOT_SEQUENCE)) {
    fx_ok(q.status);
    assert_int_equal(q.value, rb_latest_sequence(f->db));
  } else {
    fx_error(q.status, RB_UNSUPPORTED, NULL);
    assert_int_equal(q.value, 0);
  }
  rb_snapshot_free(s);
  if (rb_supports(RB_FEATURE_WAIT_FOR_COMPACT)) {
    fx_ok(rb_wait_for_compact(f->db, 0));
  } else {
    fx_error(rb_wait_for_compact(f->db, 0), RB_UNSUPPORTED, NULL);
  }
  assert_int_equal(rb_supports(3), 0);
  assert_int_equal(rb_supports(UINT32_MAX), 0);
}

static void a_read_only_database_refuses_upkeep(void **state) {
  struct fixture *f = *state;
  static const char *const extras[] = {NULL, "manual_wal_flush=true"};
  for (size_t i = 0; i < 2; i++) {
    struct setup s = fx_defaults();
    s.db.read_only = 1;
    s.db_extra = extras[i];
    fx_open(f, s);
    fx_error(rb_flush(f->db, &f->family, 1), RB_READ_ONLY, NULL);
    fx_error(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0), RB_READ_ONLY, NULL);
    fx_error(rb_sync_wal(f->db), RB_READ_ONLY, NULL);
    fx_error(rb_flush_wal(f->db), RB_READ_ONLY, NULL);
    char copy[RB_PATH];
    snprintf(copy, sizeof copy, "%s/copy", f->root);
    fx_error(rb_checkpoint(f->db, copy), RB_READ_ONLY, NULL);
  }
}

static void a_read_only_database_reads(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "in file", "value");
  fx_flush(f);
  fx_put(f->family, "in log", "value");
  struct setup s = fx_defaults();
  s.db.read_only = 1;
  fx_open(f, s);
  fx_expect(f->family, NULL, "in file", "value");
  fx_expect(f->family, NULL, "in log", "value");
  rb_snapshot *snap = rb_snapshot_new(f->db);
  assert_non_null(snap);
  fx_expect(f->family, snap, "in file", "value");
  rb_snapshot_free(snap);
  /* It holds no lock: a writer may open the database meanwhile. */
  rb_opened writer = fx_try_open(f->dir, fx_defaults());
  fx_ok(writer.status);
  rb_close(writer.db);
}

static void opening_nothing_read_only_creates_nothing(void **state) {
  struct fixture *f = *state;
  char nowhere[RB_PATH];
  snprintf(nowhere, sizeof nowhere, "%s/nothing", f->root);
  struct setup s = fx_defaults();
  s.db.read_only = 1;
  rb_opened o = fx_try_open(nowhere, s);
  assert_null(o.db);
  fx_error(o.status, RB_IO, nowhere);
  struct stat st;
  assert_int_equal(stat(nowhere, &st), -1);
}

/* Rows that are not in the WAL are flushed first, and nothing is flushed or compacted afterwards.
 */
static void cancelled_background_work_loses_nothing(void **state) {
  struct fixture *f = *state;
  fx_ok(rb_apply(f->family, RB_PUT, RB_WRITE_NO_WAL, BYTES("unlogged"), BYTES("value")));
  rb_cancel_background(f->db);
  rb_cancel_background(f->db);
  fx_error(rb_flush(f->db, &f->family, 1), RB_SHUTTING_DOWN, NULL);
  fx_expect(f->family, NULL, "unlogged", "value");
  fx_open(f, fx_defaults());
  fx_expect(f->family, NULL, "unlogged", "value");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(flush_writes_the_families_named_and_no_other),
      CASE(a_checkpoint_opens_as_a_database_of_its_own),
      CASE(a_checkpoint_that_cannot_be_written_is_an_error),
      CASE(a_property_is_known_or_null),
      CASE(properties_are_those_of_the_family),
      CASE(the_sequence_counts_writes),
      CASE(sync_wal_succeeds_with_and_without_news),
      CASE(cancelled_background_work_loses_nothing),
      CASE(what_the_library_has_not_is_unsupported),
      CASE(a_read_only_database_refuses_upkeep),
      CASE(a_read_only_database_reads),
      CASE(opening_nothing_read_only_creates_nothing),
  };
  return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
