/* options_test.c: options of a database and its families, typed, by name and from disk. */
#include "fixture.h"

#include "rocksdb/c.h"

static const rb_family_options plain = {.compression = RB_NO_COMPRESSION};

static rb_plan *new_plan(const char *dir, rb_db_options o) {
  rb_plan *p = rb_plan_new(dir, o);
  assert_non_null(p);
  return p;
}

static void options_by_name_reach_the_database(void **state) {
  struct fixture *f = *state;
  char wal[RB_PATH + 32], extra[RB_PATH + 64];
  snprintf(wal, sizeof wal, "%s/wal", f->root);
  snprintf(extra, sizeof extra, "wal_dir=%s;max_open_files=100", wal);
  struct setup s = fx_defaults();
  s.db_extra = extra;
  fx_open(f, s);
  struct stat st;
  assert_int_equal(stat(wal, &st), 0);
}

static void an_unknown_option_is_named(void **state) {
  struct fixture *f = *state;
  rb_plan *p = new_plan(f->dir, (rb_db_options){0});
  fx_error(rb_plan_extra(p, "max_open_files=100;no_such_thing=1"), RB_INVALID_ARGUMENT,
           "no_such_thing");
  fx_error(rb_plan_extra(p, "max_open_files=many"), RB_INVALID_ARGUMENT, "max_open_files");
  fx_error(rb_plan_family(p, "default", plain, "nor_this=1"), RB_INVALID_ARGUMENT, "nor_this");
  fx_error(rb_plan_family(p, "default", plain, "{"), RB_INVALID_ARGUMENT, NULL);
  /* A plan goes on after a mistake as if it had not been made. */
  fx_ok(rb_plan_family(p, "default", plain, ""));
  rb_opened o = rb_plan_open(p);
  fx_ok(o.status);
  rb_close(o.db);
  rb_plan_free(p);
}

/* Asserts that a line stands in the section of the newest OPTIONS file that head begins. */
static void expect_option(const struct fixture *f, const char *head, const char *line) {
  char path[RB_PATH], text[512];
  fx_newest_options(f, path);
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  bool inside = false, found = false;
  while (!found && fgets(text, sizeof text, file) != NULL) {
    char *start = text + strspn(text, " ");
    start[strcspn(start, "\n")] = '\0';
    inside = start[0] == '[' ? strcmp(start, head) == 0 : inside;
    found = inside && strcmp(start, line) == 0;
  }
  fclose(file);
  if (!found) {
    fail_msg("no \"%s\" in %s", line, head);
  }
}

static const char default_family[] = "[CFOptions \"default\"]";
static const char default_table[] = "[TableOptions/BlockBasedTable \"default\"]";

static void extra_options_go_on_top_of_the_typed_ones(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family.write_buffer_size = 1 << 20;
  s.family.block_size = 2048;
  s.family.bloom_bits_per_key = 10;
  s.family.operators.merge_kind = RB_MERGE_UINT64_ADD;
  s.family_extra = "write_buffer_size=2097152;block_based_table_factory={block_restart_interval=7}";
  fx_open(f, s);
  expect_option(f, default_family, "write_buffer_size=2097152");
  expect_option(f, default_family, "compression=kNoCompression");
  expect_option(f, default_table, "block_restart_interval=7");
  expect_option(f, default_table, "block_size=2048");
  expect_option(f, default_table, "format_version=5");
  assert_int_equal(fx_number(f->family, "rocksdb.block-cache-capacity"), 8 << 20);
  uint64_t one = 1;
  for (int i = 0; i < 3; i++) {
    fx_ok(rb_apply(f->family, RB_MERGE, 0, BYTES("n"), (uint8_t *)&one, sizeof one));
  }
  uint64_t sum = 0;
  fx_ok(rb_get(f->family, NULL, 0, 0, BYTES("n"), (uint8_t *)&sum, sizeof sum).status);
  assert_int_equal(sum, 3);
}

static void options_of_the_default_family_may_stand_among_the_databases(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family.block_size = 2048;
  s.db_extra = "max_write_buffer_number=7;block_based_table_factory={block_restart_interval=9}";
  s.family_extra = "block_based_table_factory={index_block_restart_interval=3}";
  fx_open(f, s);
  expect_option(f, default_family, "max_write_buffer_number=7");
  expect_option(f, default_table, "block_size=2048");
  expect_option(f, default_table, "block_restart_interval=9");
  expect_option(f, default_table, "index_block_restart_interval=3");
  assert_int_equal(fx_number(f->family, "rocksdb.block-cache-capacity"), 8 << 20);
}

static void extra_texts_add_up(void **state) {
  struct fixture *f = *state;
  rb_plan *p = new_plan(f->dir, (rb_db_options){0});
  fx_ok(rb_plan_extra(p, "max_open_files=100"));
  fx_ok(rb_plan_extra(p, "max_background_jobs=3;max_write_buffer_number=7"));
  fx_ok(rb_plan_family(p, "default", plain, NULL));
  rb_opened o = rb_plan_open(p);
  fx_ok(o.status);
  rb_close(o.db);
  rb_plan_free(p);
  expect_option(f, "[DBOptions]", "keep_log_file_num=10");
  expect_option(f, "[DBOptions]", "max_open_files=100");
  expect_option(f, "[DBOptions]", "max_background_jobs=3");
  expect_option(f, default_family, "max_write_buffer_number=7");
}

