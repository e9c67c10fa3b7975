/* failure_test.c: what the glue does when memory is short or RocksDB refuses, at each place in
 * turn. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* link: -Wl,--wrap=rocksdb_options_create,--wrap=rocksdb_cache_create_lru */
/* link: -Wl,--wrap=rocksdb_readoptions_create,--wrap=rocksdb_writeoptions_create */
/* link: -Wl,--wrap=rocksdb_flushoptions_create,--wrap=rocksdb_block_based_options_create */
/* link: -Wl,--wrap=rocksdb_writebatch_create_from,--wrap=rocksdb_open_column_families */
/* link: -Wl,--wrap=rocksdb_iter_get_error,--wrap=rocksdb_property_int */
/* link: -Wl,--wrap=rocksdb_checkpoint_object_create,--wrap=rocksdb_create_column_family */
#include "shortage.h"

WRAP(rocksdb_options_t *, rocksdb_options_create, (void), ())
WRAP(rocksdb_cache_t *, rocksdb_cache_create_lru, (size_t n), (n))
WRAP(rocksdb_readoptions_t *, rocksdb_readoptions_create, (void), ())
WRAP(rocksdb_writeoptions_t *, rocksdb_writeoptions_create, (void), ())
WRAP(rocksdb_flushoptions_t *, rocksdb_flushoptions_create, (void), ())
WRAP(rocksdb_block_based_table_options_t *, rocksdb_block_based_options_create, (void), ())
WRAP(rocksdb_writebatch_t *, rocksdb_writebatch_create_from, (const char *rep, size_t n), (rep, n))

WRAP_ERR(rocksdb_t *, rocksdb_open_column_families,
         (const rocksdb_options_t *o, const char *name, int n, const char *const *names,
          const rocksdb_options_t *const *options, rocksdb_column_family_handle_t **handles,
          char **err),
         (o, name, n, names, options, handles, err), err)
WRAP_ERR(rocksdb_checkpoint_t *, rocksdb_checkpoint_object_create, (rocksdb_t * db, char **err),
         (db, err), err)
WRAP_ERR(rocksdb_column_family_handle_t *, rocksdb_create_column_family,
         (rocksdb_t * db, const rocksdb_options_t *o, const char *name, char **err),
         (db, o, name, err), err)

void __real_rocksdb_iter_get_error(const rocksdb_iterator_t *it, char **err);
void __wrap_rocksdb_iter_get_error(const rocksdb_iterator_t *it, char **err);
void __wrap_rocksdb_iter_get_error(const rocksdb_iterator_t *it, char **err) {
  if (!refused(err)) {
    __real_rocksdb_iter_get_error(it, err);
  }
}

static bool no_properties;

int __real_rocksdb_property_int(rocksdb_t *db, const char *name, uint64_t *out);
int __wrap_rocksdb_property_int(rocksdb_t *db, const char *name, uint64_t *out);
int __wrap_rocksdb_property_int(rocksdb_t *db, const char *name, uint64_t *out) {
  return no_properties ? -1 : __real_rocksdb_property_int(db, name, out);
}

static const rb_family_options typed = {
    .compression = RB_NO_COMPRESSION, .bloom_bits_per_key = 10, .write_buffer_size = 1 << 20};

static rb_status no_memory(void) { return (rb_status){RB_NO_MEMORY, NULL}; }

/* Plans and opens a database with everything that a plan may hold. */
static rb_status open_all(struct fixture *f) {
  rb_plan *p = rb_plan_new(f->dir, (rb_db_options){0});
  if (p == NULL) {
    return no_memory();
  }
  rb_opened o = {NULL, {RB_OK, NULL}};
  o.status = rb_plan_extra(p, "max_open_files=50");
  if (o.status.code == RB_OK) {
    o.status = rb_plan_extra(p, "max_background_jobs=3");
  }
  if (o.status.code == RB_OK) {
    o.status = rb_plan_family_from_disk(p, "default");
  }
  if (o.status.code == RB_OK) {
    o.status = rb_plan_family(p, "other", typed, "max_write_buffer_number=4");
  }
  if (o.status.code == RB_OK) {
    o = rb_plan_open(p);
  }
  rb_plan_free(p);
  assert_int_equal(o.db != NULL, o.status.code == RB_OK);
  rb_close(o.db);
  return o.status;
}

