/*
 * compact_test.c: compactions of ranges by hand. RocksDB's C API has some of their options
 * from 9.11 or 11.6 on; this program defines the functions, so that the glue finds them under any
 * version.
 */
/* link: -Wl,--wrap=rocksdb_compact_range_cf_opt -Wl,--wrap=rocksdb_suggest_compact_range_cf */
#include "fixture.h"

#include "cxx.h"
#include "later.h"

/* What the glue told. */
static int subcompactions;
static int allow_stall;
static int blobs;
static double blob_age;

void rocksdb_compactoptions_set_max_subcompactions(rocksdb_compactoptions_t *o, int v) {
  assert_non_null(o);
  subcompactions = v;
}

void rocksdb_compactoptions_set_allow_write_stall(rocksdb_compactoptions_t *o, unsigned char v) {
  assert_non_null(o);
  allow_stall = v;
}

void rocksdb_compactoptions_set_blob_garbage_collection_policy(rocksdb_compactoptions_t *o, int v) {
  assert_non_null(o);
  blobs = v;
}

void rocksdb_compactoptions_set_blob_garbage_collection_age_cutoff(rocksdb_compactoptions_t *o,
                                                                   double v) {
  assert_non_null(o);
  blob_age = v;
}

static rb_family *create(struct fixture *f, const char *name) {
  /* The default changed: compaction goes from level 0 to level 1 without it, else to the last. */
  static const char levels[] = "level_compaction_dynamic_level_bytes=false";
  rb_family_result r = rb_family_create(f->db, name, fx_defaults().family, levels);
  fx_ok(r.status);
  return r.family;
}

static const char level0[] = "rocksdb.num-files-at-level0";
static const char level1[] = "rocksdb.num-files-at-level1";

static unsigned ranges; /* that RocksDB was asked to compact */

void __real_rocksdb_compact_range_cf_opt(rocksdb_t *db, rocksdb_column_family_handle_t *f,
                                         rocksdb_compactoptions_t *o, const char *from,
                                         size_t from_len, const char *to, size_t to_len);
void __wrap_rocksdb_compact_range_cf_opt(rocksdb_t *db, rocksdb_column_family_handle_t *f,
                                         rocksdb_compactoptions_t *o, const char *from,
                                         size_t from_len, const char *to, size_t to_len);
void __wrap_rocksdb_compact_range_cf_opt(rocksdb_t *db, rocksdb_column_family_handle_t *f,
                                         rocksdb_compactoptions_t *o, const char *from,
                                         size_t from_len, const char *to, size_t to_len) {
  ranges++;
  __real_rocksdb_compact_range_cf_opt(db, f, o, from, from_len, to, to_len);
}

static rb_status compact(rb_family *c, rb_compaction how) {
  return rb_compact_with(c, 0, NULL, 0, 0, NULL, 0, how);
}

/* Puts a file of two rows into level 0. */
static void add_file(struct fixture *f, rb_family *c) {
  fx_put(c, "a", "value");
  fx_put(c, "z", "value");
  fx_ok(rb_flush(f->db, &c, 1));
}

static int files_at(rb_family *c, int level) {
  char name[64];
  (void)snprintf(name, sizeof name, "rocksdb.num-files-at-level%d", level);
  return (int)fx_number(c, name);
}

