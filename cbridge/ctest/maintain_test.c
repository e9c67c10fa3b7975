/* maintain_test.c: files that are dropped, and databases that are deleted. */
#include "fixture.h"

static const char level1[] = "rocksdb.num-files-at-level1";

/* A family with one file below level 0, which holds the keys f to h. */
static rb_family *with_file(struct fixture *f, const char *name) {
  static const char levels[] = "level_compaction_dynamic_level_bytes=false";
  rb_family_result r = rb_family_create(f->db, name, fx_defaults().family, levels);
  fx_ok(r.status);
  fx_put(r.family, "f", "value");
  fx_put(r.family, "h", "value");
  fx_ok(rb_flush(f->db, &r.family, 1));
  fx_ok(rb_compact(r.family, 0, NULL, 0, 0, NULL, 0));
  assert_int_equal(fx_number(r.family, level1), 1);
  return r.family;
}

static void files_within_the_range_are_dropped(void **state) {
  struct fixture *f = *state;
  static const struct {
    uint8_t has_start, has_end;
    const char *start, *end;
    bool within;
  } cases[] = {
      {0, 0, "", "", true},    {1, 1, "f", "h", true},  {1, 1, "a", "z", true},
      {1, 0, "f", "", true},   {0, 1, "", "h", true},   {1, 1, "f", "gz", false},
      {1, 1, "g", "z", false}, {1, 0, "fa", "", false}, {0, 1, "", "", false},
      {1, 0, "", "", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    rb_family *c = with_file(f, (char[]){(char)('A' + (char)i), '\0'});
    fx_ok(rb_delete_files(c, cases[i].has_start, BYTES(cases[i].start), cases[i].has_end,
                          BYTES(cases[i].end)));
    assert_int_equal(fx_number(c, level1), cases[i].within ? 0 : 1);
    fx_expect(c, NULL, "f", cases[i].within ? NULL : "value");
  }
  rb_family *c = with_file(f, "no bytes");
  fx_ok(rb_delete_files(c, 0, NULL, 0, 1, NULL, 0)); /* up to the empty key */
  assert_int_equal(fx_number(c, level1), 1);
  fx_ok(rb_delete_files(c, 1, NULL, 0, 0, NULL, 0)); /* from the empty key on */
  assert_int_equal(fx_number(c, level1), 0);
}

static void a_read_only_database_keeps_its_files(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.db.read_only = 1;
  fx_put(f->family, "key", "value");
  fx_open(f, s);
  fx_error(rb_delete_files(f->family, 0, NULL, 0, 0, NULL, 0), RB_READ_ONLY, NULL);
}

static void destroy_needs_a_database_that_is_closed(void **state) {
  struct fixture *f = *state;
  char logs[RB_PATH];
  snprintf(logs, sizeof logs, "%s/logs", f->root);
  fx_error(rb_destroy(NULL, f->dir, NULL), RB_LOCKED, NULL);
  fx_put(f->family, "key", "value");
  fx_expect(f->family, NULL, "key", "value");
  fx_close(f);
  fx_ok(rb_destroy(NULL, f->dir, NULL));
  assert_int_equal(access(f->dir, F_OK), -1);

  char extra[RB_PATH + 16];
  snprintf(extra, sizeof extra, "wal_dir=%s", logs);
  struct setup s = fx_defaults();
  s.db_extra = extra;
  fx_open(f, s);
  fx_put(f->family, "key", "value");
  fx_close(f);
  assert_int_equal(access(logs, F_OK), 0);
  fx_ok(rb_destroy(NULL, f->dir, logs));
  assert_int_equal(access(f->dir, F_OK), -1);
  assert_int_equal(access(logs, F_OK), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(files_within_the_range_are_dropped, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(a_read_only_database_keeps_its_files, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(destroy_needs_a_database_that_is_closed, fx_new, fx_free),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