static void opening_survives_every_shortage(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  fail_everywhere(f, open_all, 50);
}

/* As open_all, without a block cache and with "default" given its options here. */
static rb_status open_without_cache(struct fixture *f) {
  rb_plan *p = rb_plan_new(f->dir, (rb_db_options){.block_cache_size = -1});
  if (p == NULL) {
    return no_memory();
  }
  rb_opened o = {NULL, rb_plan_extra(p, "max_open_files=50")};
  if (o.status.code == RB_OK) {
    o.status = rb_plan_family_from_disk(p, "other");
  }
  if (o.status.code == RB_OK) {
    o.status = rb_plan_family(p, "default", typed, "max_write_buffer_number=4");
  }
  if (o.status.code == RB_OK) {
    o = rb_plan_open(p);
  }
  rb_plan_free(p);
  rb_close(o.db);
  return o.status;
}

static void opening_without_a_cache_survives_every_shortage(void **state) {
  struct fixture *f = *state;
  fx_ok(rb_family_create(f->db, "other", typed, NULL).status);
  fx_close(f);
  fail_everywhere(f, open_without_cache, 40);
}

static rb_status list(struct fixture *f) {
  rb_family_list l = rb_list_families(NULL, f->dir);
  rb_family_list_free(l);
  return l.status;
}

static rb_status create(struct fixture *f) {
  rb_family_result r = rb_family_create(f->db, "new", typed, "max_write_buffer_number=4");
  assert_int_equal(r.family != NULL, r.status.code == RB_OK);
  return r.status;
}

static void families_survive_every_shortage(void **state) {
  struct fixture *f = *state;
  fail_everywhere(f, list, 1);
  /* That the last one succeeds shows that none before it left a family behind. */
  fail_everywhere(f, create, 4);
}

static rb_status snapshot(struct fixture *f) {
  f->snap = rb_snapshot_new(f->db);
  return f->snap == NULL ? no_memory() : (rb_status){RB_OK, NULL};
}

static rb_status get_with_deadline(struct fixture *f) {
  uint8_t buf[8];
  return rb_get(f->family, f->snap, RB_READ_NO_FILL, UINT64_C(1) << 60, BYTES("key"), buf, 8)
      .status;
}

static rb_status has_in_snapshot(struct fixture *f) {
  return rb_has(f->family, f->snap, RB_READ_NO_FILL, 0, BYTES("key"));
}

static void reads_survive_every_shortage(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "key", "value");
  fail_everywhere(f, snapshot, 2);
  fail_everywhere(f, get_with_deadline, 1);
  fail_everywhere(f, has_in_snapshot, 1);
}

static rb_status write_batch(struct fixture *f) {
  uint8_t header[12] = {0};
  return rb_write(f->db, 0, header, sizeof header);
}

static void a_batch_survives_a_shortage(void **state) { fail_everywhere(*state, write_batch, 1); }

static rb_status iterate(struct fixture *f) {
  rb_iter_options o = {.has_lower = 1, .has_upper = 1};
  rb_iter_result r = rb_iter_new(f->family, NULL, o, BYTES("b"), BYTES("d"));
  assert_int_equal(r.iter != NULL, r.status.code == RB_OK);
  f->it = r.iter;
  return r.status;
}

/* Asserts that the fixture's iterator shows so many rows, then stands on the first again. */
static void expect_count(struct fixture *f, uint64_t rows) {
  rb_count c = rb_iter_count(f->it, RB_MOVE_FIRST, UINT64_MAX);
  fx_ok(c.status);
  assert_int_equal(c.rows, rows);
}

static rb_status other_bounds(struct fixture *f) {
  return rb_iter_set_bounds(f->it, 1, BYTES("a"), 1, BYTES("z"));
}

static rb_status no_bounds(struct fixture *f) {
  return rb_iter_set_bounds(f->it, 1, BYTES("a"), 0, NULL, 0);
}