static void compact_takes_only_files_of_the_range(void **state) {
  struct fixture *f = *state;
  static const struct {
    uint8_t has_start, has_end;
    const char *start, *end;
    bool reaches_file; /* which holds the keys f to h */
  } cases[] = {
      {0, 0, "", "", true},   {1, 1, "a", "g", true}, {1, 1, "g", "z", true},
      {1, 0, "g", "", true},  {0, 1, "", "g", true},  {1, 1, "a", "c", false},
      {1, 0, "x", "", false}, {0, 1, "", "a", false}, {1, 1, "x", "z", false},
      {1, 0, "", "", true},   {0, 1, "", "", false},  {1, 1, "", "h", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    rb_family *c = create(f, (char[]){(char)('A' + (char)i), '\0'});
    fx_put(c, "f", "value");
    fx_put(c, "h", "value");
    fx_ok(rb_flush(f->db, &c, 1));
    fx_ok(rb_compact(c, cases[i].has_start, BYTES(cases[i].start), cases[i].has_end,
                     BYTES(cases[i].end)));
    assert_int_equal(fx_number(c, level0), cases[i].reaches_file ? 0 : 1);
    assert_int_equal(fx_number(c, level1), cases[i].reaches_file ? 1 : 0);
  }
}

static void an_empty_bound_needs_no_bytes(void **state) {
  struct fixture *f = *state;
  rb_family *c = create(f, "other");
  fx_put(c, "key", "value");
  fx_ok(rb_flush(f->db, &c, 1));
  fx_ok(rb_compact(c, 0, NULL, 0, 1, NULL, 0)); /* up to the empty key: nothing */
  assert_int_equal(fx_number(c, level0), 1);
  fx_ok(rb_compact(c, 1, NULL, 0, 0, NULL, 0)); /* from the empty key on: everything */
  assert_int_equal(fx_number(c, level1), 1);
}

/* Damages the only table file of a family and opens the database again. */
static rb_family *damaged(struct fixture *f, const char *name) {
  rb_family *c = strcmp(name, "default") == 0 ? f->family : create(f, name);
  fx_put(c, "key", "value");
  fx_put(c, "key2", "value");
  fx_ok(rb_flush(f->db, &c, 1));
  fx_close(f);
  fx_damage(f, "value", 1);
  rb_plan *p = rb_plan_new(f->dir, (rb_db_options){0});
  assert_non_null(p);
  fx_ok(rb_plan_family(p, "default", fx_defaults().family, NULL));
  if (strcmp(name, "default") != 0) {
    fx_ok(rb_plan_family(p, name, fx_defaults().family, NULL));
  }
  rb_opened o = rb_plan_open(p);
  rb_plan_free(p);
  fx_ok(o.status);
  f->db = o.db;
  f->family = rb_family_find(f->db, "default").family;
  /* A second file around the first, so that compaction has to merge rather than to move. */
  c = rb_family_find(f->db, name).family;
  fx_put(c, "a", "value");
  fx_put(c, "z", "value");
  fx_ok(rb_flush(f->db, &c, 1));
  return c;
}

static void a_compaction_that_meets_damage_says_so(void **state) {
  struct fixture *f = *state;
  fx_error(rb_compact(damaged(f, "default"), 0, NULL, 0, 0, NULL, 0), RB_IO, "background");
}

static void a_compaction_that_meets_damage_in_any_family_says_so(void **state) {
  struct fixture *f = *state;
  fx_error(rb_compact(damaged(f, "other"), 0, NULL, 0, 0, NULL, 0), RB_IO, "background");
}

static void a_compaction_does_nothing_while_it_is_paused(void **state) {
  struct fixture *f = *state;
  for (int i = 0; i < 2; i++) {
    fx_put(f->family, "key", "value");
    fx_flush(f);
  }
  rb_pause_compaction(f->db);
  rb_pause_compaction(f->db);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  rb_resume_compaction(f->db);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  assert_int_equal(fx_number(f->family, "rocksdb.num-files-at-level0"), 2);
  rb_resume_compaction(f->db);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  assert_int_equal(fx_number(f->family, "rocksdb.num-files-at-level0"), 0);
}

static void files_move_to_the_level_that_is_asked_for(void **state) {
  struct fixture *f = *state;
  rb_family *c = create(f, "other");
  rb_compaction how = RB_COMPACTION_DEFAULT;
  how.change_level = 1;
  for (int level = 6; level > 0; level--) {
    how.target = level;
    fx_ok(compact(c, how)); /* there are no files */
  }
  add_file(f, c);
  how.target = 4;
  fx_ok(compact(c, how));
  assert_int_equal(files_at(c, 4), 1);
  how.target = 2;
  fx_ok(compact(c, how));
  assert_int_equal(files_at(c, 2), 1);
  assert_int_equal(files_at(c, 4), 0);
  how.target = -1; /* the first that has room */
  fx_ok(compact(c, how));
  assert_int_equal(files_at(c, 1), 1);
  how.change_level = 0;
  how.target = 5;
  fx_ok(compact(c, how));
  assert_int_equal(files_at(c, 1), 1);
}

/* A file stands between the level where the range lies and the one that it is to move to. */
static void files_that_cannot_move_are_told(void **state) {
  struct fixture *f = *state;
  rb_family *c = create(f, "other");
  rb_compaction how = RB_COMPACTION_DEFAULT;
  how.change_level = 1;
  add_file(f, c);
  how.target = 3;
  fx_ok(compact(c, how));
  fx_put(c, "zz", "value");
  fx_ok(rb_flush(f->db, &c, 1));
  how.target = 2;
  fx_ok(rb_compact_with(c, 1, BYTES("zz"), 0, NULL, 0, how));
  assert_int_equal(files_at(c, 2), 1);
  how.target = 1;
  fx_error(rb_compact_with(c, 1, BYTES("a"), 1, BYTES("b"), how),
           rb_cxx_offered() ? RB_UNSUPPORTED : RB_TRY_AGAIN, "evel");
  assert_int_equal(files_at(c, 3), 1);
  assert_int_equal(files_at(c, 1), 0);
}

static void levels_that_are_not_there_are_refused(void **state) {
  struct fixture *f = *state;
  add_file(f, f->family);
  rb_compaction how = RB_COMPACTION_DEFAULT;
  how.change_level = 1;
  how.target = 0;
  fx_error(compact(f->family, how), RB_INVALID_ARGUMENT, "level");
  how.target = 7;
  fx_error(compact(f->family, how), RB_INVALID_ARGUMENT, "level");
  rb_family_result r = rb_family_create(f->db, "fifo", fx_defaults().family,
                                        "compaction_style=kCompactionStyleFIFO");
  fx_ok(r.status);
  how.target = 1;
  fx_error(compact(r.family, how), RB_INVALID_ARGUMENT, "FIFO");
  assert_int_equal(files_at(f->family, 0), 1);
}

/* Puts a file with the row m into the lowest level of a family, up to RocksDB 9.0. */
static void ingest_row(struct fixture *f, rb_family *c) {
  char paths[RB_PATH + 1] = {0};
  assert_true(snprintf(paths, RB_PATH, "%s/table.sst", f->root) < RB_PATH);
  rb_plan *p = rb_plan_new("", fx_defaults().db);
  assert_non_null(p);
  fx_ok(rb_plan_family(p, "default", fx_defaults().family, NULL));
  rb_sst_result r = rb_plan_sst(p, "default", paths);
  rb_plan_free(p);
  fx_ok(r.status);
  fx_ok(rb_sst_row(r.writer, RB_PUT, BYTES("m"), BYTES("ingested")).status);
  fx_ok(rb_sst_finish(r.writer).status);
  rb_sst_free(r.writer);
  fx_ok(rb_ingest(c, paths, 1, (rb_ingest_options){0}));
}

/* RocksDB's FIFO compaction knows of level 0 only, so it is not asked where there is another. */
static void ingested_files_of_a_fifo_family_are_left_alone(void **state) {
  struct fixture *f = *state;
  rb_family_result r = rb_family_create(f->db, "fifo", fx_defaults().family,
                                        "compaction_style=kCompactionStyleFIFO");
  fx_ok(r.status);
  fx_put(r.family, "b", "put");
  ranges = 0;
  fx_ok(rb_compact(r.family, 0, NULL, 0, 0, NULL, 0));
  assert_int_equal(ranges, rb_cxx_offered() ? 0 : 1);
  int level0_before = files_at(r.family, 0);
  ingest_row(f, r.family);
  if (files_at(r.family, 0) > level0_before) {
    skip(); /* 9.0 leaves it there */
  }
  fx_put(r.family, "n", "put");
  ranges = 0;
  fx_ok(rb_compact(r.family, 0, NULL, 0, 0, NULL, 0));
  assert_int_equal(ranges, 0);
  assert_int_equal(files_at(r.family, 0), level0_before + 1); /* it was flushed */
  assert_int_equal(fx_number(r.family, "rocksdb.num-entries-active-mem-table"), 0);
  fx_expect(r.family, NULL, "b", "put");
  fx_expect(r.family, NULL, "m", "ingested");
  fx_expect(r.family, NULL, "n", "put");
}

/* Where no file is, none has failed to move. */
static void a_family_without_files_moves_none(void **state) {
  struct fixture *f = *state;
  rb_compaction how = RB_COMPACTION_DEFAULT;
  how.change_level = 1;
  how.target = 2;
  fx_ok(compact(f->family, how));
  assert_int_equal(files_at(f->family, 2), 0);
}

/* The name of the only table file. */
static char *file_of(struct fixture *f) {
  rb_live_files r = rb_live_files_get(f->db);
  fx_ok(r.status);
  assert_int_equal(r.count, 1);
  uint64_t n[RB_LIVE_NUMBERS];
  memcpy(n, r.data, sizeof n);
  char *name = calloc(1, n[5] + 1);
  assert_non_null(name);
  memcpy(name, r.data + sizeof n + n[4], n[5]);
  rb_free(r.data);
  return name;
}

static void the_last_level_is_compacted_as_told(void **state) {
  struct fixture *f = *state;
  add_file(f, f->family);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  static const struct {
    uint8_t bottommost;
    bool anew;
  } cases[] = {{RB_BOTTOMMOST_IF_FILTERED, false},
               {RB_BOTTOMMOST_SKIP, false},
               {RB_BOTTOMMOST_FORCE, true},
               {RB_BOTTOMMOST_FORCE_ONCE, true}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *before = file_of(f);
    rb_compaction how = RB_COMPACTION_DEFAULT;
    how.bottommost = cases[i].bottommost;
    how.exclusive = (uint8_t)(i % 2);
    fx_ok(compact(f->family, how));
    char *after = file_of(f);
    assert_int_equal(strcmp(before, after) != 0, cases[i].anew);
    free(before);
    free(after);
  }
}

static void what_later_versions_have_is_told_to_them(void **state) {
  struct fixture *f = *state;
  assert_int_equal(rb_supports(RB_FEATURE_COMPACT_PARTS), 1);
  assert_int_equal(rb_supports(RB_FEATURE_COMPACT_BLOBS), 1);
  rb_compaction how = RB_COMPACTION_DEFAULT;
  how.subcompactions = 3;
  how.allow_stall = 1;
  how.blobs = RB_BLOBS_COLLECT;
  how.blob_age = 0.5;
  fx_ok(compact(f->family, how));
  if (rb_cxx_offered()) {
    return; /* it has them of its own */
  }
  assert_int_equal(subcompactions, 3);
  assert_int_equal(allow_stall, 1);
  assert_int_equal(blobs, RB_BLOBS_COLLECT);
  assert_true(blob_age == 0.5);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  assert_int_equal(subcompactions, 0);
  assert_int_equal(allow_stall, 0);
  assert_int_equal(blobs, RB_BLOBS_AS_SET);
  assert_true(blob_age == -1);
}

static const char *refusal; /* of a suggestion */

void __real_rocksdb_suggest_compact_range_cf(rocksdb_t *db, rocksdb_column_family_handle_t *f,
                                             const char *from, size_t from_len, const char *to,
                                             size_t to_len, char **err);
void __wrap_rocksdb_suggest_compact_range_cf(rocksdb_t *db, rocksdb_column_family_handle_t *f,
                                             const char *from, size_t from_len, const char *to,
                                             size_t to_len, char **err);
void __wrap_rocksdb_suggest_compact_range_cf(rocksdb_t *db, rocksdb_column_family_handle_t *f,
                                             const char *from, size_t from_len, const char *to,
                                             size_t to_len, char **err) {
  if (refusal != NULL) {
    *err = strdup(refusal);
    return;
  }
  __real_rocksdb_suggest_compact_range_cf(db, f, from, from_len, to, to_len, err);
}

static void a_suggestion_marks_the_files_of_its_range(void **state) {
  struct fixture *f = *state;
  static const struct {
    uint8_t has_start, has_end;
    const char *start, *end;
    bool reaches_file; /* which holds the keys f to h */
  } cases[] = {
      {0, 0, "", "", true},   {1, 1, "a", "g", true}, {1, 1, "h", "z", true},
      {1, 0, "g", "", true},  {0, 1, "", "f", true},  {1, 1, "a", "c", false},
      {1, 0, "x", "", false}, {0, 1, "", "a", false}, {1, 1, "x", "z", false},
      {1, 0, "", "", true},   {0, 1, "", "", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    rb_family_result r =
        rb_family_create(f->db, (char[]){(char)('A' + (char)i), '\0'}, fx_defaults().family,
                         "disable_auto_compactions=true"); /* what is marked stays so */
    fx_ok(r.status);
    add_file(f, r.family);
    fx_ok(rb_compact(r.family, 0, NULL, 0, 0, NULL, 0));
    fx_put(r.family, "f", "value");
    fx_put(r.family, "h", "value");
    fx_ok(rb_flush(f->db, &r.family, 1));
    assert_int_equal(fx_number(r.family, "rocksdb.compaction-pending"), 0);
    bool bytes = i % 2 != 0; /* an empty bound needs none */
    fx_ok(rb_suggest_compact(r.family, cases[i].has_start,
                             bytes || cases[i].start[0] != '\0' ? U8(cases[i].start) : NULL,
                             strlen(cases[i].start), cases[i].has_end,
                             bytes || cases[i].end[0] != '\0' ? U8(cases[i].end) : NULL,
                             strlen(cases[i].end)));
    assert_int_equal(fx_number(r.family, "rocksdb.compaction-pending"), cases[i].reaches_file);
  }
}

static void a_suggestion_is_refused(void **state) {
  struct fixture *f = *state;
  refusal = "IO error: no";
  rb_status s = rb_suggest_compact(f->family, 0, NULL, 0, 0, NULL, 0);
  refusal = NULL;
  fx_error(s, RB_IO, "no");
  struct setup read_only = fx_defaults();
  read_only.db.read_only = 1;
  fx_open(f, read_only);
  fx_error(rb_suggest_compact(f->family, 0, NULL, 0, 0, NULL, 0), RB_READ_ONLY, NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(compact_takes_only_files_of_the_range),
      CASE(an_empty_bound_needs_no_bytes),
      CASE(a_compaction_that_meets_damage_says_so),
      CASE(a_compaction_that_meets_damage_in_any_family_says_so),
      CASE(a_compaction_does_nothing_while_it_is_paused),
      CASE(files_move_to_the_level_that_is_asked_for),
      CASE(files_that_cannot_move_are_told),
      CASE(levels_that_are_not_there_are_refused),
      CASE(ingested_files_of_a_fifo_family_are_left_alone),
      CASE(a_family_without_files_moves_none),
      CASE(the_last_level_is_compacted_as_told),
      CASE(what_later_versions_have_is_told_to_them),
      CASE(a_suggestion_marks_the_files_of_its_range),
      CASE(a_suggestion_is_refused),
  };
  return cmocka_run_group_tests_name("compact", tests, NULL, NULL);
}