static void the_block_cache_has_the_size_asked_for(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.db.block_cache_size = 0;
  fx_open(f, s);
  assert_int_equal(fx_number(f->family, "rocksdb.block-cache-capacity"), 128 << 20);
  rb_family_result r = rb_family_create(f->db, "same", plain, NULL);
  fx_ok(r.status);
  assert_int_equal(fx_number(r.family, "rocksdb.block-cache-capacity"), 128 << 20);
}

static void a_negative_size_means_no_block_cache(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.db.block_cache_size = -1;
  fx_open(f, s);
  expect_option(f, default_table, "no_block_cache=true");
  assert_null(rb_property(f->family, "rocksdb.block-cache-capacity"));
}

static void an_order_other_than_bytewise_is_refused(void **state) {
  struct fixture *f = *state;
  static const char *const texts[] = {
      "comparator=rocksdb.ReverseBytewiseComparator",
      "max_open_files=9;comparator = {id=rocksdb.ReverseBytewiseComparator}",
      "x={comparator=y}",
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    rb_plan *p = new_plan(f->dir, (rb_db_options){0});
    fx_error(rb_plan_extra(p, texts[i]), RB_UNSUPPORTED, "comparator");
    fx_error(rb_plan_family(p, "default", plain, texts[i]), RB_UNSUPPORTED, "comparator");
    rb_plan_free(p);
  }
  rb_plan *p = new_plan(f->dir, (rb_db_options){0});
  fx_error(rb_plan_extra(p, "no_comparator=1"), RB_INVALID_ARGUMENT, "no_comparator");
  rb_plan_free(p);
  /* The word alone is no offence. */
  struct setup s = fx_defaults();
  char extra[RB_PATH + 64];
  snprintf(extra, sizeof extra, "wal_dir=%s/comparator", f->root);
  s.db_extra = extra;
  fx_open(f, s);
  fx_error(rb_family_create(f->db, "x", plain, texts[0]).status, RB_UNSUPPORTED, "comparator");
}

static void an_order_other_than_bytewise_on_disk_is_refused(void **state) {
  struct fixture *f = *state;
  char *err = NULL;
  rocksdb_options_t *base = rocksdb_options_create(), *o = rocksdb_options_create();
  rocksdb_get_options_from_string(
      base, "create_if_missing=true;comparator=rocksdb.ReverseBytewiseComparator", o, &err);
  assert_null(err);
  rocksdb_close(rocksdb_open(o, f->dir, &err));
  assert_null(err);
  rocksdb_options_destroy(o);
  rocksdb_options_destroy(base);
  rb_plan *p = new_plan(f->dir, (rb_db_options){0});
  fx_ok(rb_plan_family_from_disk(p, "default"));
  rb_opened opened = rb_plan_open(p);
  rb_plan_free(p);
  assert_null(opened.db);
  fx_error(opened.status, RB_INVALID_ARGUMENT, "rocksdb.ReverseBytewiseComparator");
}

static void memtables_that_forget_what_snapshots_show_are_refused(void **state) {
  struct fixture *f = *state;
  static const char text[] = "inplace_update_support=true;allow_concurrent_memtable_write=false";
  rb_plan *p = new_plan(f->dir, (rb_db_options){0});
  fx_error(rb_plan_family(p, "default", plain, text), RB_UNSUPPORTED, "inplace_update_support");
  fx_ok(rb_plan_extra(p, text));
  fx_error(rb_plan_family(p, "default", plain, NULL), RB_UNSUPPORTED, "inplace_update_support");
  rb_plan_free(p);
}

/* Makes a database whose second family has options of its own, and closes it. */
static void make_two_families(struct fixture *f) {
  struct setup s = fx_defaults();
  s.family_extra = "max_write_buffer_number=3";
  fx_open(f, s);
  rb_family_options o = {.compression = RB_NO_COMPRESSION,
                         .block_size = 2048,
                         .operators.merge_kind = RB_MERGE_UINT64_ADD};
  rb_family_result r = rb_family_create(f->db, "counters", o, "max_write_buffer_number=6");
  fx_ok(r.status);
  fx_put(r.family, "key", "value");
  fx_close(f);
}

