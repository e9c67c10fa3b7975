/*
 * metrics_test.c: figures that RocksDB tells in words, what it does not tell, and the allocator.
 * This program defines jemalloc's mallctl, so that the glue finds one.
 */
/* link: -Wl,--wrap=rocksdb_property_value_cf,--wrap=rocksdb_property_int_cf */
#include "fixture.h"

#include "rocksdb/c.h"

static const char *stalls_now; /* of cf-write-stall-stats; NULL: RocksDB does not know it */
static const char *stalls_old; /* of cfstats-no-file-histogram */
static const char *dbstats;
static bool words; /* the properties above are ours, not RocksDB's */
static bool no_numbers;
static int handed_out; /* texts that were not freed are found by the sanitizer */

char *__real_rocksdb_property_value_cf(rocksdb_t *db, rocksdb_column_family_handle_t *h,
                                       const char *name);
char *__wrap_rocksdb_property_value_cf(rocksdb_t *db, rocksdb_column_family_handle_t *h,
                                       const char *name);
int __real_rocksdb_property_int_cf(rocksdb_t *db, rocksdb_column_family_handle_t *h,
                                   const char *name, uint64_t *out);
int __wrap_rocksdb_property_int_cf(rocksdb_t *db, rocksdb_column_family_handle_t *h,
                                   const char *name, uint64_t *out);

char *__wrap_rocksdb_property_value_cf(rocksdb_t *db, rocksdb_column_family_handle_t *h,
                                       const char *name) {
  if (!words) {
    return __real_rocksdb_property_value_cf(db, h, name);
  }
  const char *text = strcmp(name, "rocksdb.cf-write-stall-stats") == 0        ? stalls_now
                     : strcmp(name, "rocksdb.cfstats-no-file-histogram") == 0 ? stalls_old
                     : strcmp(name, "rocksdb.dbstats") == 0                   ? dbstats
                                                                              : NULL;
  handed_out += text != NULL;
  return text == NULL ? NULL : strdup(text);
}

int __wrap_rocksdb_property_int_cf(rocksdb_t *db, rocksdb_column_family_handle_t *h,
                                   const char *name, uint64_t *out) {
  if (no_numbers) {
    *out = 4711; /* what a failing call leaves there is not taken */
    return -1;
  }
  return __real_rocksdb_property_int_cf(db, h, name, out);
}

static uint64_t resident;
static int refused; /* which call of mallctl fails; 0: none */
static int asked;
static bool purged;
static bool refuses_all;

int mallctl(const char *name, void *old, size_t *old_len, void *value, size_t value_len);
int mallctl(const char *name, void *old, size_t *old_len, void *value, size_t value_len) {
  if (++asked == refused || refuses_all) {
    return 1;
  }
  if (strcmp(name, "arena.4096.purge") == 0) {
    assert_null(old);
    assert_null(value);
    purged = true;
    return 0;
  }
  if (strcmp(name, "epoch") == 0) {
    assert_non_null(value);
    assert_int_equal(value_len, sizeof(uint64_t));
    resident = 3000;
    return 0;
  }
  assert_int_equal(*old_len, sizeof(size_t));
  size_t v = strcmp(name, "stats.resident") == 0 ? (size_t)resident : 2000;
  memcpy(old, &v, sizeof v);
  return 0;
}

static int plain(void **state) {
  stalls_now = stalls_old = dbstats = NULL;
  words = no_numbers = false;
  handed_out = refused = asked = 0;
  resident = 0;
  return fx_new(state);
}

static rb_metrics read_one(struct fixture *f, rb_family_metrics *m) {
  memset(m, 0xff, sizeof *m);
  return rb_metrics_get(f->db, &f->family, 1, m);
}

static void figures_follow_what_is_done(void **state) {
  struct fixture *f = *state;
  rb_family_metrics m;
  read_one(f, &m);
  assert_int_equal(m.level0_files, 0);
  assert_int_equal(m.keys, 0);
  assert_int_equal(m.stall_stops + m.stall_delays, 0);
  uint64_t before = m.memtable_all;
  static uint8_t value[100000];
  fx_ok(rb_apply(f->family, RB_PUT, 0, BYTES("key"), value, sizeof value));
  rb_snapshot *s = rb_snapshot_new(f->db);
  rb_metrics all = read_one(f, &m);
  assert_true(m.memtable_active >= before + sizeof value);
  assert_int_equal(m.memtable_all, m.memtable_current);
  assert_int_equal(m.keys, 1);
  assert_int_equal(all.snapshots, 1);
  assert_true(all.oldest_snapshot > 0);
  assert_int_equal(all.write_stopped + all.background_errors, 0);
  rb_snapshot_free(s);
  fx_flush(f);
  all = read_one(f, &m);
  assert_int_equal(m.level0_files, 1);
  assert_true(m.table_files_live > 0 && m.table_files_live == m.table_files);
  assert_int_equal(m.versions, 1);
  assert_int_equal(all.snapshots, 0);
}

