/* repair_test.c: databases whose files are put together anew. */
#include "fixture.h"

static rb_plan *plan(const struct fixture *f, const char *family) {
  rb_plan *p = rb_plan_new(f->dir, fx_defaults().db);
  assert_non_null(p);
  fx_ok(rb_plan_family(p, family, fx_defaults().family, NULL));
  return p;
}

static rb_status repair(const struct fixture *f, const char *logs) {
  rb_plan *p = plan(f, "default");
  rb_status s = rb_plan_repair(p, logs);
  rb_plan_free(p);
  return s;
}

/* Removes what says which file is the manifest: the database does not open without it. */
static void lose_manifest(struct fixture *f, struct setup s) {
  char path[RB_PATH];
  fx_close(f);
  assert_true(snprintf(path, sizeof path, "%s/CURRENT", f->dir) < RB_PATH);
  assert_int_equal(remove(path), 0);
  s.db.error_if_missing = 1;
  rb_opened o = fx_try_open(f->dir, s);
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "does not exist");
}

static void files_and_logs_are_found_again(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "in file", "one");
  fx_flush(f);
  fx_put(f->family, "in log", "two");
  lose_manifest(f, fx_defaults());
  fx_ok(repair(f, NULL));
  fx_open(f, fx_defaults());
  fx_expect(f->family, NULL, "in file", "one");
  fx_expect(f->family, NULL, "in log", "two");
}

static void logs_lie_where_it_is_said(void **state) {
  struct fixture *f = *state;
  char logs[RB_PATH], extra[RB_PATH + 16];
  assert_true(snprintf(logs, sizeof logs, "%s/logs", f->root) < RB_PATH);
  (void)snprintf(extra, sizeof extra, "wal_dir=%s", logs);
  struct setup s = fx_defaults();
  s.db_extra = extra;
  fx_open(f, s);
  fx_put(f->family, "in file", "one");
  fx_flush(f);
  fx_put(f->family, "in log", "two");
  lose_manifest(f, s);
  fx_ok(repair(f, logs));
  fx_open(f, fx_defaults()); /* which reads no logs there: the rows are in files */
  fx_expect(f->family, NULL, "in file", "one");
  fx_expect(f->family, NULL, "in log", "two");
}

static void nobody_may_have_it_open(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  fx_error(repair(f, NULL), RB_LOCKED, NULL);
  fx_expect(f->family, NULL, "key", "value");
}

static void a_plan_needs_a_default_family(void **state) {
  struct fixture *f = *state;
  rb_plan *p = plan(f, "other");
  fx_error(rb_plan_repair(p, NULL), RB_NOT_FOUND, "default");
  rb_plan_free(p);
  assert_int_equal(access(f->dir, F_OK), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(files_and_logs_are_found_again, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(logs_lie_where_it_is_said, fx_new_empty, fx_free),
      cmocka_unit_test_setup_teardown(nobody_may_have_it_open, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(a_plan_needs_a_default_family, fx_new_empty, fx_free),
  };
  return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