static void iterators_survive_every_shortage(void **state) {
  struct fixture *f = *state;
  static const char *const keys[] = {"a", "b", "c", "d"};
  for (size_t i = 0; i < 4; i++) {
    fx_put(f->family, keys[i], "value");
  }
  fail_everywhere(f, iterate, 4);
  expect_count(f, 2);
  for (unsigned n = 1; n <= 2; n++) {
    countdown = n;
    fx_error(other_bounds(f), RB_NO_MEMORY, NULL);
    countdown = 0;
    expect_count(f, 2); /* the old bounds hold */
  }
  fail_everywhere(f, other_bounds, 2);
  expect_count(f, 4);
  fail_everywhere(f, no_bounds, 2);
  expect_count(f, 4);
}

static rb_status refresh(struct fixture *f) { return rb_iter_refresh(f->it); }

static void an_iterator_that_cannot_be_refreshed_is_as_it_was(void **state) {
  struct fixture *f = *state;
  fx_put(f->family, "b", "value");
  fx_ok(iterate(f));
  fx_put(f->family, "c", "value");
  rb_fill r = rb_iter_fill(f->it, RB_MOVE_FIRST, NULL, 0, NULL, 0, 1);
  assert_int_equal(r.need, 12 + 1 + 5);
  countdown = 1;
  fx_error(refresh(f), RB_NO_MEMORY, NULL);
  refusal = "IO error: planted";
  fx_error(refresh(f), RB_IO, "planted");
  uint8_t buf[18];
  r = rb_iter_fill(f->it, RB_MOVE_ON, NULL, 0, buf, sizeof buf, 1);
  assert_int_equal(r.rows, 1);
  expect_count(f, 1);
  fail_everywhere(f, refresh, 1);
  expect_count(f, 2);
}

static void an_iterator_that_rocksdb_refuses_is_an_error(void **state) {
  struct fixture *f = *state;
  refusal = "Not implemented: planted";
  fx_error(iterate(f), RB_UNSUPPORTED, "planted");
  fx_ok(iterate(f));
}

static void a_text_that_finds_no_memory_leaves_the_code(void **state) {
  (void)state;
  countdown = 1;
  rb_status s = rb_status_make(RB_BUSY, "text");
  countdown = 0;
  assert_int_equal(s.code, RB_BUSY);
  assert_null(s.msg);
}

static void an_open_that_rocksdb_refuses_leaves_nothing(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  refusal = "Corruption: planted";
  rb_opened o = fx_try_open(f->dir, fx_defaults());
  assert_null(o.db);
  fx_error(o.status, RB_CORRUPTION, "planted");
  fx_open(f, fx_defaults());
}

static void a_family_that_rocksdb_refuses_leaves_nothing(void **state) {
  struct fixture *f = *state;
  refusal = "IO error: planted"; /* without a handle, as from RocksDB 11.1 on */
  fx_error(create(f), RB_IO, "planted");
  fx_error(rb_family_find(f->db, "new").status, RB_NOT_FOUND, NULL);
  fx_ok(create(f));
}

static void a_checkpoint_that_rocksdb_refuses_is_an_error(void **state) {
  struct fixture *f = *state;
  refusal = "Not implemented: planted";
  fx_error(rb_checkpoint(f->db, f->root), RB_UNSUPPORTED, "planted");
}

static void a_compaction_does_without_the_error_count(void **state) {
  struct fixture *f = *state;
  no_properties = true;
  rb_status s = rb_compact(f->family, 0, NULL, 0, 0, NULL, 0);
  no_properties = false;
  fx_ok(s);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(opening_survives_every_shortage),
      CASE(opening_without_a_cache_survives_every_shortage),
      CASE(families_survive_every_shortage),
      CASE(reads_survive_every_shortage),
      CASE(a_batch_survives_a_shortage),
      CASE(iterators_survive_every_shortage),
      CASE(an_iterator_that_cannot_be_refreshed_is_as_it_was),
      CASE(an_iterator_that_rocksdb_refuses_is_an_error),
      cmocka_unit_test(a_text_that_finds_no_memory_leaves_the_code),
      CASE(an_open_that_rocksdb_refuses_leaves_nothing),
      CASE(a_family_that_rocksdb_refuses_leaves_nothing),
      CASE(a_checkpoint_that_rocksdb_refuses_is_an_error),
      CASE(a_compaction_does_without_the_error_count),
  };
  return cmocka_run_group_tests_name("failure", tests, NULL, NULL);
}
