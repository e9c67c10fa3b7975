/* family_test.c: column families of an open database. */
#include <dirent.h>
#include <string.h>

#include "fixture.h"

static const rb_family_options plain = {.compression = RB_NO_COMPRESSION};

static rb_family *create(rb_db *db, const char *name) {
  rb_family_result r = rb_family_create(db, name, plain, NULL);
  fx_ok(r.status);
  assert_non_null(r.family);
  return r.family;
}

static void a_created_family_is_found_by_name(void **state) {
  struct fixture *f = *state;
  rb_family_result made = rb_family_create(f->db, "other", plain, NULL);
  fx_ok(made.status);
  assert_int_not_equal(made.id, 0);
  rb_family_result found = rb_family_find(f->db, "other");
  fx_ok(found.status);
  assert_ptr_equal(found.family, made.family);
  assert_int_equal(found.id, made.id);
  found = rb_family_find(f->db, "default");
  fx_ok(found.status);
  assert_ptr_equal(found.family, f->family);
  assert_int_equal(found.id, 0);
}

static void an_unknown_name_is_not_found_and_has_no_text(void **state) {
  struct fixture *f = *state;
  rb_family_result r = rb_family_find(f->db, "nobody");
  assert_null(r.family);
  assert_null(r.status.msg);
  fx_error(r.status, RB_NOT_FOUND, NULL);
}

static void families_keep_their_keys_apart(void **state) {
  struct fixture *f = *state;
  rb_family *other = create(f->db, "other");
  fx_put(f->family, "key", "in default");
  fx_put(other, "key", "in other");
  fx_expect(f->family, NULL, "key", "in default");
  fx_expect(other, NULL, "key", "in other");
}

static void a_name_in_use_cannot_be_created_again(void **state) {
  struct fixture *f = *state;
  rb_family *other = create(f->db, "other");
  rb_family_result r = rb_family_create(f->db, "other", plain, NULL);
  assert_null(r.family);
  assert_int_equal(r.id, 0);
  fx_error(r.status, RB_INVALID_ARGUMENT, "already exists");
  r = rb_family_create(f->db, "default", plain, NULL);
  assert_null(r.family);
  fx_error(r.status, RB_INVALID_ARGUMENT, "already exists");
  r = rb_family_find(f->db, "other");
  assert_ptr_equal(r.family, other);
}

static void options_that_make_no_sense_create_nothing(void **state) {
  struct fixture *f = *state;
  static const struct {
    const char *extra, *word;
    int32_t code;
  } cases[] = {
      {"no_such_thing=1", "no_such_thing", RB_INVALID_ARGUMENT},
      {"comparator=rocksdb.ReverseBytewiseComparator", "comparator", RB_UNSUPPORTED},
      {"inplace_update_support=true", "inplace_update_support", RB_UNSUPPORTED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    rb_family_result r = rb_family_create(f->db, "other", plain, cases[i].extra);
    assert_null(r.family);
    fx_error(r.status, cases[i].code, cases[i].word);
    fx_error(rb_family_find(f->db, "other").status, RB_NOT_FOUND, NULL);
  }
  create(f->db, "other");
}

static void a_dropped_family_still_reads_and_drops_once(void **state) {
  struct fixture *f = *state;
  rb_family *other = create(f->db, "other");
  fx_put(other, "key", "value");
  fx_ok(rb_family_drop(other, NULL));
  fx_expect(other, NULL, "key", "value");
  fx_error(rb_family_drop(other, NULL), RB_INVALID_ARGUMENT, "already dropped");
}

static int tables(const char *dir) {
  int n = 0;
  DIR *d = opendir(dir);
  assert_non_null(d);
  for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
    n += strstr(e->d_name, ".sst") != NULL;
  }
  closedir(d);
  return n;
}

static void a_dropped_family_is_freed_when_its_last_iterator_is(void **state) {
  struct fixture *f = *state;
  rb_family *others[2] = {create(f->db, "other"), create(f->db, "third")};
  for (size_t i = 0; i < 2; i++) {
    fx_put(others[i], "key", "value");
  }
  fx_ok(rb_flush(f->db, others, 2));
  rb_iter_options o = {0};
  rb_iter_result r = rb_iter_new(others[1], NULL, o, NULL, 0, NULL, 0);
  fx_ok(r.status);
  for (size_t i = 0; i < 2; i++) {
    fx_ok(rb_family_drop(others[i], NULL));
  }
  assert_int_equal(rb_family_retire(others[1]), 0);
  assert_int_equal(rb_family_retire(others[0]), 1);
  assert_int_equal(tables(f->dir), 1);
  assert_null(rb_family_find(f->db, "other").family);
  assert_ptr_equal(rb_family_find(f->db, "third").family, others[1]);
  rb_iter_free(r.iter);
  assert_int_equal(rb_family_retire(others[1]), 1);
  assert_int_equal(tables(f->dir), 0);
  assert_null(rb_family_find(f->db, "third").family);
  fx_put(f->family, "key", "value");
}

