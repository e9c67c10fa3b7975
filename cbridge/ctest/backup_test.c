/* backup_test.c: backups in a folder of their own. */
/* link: -Wl,--wrap=calloc */
#include "fixture.h"

#include "later.h"

static bool no_memory;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_memory ? NULL : __real_calloc(n, size); }

static const rb_backup_options plain = {0};

/* Opens a folder beside the database. */
static rb_backups *open_folder(const struct fixture *f) {
  char dir[RB_PATH];
  snprintf(dir, sizeof dir, "%s/backups", f->root);
  rb_backups_result r = rb_backups_open(dir, plain);
  fx_ok(r.status);
  assert_non_null(r.backups);
  return r.backups;
}

static uint32_t create(rb_backups *b, rb_db *db, uint8_t flush) {
  rb_backup_made m = rb_backups_create(b, db, flush, NULL, 0);
  fx_ok(m.status);
  return m.id;
}

/* Restores a backup to a new folder and opens what is there in place of the fixture's database. */
static void open_restored(struct fixture *f, rb_backups *b, uint32_t id) {
  fx_close(f);
  snprintf(f->dir, sizeof f->dir, "%s/restored-%u", f->root, id);
  fx_ok(rb_backups_restore(b, id, f->dir, f->dir));
  fx_open(f, fx_defaults());
}

static void backups_are_numbered_and_restored(void **state) {
  struct fixture *f = *state;
  rb_backups *b = open_folder(f);
  fx_put(f->family, "key", "one");
  assert_int_equal(create(b, f->db, 0), 1);
  fx_put(f->family, "key", "two");
  assert_int_equal(create(b, f->db, 1), 2);
  rb_backups_close(b);
  b = open_folder(f);
  fx_put(f->family, "key", "three");
  assert_int_equal(create(b, f->db, 0), 3);
  open_restored(f, b, 2);
  fx_expect(f->family, NULL, "key", "two");
  open_restored(f, b, 1);
  fx_expect(f->family, NULL, "key", "one");
  fx_ok(rb_backups_purge(b, 1));
  fx_error(rb_backups_restore(b, 2, f->dir, f->dir), RB_NOT_FOUND, "Backup not found");
  open_restored(f, b, 3);
  fx_expect(f->family, NULL, "key", "three");
  rb_backups_close(b);
}

static void a_read_only_database_is_refused(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.db.read_only = 1;
  fx_put(f->family, "key", "value");
  fx_open(f, s);
  rb_backups *b = open_folder(f);
  rb_backup_made m = rb_backups_create(b, f->db, 0, NULL, 0);
  fx_error(m.status, RB_READ_ONLY, NULL);
  assert_int_equal(m.id, 0);
  rb_backups_close(b);
}

static void a_note_needs_a_later_library(void **state) {
  struct fixture *f = *state;
  rb_backups *b = open_folder(f);
  rb_backup_made m = rb_backups_create(b, f->db, 0, BYTES("note"));
  if (rb_supports(RB_FEATURE_BACKUP_NOTE)) {
    fx_ok(m.status);
    assert_int_equal(m.id, 1);
  } else {
    fx_error(m.status, RB_UNSUPPORTED, NULL);
    assert_int_equal(m.id, 0);
  }
  rb_backups_close(b);
}

static void stop_ends_what_can_be_stopped(void **state) {
  struct fixture *f = *state;
  rb_backups *b = open_folder(f);
  rb_backups_stop(b);
  rb_backup_made m = rb_backups_create(b, f->db, 0, NULL, 0);
  if (rb_supports(RB_FEATURE_BACKUP_STOP)) {
    fx_error(m.status, RB_INCOMPLETE, NULL);
  } else {
    fx_ok(m.status);
  }
  rb_backups_close(b);
}

static void a_folder_that_cannot_be_is_an_error(void **state) {
  struct fixture *f = *state;
  char path[RB_PATH];
  snprintf(path, sizeof path, "%s/no/parent", f->root);
  rb_backups_result r = rb_backups_open(path, plain);
  assert_null(r.backups);
  fx_error(r.status, RB_IO, NULL);
  fx_file(f, "CURRENT", path);
  r = rb_backups_open(path, plain);
  assert_null(r.backups);
  fx_error(r.status, RB_IO, NULL);
  rb_backups_close(NULL);
}

static void no_memory_is_an_error(void **state) {
  struct fixture *f = *state;
  no_memory = true;
  rb_backups_result r = rb_backups_open(f->dir, plain);
  no_memory = false;
  assert_null(r.backups);
  fx_error(r.status, RB_NO_MEMORY, NULL);
}

static void a_damaged_file_is_no_database(void **state) {
  struct fixture *f = *state;
  rb_backups *b = open_folder(f);
  fx_put(f->family, "key", "value");
  assert_int_equal(create(b, f->db, 0), 1);
  char path[RB_PATH];
  snprintf(path, sizeof path, "%s/backups/private/1/CURRENT", f->root);
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fputc('X', file), 'X');
  assert_int_equal(fclose(file), 0);
  char to[RB_PATH];
  snprintf(to, sizeof to, "%s/restored", f->root);
  fx_error(rb_backups_restore(b, 1, to, to), RB_CORRUPTION, "checksum");
  rb_backups_close(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(backups_are_numbered_and_restored, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(a_read_only_database_is_refused, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(a_note_needs_a_later_library, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(stop_ends_what_can_be_stopped, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_is_an_error, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(no_memory_is_an_error, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(a_damaged_file_is_no_database, fx_new, fx_free),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