static void a_database_without_a_cache_has_none(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  struct setup none = fx_defaults();
  none.db.block_cache_size = -1;
  fx_open(f, none);
  rb_family_metrics m;
  rb_metrics all = read_one(f, &m);
  assert_int_equal(all.cache_capacity + all.cache_usage + all.cache_pinned, 0);
  assert_int_equal(m.cache_capacity + m.cache_usage + m.cache_pinned, 0);
  all = rb_metrics_get(f->db, NULL, 0, NULL);
  assert_int_equal(all.stall_micros, 0);
}

static void stalls_are_read_in_the_words_of_every_version(void **state) {
  struct fixture *f = *state;
  words = true;
  stalls_old =
      "** Compaction Stats **\n"
      "Stalls(count): 1 level0_slowdown, 100 level0_slowdown_with_compaction, 2 level0_numfiles, "
      "200 level0_numfiles_with_compaction, 4 stop for pending_compaction_bytes, "
      "8 slowdown for pending_compaction_bytes, 16 memtable_compaction, 32 memtable_slowdown, "
      "interval 64 total count\n";
  dbstats = "Cumulative writes: 5\nCumulative stall: 01:02:3.045 H:M:S, 9.9 percent\n"
            "Interval stall: 07:07:7.077 H:M:S\n";
  rb_family_metrics m;
  rb_metrics all = read_one(f, &m);
  assert_int_equal(m.stall_delays, 1 + 8 + 32);
  assert_int_equal(m.stall_stops, 2 + 4 + 16);
  assert_int_equal(all.stall_micros, 3723045000);
  stalls_now =
      "Write Stall (count): l0-file-count-limit-delays: 3, total-delays: 17, total-stops: 18\n";
  dbstats = "** DB Stats **\n";
  all = read_one(f, &m);
  assert_int_equal(m.stall_delays, 17);
  assert_int_equal(m.stall_stops, 18);
  assert_int_equal(all.stall_micros, 0);
  assert_int_equal(handed_out, 4);
}

static void what_rocksdb_does_not_tell_is_zero(void **state) {
  struct fixture *f = *state;
  words = no_numbers = true;
  rb_family_metrics m;
  rb_metrics all = read_one(f, &m);
  static const rb_family_metrics nothing;
  assert_memory_equal(&m, &nothing, sizeof m);
  assert_int_equal(all.snapshots + all.write_stopped + all.stall_micros + all.delayed_rate, 0);
  for (int i = 0; i < 3; i++) {
    static const char *const texts[] = {"", "Stalls(count): level0_slowdown, x level0_numfiles,",
                                        " level0_slowdown,"};
    stalls_old = texts[i];
    dbstats = i == 1 ? "Cumulative stall: " : "Cumulative stall: x";
    all = read_one(f, &m);
    assert_int_equal(m.stall_delays + m.stall_stops + all.stall_micros, 0);
  }
}

static void the_allocator_that_is_linked_gives_memory_back(void **state) {
  (void)state;
  refused = asked = 0;
  purged = false;
  assert_int_equal(rb_allocator_release(), RB_ALLOCATOR_JEMALLOC);
  assert_true(purged);
  refused = 4; /* behind the three that ask what there is */
  asked = 0;
  assert_int_equal(rb_allocator_release(), RB_ALLOCATOR_UNKNOWN);
  refuses_all = true; /* then the other one does it */
  rb_allocator a = rb_allocator_used();
  assert_int_not_equal(a.kind, RB_ALLOCATOR_JEMALLOC);
  assert_int_equal(rb_allocator_release(), a.kind);
  refuses_all = false;
}

static void the_allocator_that_is_linked_is_asked(void **state) {
  (void)state;
  rb_allocator a = rb_allocator_used();
  assert_int_equal(a.kind, RB_ALLOCATOR_JEMALLOC);
  assert_int_equal(a.held, 3000);
  assert_int_equal(a.in_use, 2000);
  for (refused = 1; refused <= 3; refused++) { /* what it refuses, the other one tells */
    asked = 0;
    a = rb_allocator_used();
    assert_int_not_equal(a.kind, RB_ALLOCATOR_JEMALLOC);
    assert_true(a.kind == RB_ALLOCATOR_GLIBC || a.held + a.in_use == 0);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, plain, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(figures_follow_what_is_done),
      CASE(a_database_without_a_cache_has_none),
      CASE(stalls_are_read_in_the_words_of_every_version),
      CASE(what_rocksdb_does_not_tell_is_zero),
      CASE(the_allocator_that_is_linked_is_asked),
      CASE(the_allocator_that_is_linked_gives_memory_back),
  };
  return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