static void families_from_disk_keep_their_own_options(void **state) {
  struct fixture *f = *state;
  make_two_families(f);
  for (int cached = 0; cached < 2; cached++) {
    rb_plan *p = new_plan(f->dir, (rb_db_options){.block_cache_size = cached ? 1 << 20 : -1});
    fx_ok(rb_plan_family_from_disk(p, "default"));
    fx_ok(rb_plan_family_from_disk(p, "counters"));
    rb_opened o = rb_plan_open(p);
    rb_plan_free(p);
    fx_ok(o.status);
    expect_option(f, default_family, "max_write_buffer_number=3");
    expect_option(f, "[CFOptions \"counters\"]", "max_write_buffer_number=6");
    expect_option(f, "[TableOptions/BlockBasedTable \"counters\"]", "block_size=2048");
    rb_family_result r = rb_family_find(o.db, "counters");
    fx_ok(r.status);
    fx_expect(r.family, NULL, "key", "value");
    uint64_t one = 1;
    fx_ok(rb_apply(r.family, RB_MERGE, 0, BYTES("n"), (uint8_t *)&one, sizeof one));
    assert_int_equal(fx_number(r.family, "rocksdb.block-cache-capacity"), cached ? 1 << 20 : 0);
    rb_close(o.db);
  }
}

/* What RocksDB cannot make by name is left out of a family from disk, until the plan is told. */
static void a_family_from_disk_is_given_its_operators(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.family.operators = (rb_operators){.merge_kind = RB_MERGE_APPEND,
                                      .merge_name = "our.append",
                                      .delimiter = U8("-"),
                                      .delimiter_len = 1,
                                      .filter_kind = RB_FILTER_PREFIXES,
                                      .filter_name = "our.filter",
                                      .prefixes = U8("\1\0\0\0x"),
                                      .prefixes_len = 5};
  fx_open(f, s);
  fx_put(f->family, "k", "a");
  fx_put(f->family, "x", "a");
  fx_ok(rb_apply(f->family, RB_MERGE, 0, BYTES("k"), BYTES("b")));
  fx_close(f);
  rb_plan *p = new_plan(f->dir, (rb_db_options){0});
  fx_error(rb_plan_operators(p, "default", s.family.operators), RB_NOT_FOUND, "family");
  fx_ok(rb_plan_family_from_disk(p, "default"));
  rb_operators none = {.merge_kind = RB_MERGE_SET + 1};
  fx_error(rb_plan_operators(p, "default", none), RB_INVALID_ARGUMENT, NULL);
  fx_ok(rb_plan_operators(p, "default", s.family.operators));
  rb_opened o = rb_plan_open(p);
  rb_plan_free(p);
  fx_ok(o.status);
  f->db = o.db;
  f->family = rb_family_find(o.db, "default").family;
  expect_option(f, default_family, "merge_operator=our.append");
  expect_option(f, default_family, "compaction_filter_factory=our.filter");
  fx_expect(f->family, NULL, "k", "a-b");
  fx_flush(f);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  fx_expect(f->family, NULL, "k", "a-b");
  fx_expect(f->family, NULL, "x", NULL);
}

static void a_family_that_the_disk_does_not_know_is_not_found(void **state) {
  struct fixture *f = *state;
  make_two_families(f);
  rb_plan *p = new_plan(f->dir, (rb_db_options){0});
  fx_error(rb_plan_family_from_disk(p, "nobody"), RB_NOT_FOUND, "OPTIONS");
  rb_plan_free(p);
  char nowhere[RB_PATH + 8];
  snprintf(nowhere, sizeof nowhere, "%s-not", f->dir);
  p = new_plan(nowhere, (rb_db_options){0});
  fx_error(rb_plan_family_from_disk(p, "default"), RB_NOT_FOUND, NULL);
  rb_plan_free(p);
}

static void bloom_bits_put_filters_into_the_files(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  for (int bits = 0; bits <= 10; bits += 10) {
    s.family.bloom_bits_per_key = bits;
    fx_open(f, s);
    fx_put(f->family, "key", "value");
    fx_flush(f);
    fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
    char *text = rb_property(f->family, "rocksdb.aggregated-table-properties");
    assert_non_null(text);
    const char *size = strstr(text, "filter block size=");
    assert_non_null(size);
    long bytes = strtol(size + strlen("filter block size="), NULL, 10);
    rb_free(text);
    assert_true(bits == 0 ? bytes == 0 : bytes > 0);
    fx_ok(rb_apply(f->family, RB_DELETE, 0, BYTES("key"), NULL, 0));
    fx_flush(f);
    fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new_empty, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(options_by_name_reach_the_database),
      CASE(an_unknown_option_is_named),
      CASE(extra_options_go_on_top_of_the_typed_ones),
      CASE(options_of_the_default_family_may_stand_among_the_databases),
      CASE(extra_texts_add_up),
      CASE(the_block_cache_has_the_size_asked_for),
      CASE(a_negative_size_means_no_block_cache),
      CASE(an_order_other_than_bytewise_is_refused),
      CASE(an_order_other_than_bytewise_on_disk_is_refused),
      CASE(memtables_that_forget_what_snapshots_show_are_refused),
      CASE(families_from_disk_keep_their_own_options),
      CASE(a_family_from_disk_is_given_its_operators),
      CASE(a_family_that_the_disk_does_not_know_is_not_found),
      CASE(bloom_bits_put_filters_into_the_files),
  };
  return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