static void the_default_family_cannot_be_dropped(void **state) {
  struct fixture *f = *state;
  fx_error(rb_family_drop(f->family, NULL), RB_INVALID_ARGUMENT, "default");
  fx_put(f->family, "key", "value");
}

static void a_name_can_be_created_again_after_a_drop(void **state) {
  struct fixture *f = *state;
  rb_family *old = create(f->db, "other");
  fx_put(old, "key", "old");
  fx_ok(rb_family_drop(old, NULL));
  assert_ptr_equal(rb_family_find(f->db, "other").family, old);
  rb_family *new = create(f->db, "other");
  assert_ptr_not_equal(new, old);
  assert_ptr_equal(rb_family_find(f->db, "other").family, new);
  fx_expect(new, NULL, "key", NULL);
  fx_put(new, "key", "new");
  fx_expect(new, NULL, "key", "new");
}

static void the_list_names_every_family_open_or_not(void **state) {
  struct fixture *f = *state;
  create(f->db, "one");
  fx_ok(rb_family_drop(create(f->db, "gone"), NULL));
  create(f->db, "two");
  for (int round = 0; round < 2; round++) {
    rb_family_list l = rb_list_families(NULL, f->dir);
    fx_ok(l.status);
    assert_int_equal(l.count, 3);
    assert_string_equal(l.names[0], "default");
    assert_string_equal(l.names[1], "one");
    assert_string_equal(l.names[2], "two");
    rb_family_list_free(l);
    fx_close(f);
  }
}

static void listing_no_database_is_an_io_error(void **state) {
  struct fixture *f = *state;
  char nowhere[RB_PATH + 8];
  snprintf(nowhere, sizeof nowhere, "%s-not", f->dir);
  rb_family_list l = rb_list_families(NULL, nowhere);
  assert_null(l.names);
  assert_int_equal(l.count, 0);
  rb_family_list_free(l);
  fx_error(l.status, RB_IO, "CURRENT");
}

static void listing_a_broken_manifest_is_corruption(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  char path[RB_PATH + 8];
  snprintf(path, sizeof path, "%s/CURRENT", f->dir);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("no manifest", file);
  fclose(file);
  rb_family_list l = rb_list_families(NULL, f->dir);
  assert_null(l.names);
  fx_error(l.status, RB_CORRUPTION, "CURRENT");
}

/* The size of the newest manifest, which every change to the families makes longer. */
static long manifest_size(const struct fixture *f) {
  DIR *d = opendir(f->dir);
  assert_non_null(d);
  long total = 0;
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    char path[RB_PATH];
    struct stat st;
    snprintf(path, sizeof path, "%.200s/%.200s", f->dir, e->d_name);
    if (strncmp(e->d_name, "MANIFEST", 8) == 0 && stat(path, &st) == 0) {
      total += (long)st.st_size;
    }
  }
  closedir(d);
  return total;
}

static void a_read_only_database_keeps_its_families(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  s.db.read_only = 1;
  fx_open(f, s);
  long before = manifest_size(f);
  rb_family_result r = rb_family_create(f->db, "other", plain, NULL);
  assert_null(r.family);
  fx_error(r.status, RB_READ_ONLY, NULL);
  fx_error(rb_family_drop(f->family, NULL), RB_READ_ONLY, NULL);
  assert_int_equal(manifest_size(f), before);
}

static void a_plan_opens_several_families(void **state) {
  struct fixture *f = *state;
  create(f->db, "one");
  fx_close(f);
  rb_plan *p = rb_plan_new(f->dir, (rb_db_options){0});
  assert_non_null(p);
  static const char *const names[] = {"default", "one", "made-now"};
  for (size_t i = 0; i < 3; i++) {
    fx_ok(rb_plan_family(p, names[i], plain, NULL));
  }
  rb_opened o = rb_plan_open(p);
  rb_plan_free(p);
  fx_ok(o.status);
  for (size_t i = 0; i < 3; i++) {
    rb_family_result r = rb_family_find(o.db, names[i]);
    fx_ok(r.status);
    fx_put(r.family, "name", names[i]);
  }
  for (size_t i = 0; i < 3; i++) {
    fx_expect(rb_family_find(o.db, names[i]).family, NULL, "name", names[i]);
  }
  rb_close(o.db);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(a_created_family_is_found_by_name),
      CASE(an_unknown_name_is_not_found_and_has_no_text),
      CASE(families_keep_their_keys_apart),
      CASE(a_name_in_use_cannot_be_created_again),
      CASE(options_that_make_no_sense_create_nothing),
      CASE(a_dropped_family_still_reads_and_drops_once),
      CASE(a_dropped_family_is_freed_when_its_last_iterator_is),
      CASE(the_default_family_cannot_be_dropped),
      CASE(a_name_can_be_created_again_after_a_drop),
      CASE(the_list_names_every_family_open_or_not),
      CASE(listing_no_database_is_an_io_error),
      CASE(listing_a_broken_manifest_is_corruption),
      CASE(a_read_only_database_keeps_its_families),
      CASE(a_plan_opens_several_families),
  };
  return cmocka_run_group_tests_name("family", tests, NULL, NULL);
}
