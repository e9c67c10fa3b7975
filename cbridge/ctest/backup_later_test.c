/*
 * backup_later_test.c: that the glue uses what later versions of RocksDB add to backups. This
 * program defines those functions itself, so that the weak references of the glue find them.
 */
#include "fixture.h"

#include "later.h"

static unsigned stops;
static int options_alive;
static unsigned char flushed;
static char note[16];
static size_t note_length;
static const char *refusal;

void rocksdb_backup_engine_stop_backup(rocksdb_backup_engine_t *be) {
  assert_non_null(be);
  stops++;
}

rocksdb_create_backup_options_t *rocksdb_create_backup_options_create(void) {
  static char object;
  options_alive++;
  return (rocksdb_create_backup_options_t *)&object;
}

void rocksdb_create_backup_options_destroy(rocksdb_create_backup_options_t *options) {
  assert_non_null(options);
  options_alive--;
}

void rocksdb_create_backup_options_set_flush_before_backup(rocksdb_create_backup_options_t *opt,
                                                           unsigned char v) {
  assert_non_null(opt);
  flushed = v;
}

void rocksdb_backup_engine_create_new_backup_with_metadata(
    rocksdb_backup_engine_t *be, rocksdb_t *db, const rocksdb_create_backup_options_t *options,
    const char *app_metadata, size_t app_metadata_len, uint32_t *backup_id, char **errptr) {
  assert_non_null(be);
  assert_non_null(db);
  assert_non_null(options);
  assert_true(app_metadata_len < sizeof note);
  memcpy(note, app_metadata, app_metadata_len);
  note_length = app_metadata_len;
  *backup_id = 7;
  if (refusal != NULL) {
    *errptr = strdup(refusal);
  }
}

static void notes_and_stops_reach_rocksdb(void **state) {
  struct fixture *f = *state;
  char dir[RB_PATH];
  snprintf(dir, sizeof dir, "%s/backups", f->root);
  rb_backups_result r = rb_backups_open(dir, (rb_backup_options){0});
  fx_ok(r.status);
  assert_true(rb_supports(RB_FEATURE_BACKUP_NOTE));
  assert_true(rb_supports(RB_FEATURE_BACKUP_STOP));
  for (uint8_t flush = 0; flush < 2; flush++) {
    rb_backup_made m = rb_backups_create(r.backups, f->db, flush, BYTES("note"));
    fx_ok(m.status);
    assert_int_equal(m.id, 7);
    assert_int_equal(flushed, flush);
    assert_int_equal(note_length, 4);
    assert_memory_equal(note, "note", 4);
  }
  refusal = "IO error: No space left on device: x";
  rb_backup_made m = rb_backups_create(r.backups, f->db, 0, BYTES("note"));
  fx_error(m.status, RB_NO_SPACE, "No space");
  assert_int_equal(m.id, 0);
  assert_int_equal(options_alive, 0);
  rb_backups_stop(r.backups);
  assert_int_equal(stops, 1);
  rb_backups_close(r.backups);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(notes_and_stops_reach_rocksdb, fx_new, fx_free),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
