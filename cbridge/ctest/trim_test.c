/* trim_test.c: databases that are cut back to a timestamp. */
#include "fixture.h"

#include "handles.h"

static struct setup stamped(void) {
  struct setup s = fx_defaults();
  s.family.operators.stamped = 1;
  return s;
}

/* An open database whose key "k" has the values "1", "2" and "3" as of these. */
static int set_up(void **state) {
  fx_new_empty(state);
  struct fixture *f = *state;
  fx_open(f, stamped());
  for (uint8_t at = 1; at <= 3; at++) {
    uint8_t rep[32] = {0};
    size_t n = 12;
    rep[8] = 1;
    rep[n++] = 1;
    rep[n++] = 1 + RB_STAMP;
    rep[n++] = 'k';
    memcpy(rep + n, rb_stamp_of(at).bytes, RB_STAMP);
    n += RB_STAMP;
    rep[n++] = 1;
    rep[n++] = (uint8_t)('0' + at);
    fx_ok(rb_write(f->db, 0, rep, n));
  }
  return 0;
}

static rb_plan *plan(const struct fixture *f, const char *db_extra, const char *extra) {
  struct setup s = stamped();
  rb_plan *p = rb_plan_new(f->dir, s.db);
  assert_non_null(p);
  if (db_extra != NULL) {
    fx_ok(rb_plan_extra(p, db_extra));
  }
  fx_ok(rb_plan_family(p, "default", s.family, extra));
  return p;
}

static void newest(const struct fixture *f, uint64_t at) {
  rb_stamped v = rb_get_stamped(f->family, NULL, 0, 0, UINT64_MAX, BYTES("k"));
  fx_ok(v.status);
  assert_int_equal(v.timestamp, at);
  assert_int_equal(v.len, 1);
  assert_int_equal(v.data[0], '0' + at);
  rb_free(v.data);
}

static void what_is_newer_is_dropped(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  rb_plan *p = plan(f, NULL, NULL);
  uint8_t automatic = 0;
  fx_ok(rb_plan_trim(p, "default", 2, &automatic));
  assert_int_equal(automatic, 1);
  assert_true(rocksdb_options_get_disable_auto_compactions(
      (rocksdb_options_t *)rb_plan_options(p, "default")));
  fx_ok(rb_plan_trim(p, "default", 2, &automatic));
  assert_int_equal(automatic, 0);
  rb_opened o = rb_plan_open(p);
  rb_plan_free(p);
  fx_ok(o.status);
  rb_close(o.db);
  fx_open(f, stamped());
  newest(f, 2);
}

static void what_cannot_be_cut_back_is_refused(void **state) {
  struct fixture *f = *state;
  uint8_t automatic = 9;
  fx_close(f);
  rb_plan *p = plan(f, NULL, "compaction_style=kCompactionStyleFIFO");
  fx_error(rb_plan_trim(p, "default", 2, &automatic), RB_UNSUPPORTED, "FIFO");
  fx_error(rb_plan_trim(p, "other", 2, &automatic), RB_NOT_FOUND, NULL);
  assert_int_equal(automatic, 9);
  rb_plan_free(p);

  p = plan(f, "avoid_flush_during_recovery=true", NULL);
  fx_ok(rb_plan_trim(p, "default", 2, &automatic));
  rb_opened o = rb_plan_open(p);
  rb_plan_free(p);
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "avoid_flush_during_recovery");
  fx_open(f, stamped());
  newest(f, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_newer_is_dropped, set_up, fx_free),
      cmocka_unit_test_setup_teardown(what_cannot_be_cut_back_is_refused, set_up, fx_free),
  };
  return cmocka_run_group_tests_name("trim", tests, NULL, NULL);
}
