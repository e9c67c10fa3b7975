/* open_test.c: from a plan to an open database. */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static const rb_family_options plain = {.compression = RB_NO_COMPRESSION};

static rb_plan *new_plan(const char *dir, rb_db_options o) {
  rb_plan *p = rb_plan_new(dir, o);
  assert_non_null(p);
  return p;
}

static void a_missing_database_is_created_and_reopened(void **state) {
  struct fixture *f = *state;
  fx_open(f, fx_defaults());
  fx_put(f->family, "key", "value");
  fx_open(f, fx_defaults());
  fx_expect(f->family, NULL, "key", "value");
}

static void error_if_missing_refuses_to_create(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.db.error_if_missing = 1;
  rb_opened o = fx_try_open(f->dir, s);
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "does not exist");
  fx_open(f, fx_defaults());
  fx_open(f, s);
}

static void error_if_exists_refuses_to_reopen(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.db.error_if_exists = 1;
  fx_open(f, s);
  fx_close(f);
  rb_opened o = fx_try_open(f->dir, s);
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "exists");
}

static void a_path_that_cannot_be_made_is_an_io_error(void **state) {
  struct fixture *f = *state;
  FILE *file = fopen(f->dir, "w");
  assert_non_null(file);
  fclose(file);
  char below[RB_PATH + 8];
  snprintf(below, sizeof below, "%s/db", f->dir);
  rb_opened o = fx_try_open(below, fx_defaults());
  assert_null(o.db);
  fx_error(o.status, RB_IO, f->dir);
}

static void a_plan_without_families_is_refused(void **state) {
  struct fixture *f = *state;
  rb_plan *p = new_plan(f->dir, (rb_db_options){0});
  rb_opened o = rb_plan_open(p);
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "no family");
  rb_plan_free(p);
  rb_plan_free(NULL);
}

static void a_plan_without_the_default_family_is_refused(void **state) {
  struct fixture *f = *state;
  rb_plan *p = new_plan(f->dir, (rb_db_options){0});
  fx_ok(rb_plan_family(p, "other", plain, NULL));
  rb_opened o = rb_plan_open(p);
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "efault column family");
  rb_plan_free(p);
}

static void a_family_on_disk_that_the_plan_leaves_out_is_named(void **state) {
  struct fixture *f = *state;
  fx_open(f, fx_defaults());
  fx_ok(rb_family_create(f->db, "left-out", plain, NULL).status);
  fx_close(f);
  rb_opened o = fx_try_open(f->dir, fx_defaults());
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "left-out");
}

static void a_plan_opens_again_after_a_failure(void **state) {
  struct fixture *f = *state;
  fx_open(f, fx_defaults());
  rb_plan *p = new_plan(f->dir, (rb_db_options){.block_cache_size = 1 << 20});
  fx_ok(rb_plan_family(p, "default", plain, NULL));
  rb_opened o = rb_plan_open(p);
  assert_null(o.db);
  fx_error(o.status, RB_LOCKED, NULL);
  fx_close(f);
  o = rb_plan_open(p);
  fx_ok(o.status);
  rb_plan_free(p);
  rb_family_result r = rb_family_create(o.db, "later", plain, NULL);
  fx_ok(r.status);
  assert_int_equal(fx_number(r.family, "rocksdb.block-cache-capacity"), 1 << 20);
  rb_close(o.db);
}

static void a_plan_opens_one_database(void **state) {
  struct fixture *f = *state;
  rb_plan *p = new_plan(f->dir, (rb_db_options){0});
  fx_ok(rb_plan_family(p, "default", plain, NULL));
  rb_opened o = rb_plan_open(p);
  fx_ok(o.status);
  rb_close(o.db);
  o = rb_plan_open(p);
  assert_null(o.db);
  fx_error(o.status, RB_INVALID_ARGUMENT, "opened before");
  rb_plan_free(p);
}

static void a_second_open_in_the_process_finds_it_locked(void **state) {
  struct fixture *f = *state;
  fx_open(f, fx_defaults());
  rb_opened o = fx_try_open(f->dir, fx_defaults());
  assert_null(o.db);
  fx_error(o.status, RB_LOCKED, "LOCK");
  fx_put(f->family, "key", "value");
}

/* A child that holds the lock of the database as another process that has it open would. */
static pid_t hold_lock(const struct fixture *f, int *ready) {
  int ends[2];
  char path[RB_PATH + 8];
  snprintf(path, sizeof path, "%s/LOCK", f->dir);
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR);
    char c = fd >= 0 && fcntl(fd, F_SETLK, &whole) == 0 ? 'y' : 'n';
    if (write(ends[1], &c, 1) == 1) {
      pause();
    }
    _exit(0);
  }
  close(ends[1]);
  *ready = ends[0];
  return child;
}

static void an_open_while_another_process_has_it_finds_it_locked(void **state) {
  struct fixture *f = *state;
  fx_open(f, fx_defaults());
  fx_close(f);
  int ready;
  pid_t child = hold_lock(f, &ready);
  char c = 0;
  assert_int_equal(read(ready, &c, 1), 1);
  rb_opened o = fx_try_open(f->dir, fx_defaults());
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  close(ready);
  assert_int_equal(c, 'y');
  assert_null(o.db);
  fx_error(o.status, RB_LOCKED, "LOCK");
  fx_open(f, fx_defaults());
}

static void closing_nothing_is_allowed(void **state) {
  (void)state;
  rb_close(NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new_empty, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_missing_database_is_created_and_reopened),
      CASE(error_if_missing_refuses_to_create),
      CASE(error_if_exists_refuses_to_reopen),
      CASE(a_path_that_cannot_be_made_is_an_io_error),
      CASE(a_plan_without_families_is_refused),
      CASE(a_plan_without_the_default_family_is_refused),
      CASE(a_family_on_disk_that_the_plan_leaves_out_is_named),
      CASE(a_plan_opens_again_after_a_failure),
      CASE(a_plan_opens_one_database),
      CASE(a_second_open_in_the_process_finds_it_locked),
      CASE(an_open_while_another_process_has_it_finds_it_locked),
      cmocka_unit_test(closing_nothing_is_allowed),
  };
  return cmocka_run_group_tests_name("open", tests, NULL, NULL);
}
