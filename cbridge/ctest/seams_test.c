/* seams_test.c: scans over several files of a level, of which one cannot be read. */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* link: -Wl,--wrap=rocksdb_property_int_cf,--wrap=rocksdb_create_iterator_cf */
#include "shortage.h"

enum { FILES = 4, ROWS = 5 };

static unsigned
    changes; /* how many times the state of a family is another one when it is asked for */
static unsigned changes_then; /* how often it changes when an iterator has just been made */
static unsigned iterators;

int __real_rocksdb_property_int_cf(rocksdb_t *db, rocksdb_column_family_handle_t *f,
                                   const char *name, uint64_t *out);
int __wrap_rocksdb_property_int_cf(rocksdb_t *db, rocksdb_column_family_handle_t *f,
                                   const char *name, uint64_t *out);
int __wrap_rocksdb_property_int_cf(rocksdb_t *db, rocksdb_column_family_handle_t *f,
                                   const char *name, uint64_t *out) {
  int r = __real_rocksdb_property_int_cf(db, f, name, out);
  if (changes > 0) {
    *out += 1000 + changes--;
  }
  return r;
}

rocksdb_iterator_t *__real_rocksdb_create_iterator_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                                      rocksdb_column_family_handle_t *f);
rocksdb_iterator_t *__wrap_rocksdb_create_iterator_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                                      rocksdb_column_family_handle_t *f);
rocksdb_iterator_t *__wrap_rocksdb_create_iterator_cf(rocksdb_t *db, const rocksdb_readoptions_t *o,
                                                      rocksdb_column_family_handle_t *f) {
  iterators++;
  if (changes_then > 0) {
    changes_then--;
    changes = 1;
  }
  return __real_rocksdb_create_iterator_cf(db, o, f);
}

static struct setup by_hand(void) {
  struct setup s = fx_defaults();
  s.family_extra = "disable_auto_compactions=true;level_compaction_dynamic_level_bytes=false";
  return s;
}

/* Puts FILES files of ROWS rows into level 1: 00 to 04, 10 to 14, and so on. */
static void fill(struct fixture *f) {
  fx_open(f, by_hand());
  for (int i = 0; i < FILES; i++) {
    for (int row = 0; row < ROWS; row++) {
      fx_put(f->family, (char[]){(char)('0' + i), (char)('0' + row), '\0'}, "value");
    }
    fx_flush(f);
    fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  }
  assert_int_equal(fx_number(f->family, "rocksdb.num-files-at-level1"), FILES);
}

/* Closes the database, and changes a byte of the i-th file, or changes it back. */
static void flip(struct fixture *f, int i, long at) {
  char path[RB_PATH];
  DIR *d;
  unsigned long n, numbers[FILES] = {0};
  fx_close(f);
  d = opendir(f->dir);
  assert_non_null(d);
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    if (strstr(e->d_name, ".sst") != NULL && sscanf(e->d_name, "%lu", &n) == 1) {
      int to = FILES - 1; /* ascending: they were made one after the other */
      while (to > 0 && numbers[to] > n) {
        to--;
      }
      memmove(numbers, numbers + 1, (size_t)to * sizeof n);
      numbers[to] = n;
    }
  }
  closedir(d);
  assert_true(snprintf(path, sizeof path, "%s/%06lu.sst", f->dir, numbers[i]) < RB_PATH);
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  at %= ftell(file);
  assert_int_equal(fseek(file, at, SEEK_SET), 0);
  int c = fgetc(file);
  assert_int_equal(fseek(file, at, SEEK_SET), 0);
  assert_int_equal(fputc(c ^ 0x55, file), c ^ 0x55);
  assert_int_equal(fclose(file), 0);
}

/* Changes a byte so, and opens the database again. False if it does not open, since the byte is
 * none of a row. */
static bool damage_at(struct fixture *f, int i, long at, struct setup s) {
  flip(f, i, at);
  rb_opened o = fx_try_open(f->dir, s);
  if (o.status.code == RB_CORRUPTION) {
    rb_free(o.status.msg);
    return false;
  }
  fx_ok(o.status);
  f->db = o.db;
  f->family = rb_family_find(f->db, "default").family;
  return true;
}

/* Damages the first block of the i-th file, and opens the database again. */
static void damage(struct fixture *f, int i) { assert_true(damage_at(f, i, 0, by_hand())); }

/* Makes f->it, with bounds if they are not NULL. */
static void iterate(struct fixture *f, const char *lower, const char *upper) {
  rb_iter_free(f->it);
  rb_iter_result r = rb_iter_new(
      f->family, NULL, (rb_iter_options){.has_lower = lower != NULL, .has_upper = upper != NULL},
      U8(lower), lower == NULL ? 0 : strlen(lower), U8(upper), upper == NULL ? 0 : strlen(upper));
  fx_ok(r.status);
  f->it = r.iter;
}

/* Moves, and steps on to the end: how many rows there are, and what ended them. */
static int walk(struct fixture *f, uint32_t move, const char *key, rb_status *end) {
  bool back = move == RB_MOVE_LAST || move == RB_MOVE_LE;
  rb_row r = rb_iter_step(f->it, move, !back, U8(key), key == NULL ? 0 : strlen(key));
  int n = 0;
  while (r.valid) {
    n++;
    r = rb_iter_step(f->it, RB_MOVE_ON, !back, NULL, 0);
  }
  *end = r.status;
  return n;
}

static void expect(struct fixture *f, uint32_t move, const char *key, int rows) {
  rb_status end;
  int n = walk(f, move, key, &end);
  fx_ok(end);
  assert_int_equal(n, rows);
}

static void expect_damage(struct fixture *f, uint32_t move, const char *key, int rows) {
  rb_status end;
  int n = walk(f, move, key, &end);
  fx_error(end, RB_CORRUPTION, "checksum");
  assert_int_equal(n, rows);
}

static void every_file_is_read_or_told_of(void **state) {
  struct fixture *f = *state;
  fill(f);
  iterate(f, NULL, NULL);
  expect(f, RB_MOVE_FIRST, NULL, FILES * ROWS);
  expect(f, RB_MOVE_LAST, NULL, FILES * ROWS);
  damage(f, 2);
  iterate(f, NULL, NULL);
  expect_damage(f, RB_MOVE_FIRST, NULL, 2 * ROWS);
  expect_damage(f, RB_MOVE_LAST, NULL, ROWS);
  expect_damage(f, RB_MOVE_GE, "13", 2);
  expect_damage(f, RB_MOVE_LE, "31", 2);
  expect_damage(f, RB_MOVE_GE, "2", 0);
  expect(f, RB_MOVE_GE, "3", ROWS);
  expect(f, RB_MOVE_LE, "13", 2 * ROWS - 1); /* a seek to 14 would look into the next file too */
  iterate(f, "1", "2");                      /* what lies outside of the bounds is of no matter */
  expect(f, RB_MOVE_FIRST, NULL, ROWS);
  iterate(f, "3", "4");
  expect(f, RB_MOVE_FIRST, NULL, ROWS);
  expect(f, RB_MOVE_LAST, NULL, ROWS);
}

/* The turn itself: from the last row of a file to the one before it. */
static void turning_round_at_the_ends_of_files(void **state) {
  struct fixture *f = *state;
  fill(f);
  iterate(f, NULL, NULL);
  rb_row r = rb_iter_step(f->it, RB_MOVE_GE, 1, BYTES("14"));
  static const struct {
    uint8_t next;
    const char *key;
  } steps[] = {{1, "20"}, {0, "14"}, {0, "13"}, {1, "14"}, {1, "20"},
               {1, "21"}, {0, "20"}, {0, "14"}, {1, "20"}, {0, "14"}};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    r = rb_iter_step(f->it, RB_MOVE_ON, steps[i].next, NULL, 0);
    assert_true(r.valid);
    assert_int_equal(r.klen, 2);
    assert_memory_equal(r.key, steps[i].key, 2);
  }
}

/* Puts the two rows of a file, and compacts what overlaps with it. */
static void put_file(struct fixture *f, const char *first, const char *last, rb_compaction how) {
  fx_put(f->family, first, "value");
  fx_put(f->family, last, "value");
  fx_flush(f);
  fx_ok(rb_compact_with(f->family, 1, BYTES(first), 1, BYTES(last), how));
}

/* Where the iterator turns, level 2 has no file, so more files end before than begin there: a count
 * of the ones is none of the others. */
static void a_turn_between_the_files_of_a_level(void **state) {
  struct fixture *f = *state;
  rb_compaction how = RB_COMPACTION_DEFAULT;
  fx_open(f, by_hand());
  put_file(f, "05", "06", how);
  how.change_level = 1;
  how.target = 2;
  put_file(f, "35", "36", how);
  how.change_level = 0;
  for (int i = 0; i < FILES; i++) {
    put_file(f, (char[]){(char)('0' + i), '0', '\0'}, (char[]){(char)('0' + i), '4', '\0'}, how);
  }
  assert_int_equal(fx_number(f->family, "rocksdb.num-files-at-level1"), FILES);
  assert_int_equal(fx_number(f->family, "rocksdb.num-files-at-level2"), 2);
  damage(f, 2);
  iterate(f, NULL, NULL);
  rb_row r = rb_iter_step(f->it, RB_MOVE_LE, 0, BYTES("13"));
  assert_true(r.valid);
  assert_memory_equal(r.key, "10", 2);
  expect_damage(f, RB_MOVE_ON, NULL, 1);
}

/* Range deletions that go over the ends of files have files end and begin with one key. */
static void files_that_share_a_key(void **state) {
  struct fixture *f = *state;
  for (int zero = 0; zero < 2; zero++) {
    struct setup s = by_hand();
    s.family_extra = "disable_auto_compactions=true;level_compaction_dynamic_level_bytes=false;"
                     "target_file_size_base=600;block_based_table_factory={block_size=64}";
    fx_close(f);
    fx_remove(f->dir);
    fx_open(f, s);
    f->snap = rb_snapshot_new(f->db);
    char key[8] = {0};
    size_t len = zero ? 3 : 2; /* keys that end with a zero byte, too */
    int rows = 0;
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < 40; i++) {
        key[0] = (char)('a' + i / 10);
        key[1] = (char)('0' + i % 10);
        fx_ok(rb_apply(f->family, RB_PUT, 0, U8(key), len, BYTES("a value of some length")));
      }
      fx_flush(f);
      fx_ok(rb_apply(f->family, RB_DELETE_RANGE, 0, BYTES("a5"), BYTES("d5")));
      fx_flush(f);
      fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
    }
    iterate(f, NULL, NULL);
    rb_status end;
    rows = walk(f, RB_MOVE_FIRST, NULL, &end);
    fx_ok(end);
    assert_int_equal(rows, 10);
    expect(f, RB_MOVE_LAST, NULL, 10);
    expect(f, RB_MOVE_LE, "d4", 5);
    expect(f, RB_MOVE_GE, "b", 5);
  }
}

enum { KEYS = 6, VERSIONS = 5 };

static const char small_files[] =
    "disable_auto_compactions=true;level_compaction_dynamic_level_bytes=false;"
    "target_file_size_base=1500;block_based_table_factory={block_size=64}";

/* Puts versions of keys into files of a level, several of which end with a key that the next one
 * begins with: k0 to k5, of klen bytes, so with a zero byte at the end if that is 3, each of whose
 * versions is its number, and 400 bytes more. In some the newest is a deletion. Returns how many
 * files there are. */
static int put_versions(struct fixture *f, struct setup s, size_t klen) {
  rb_snapshot *snaps[VERSIONS];
  fx_open(f, s);
  for (int v = 0; v < VERSIONS; v++) {
    for (int k = 0; k < KEYS; k++) {
      char key[] = {'k', (char)('0' + k), '\0'}, value[400];
      memset(value, '0' + v, sizeof value);
      if ((v + k) % 3 == 0) {
        fx_ok(rb_apply(f->family, RB_DELETE, 0, U8(key), klen, NULL, 0));
      } else {
        fx_ok(rb_apply(f->family, RB_PUT, 0, U8(key), klen, U8(value), sizeof value));
      }
    }
    snaps[v] = rb_snapshot_new(f->db);
    if (v == 2) {
      fx_flush(f);
    }
  }
  fx_flush(f);
  fx_ok(rb_compact(f->family, 0, NULL, 0, 0, NULL, 0));
  for (int v = 0; v < VERSIONS; v++) {
    rb_snapshot_free(snaps[v]);
  }
  return (int)fx_number(f->family, "rocksdb.num-files-at-level1");
}

/* Walks over the newest versions: each that shows is right, and all show unless there is an error.
 * Whether there was one. */
static bool newest_or_told(struct fixture *f, bool back, bool down) {
  iterate(f, NULL, NULL);
  rb_row r = rb_iter_step(f->it, back ? RB_MOVE_LAST : RB_MOVE_FIRST, !back, NULL, 0);
  for (int i = 0; i < KEYS; i++) {
    int k = down ? KEYS - 1 - i : i;
    if ((VERSIONS - 1 + k) % 3 == 0) {
      continue;
    }
    if (!r.valid) {
      fx_error(r.status, RB_CORRUPTION, "checksum");
      return true;
    }
    assert_memory_equal(r.key, ((char[]){'k', (char)('0' + k)}), 2);
    assert_int_equal(r.value[0], '0' + VERSIONS - 1);
    r = rb_iter_step(f->it, RB_MOVE_ON, !back, NULL, 0);
  }
  assert_false(r.valid);
  bool told = r.status.code != RB_OK;
  rb_free(r.status.msg);
  return told;
}

/* Seeks to each key, from below and from above: the row that shows is the right one, and there is
 * one unless there is an error. Whether there was an error. */
static bool sought_or_told(struct fixture *f, size_t klen, bool reversed) {
  bool told = false;
  for (int k = 0; k < KEYS; k++) {
    for (int back = 0; back < 2; back++) {
      char key[] = {'k', (char)('0' + k), '\0'};
      int want = k, step = (back != 0) == reversed ? 1 : -1; /* the next one that has a row */
      while (want >= 0 && want < KEYS && (VERSIONS - 1 + want) % 3 == 0) {
        want += step;
      }
      iterate(f, NULL, NULL);
      rb_row r = rb_iter_step(f->it, back ? RB_MOVE_LE : RB_MOVE_GE, !back, U8(key), klen);
      if (!r.valid && r.status.code != RB_OK) {
        fx_error(r.status, RB_CORRUPTION, "checksum");
        told = true;
        continue;
      }
      assert_int_equal(r.valid, want >= 0 && want < KEYS);
      if (r.valid) {
        assert_int_equal(r.klen, klen);
        assert_int_equal(r.key[1], '0' + want);
        assert_int_equal(r.value[0], '0' + VERSIONS - 1);
      }
    }
  }
  return told;
}

/* Damages each block of each file in turn; under valgrind, which is slow, some of them. */
static void versions_in_two_files(void **state) {
  struct fixture *f = *state;
  long step = getenv("ROCKBRIDGE_VALGRIND") == NULL ? 200 : 700;
  for (int round = 0; round < 3; round++) {
    struct setup s = by_hand();
    bool reversed = round == 1;
    size_t klen = round == 2 ? 3 : 2;
    s.family_extra = small_files;
    s.family.operators.reversed = reversed;
    fx_close(f);
    fx_remove(f->dir);
    int files = put_versions(f, s, klen), told = 0, sought = 0;
    assert_true(files >= FILES);
    assert_false(newest_or_told(f, false, reversed));
    assert_false(newest_or_told(f, true, !reversed));
    assert_false(sought_or_told(f, klen, reversed));
    for (int i = 0; i < FILES; i++) {
      for (long at = 20; at < 2300; at += step) {
        if (damage_at(f, i, at, s)) {
          told += newest_or_told(f, false, reversed);
          told += newest_or_told(f, true, !reversed);
          sought += sought_or_told(f, klen, reversed);
        }
        flip(f, i, at);
      }
    }
    assert_true(told > FILES && sought > FILES);
  }
}

static rb_status open_iterator(struct fixture *f) {
  rb_iter_result r = rb_iter_new(f->family, NULL, (rb_iter_options){0}, NULL, 0, NULL, 0);
  rb_iter_free(r.iter);
  if (r.status.code == RB_OK) { /* so that the next one finds the seams anew */
    fx_put(f->family, "x", "value");
    fx_flush(f);
  }
  return r.status;
}

static void iterators_survive_every_shortage(void **state) {
  struct fixture *f = *state;
  fill(f);
  fail_everywhere(f, open_iterator, 10);
  struct setup s = by_hand();
  for (int reversed = 0; reversed < 2; reversed++) { /* files that share keys have more marks */
    fx_close(f);
    fx_remove(f->dir);
    s.family_extra = small_files;
    s.family.operators.reversed = (uint8_t)reversed;
    assert_true(put_versions(f, s, 2) >= FILES);
    fail_everywhere(f, open_iterator, 10);
  }
}

static void an_iterator_is_made_anew_when_files_change_meanwhile(void **state) {
  struct fixture *f = *state;
  fill(f);
  iterate(f, NULL, NULL);
  for (unsigned n = 0; n < 4; n++) {
    iterators = 0;
    changes = n;
    changes_then = n;
    iterate(f, NULL, NULL);
    assert_int_equal(changes + changes_then, 0);
    assert_int_equal(iterators, rb_supports(RB_FEATURE_STATISTICS_LEVELS) ? 1 : 1 + n);
    expect(f, RB_MOVE_FIRST, NULL, FILES * ROWS);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(every_file_is_read_or_told_of, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(turning_round_at_the_ends_of_files, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(a_turn_between_the_files_of_a_level, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(files_that_share_a_key, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(versions_in_two_files, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(iterators_survive_every_shortage, fx_new, fx_free),
      cmocka_unit_test_setup_teardown(an_iterator_is_made_anew_when_files_change_meanwhile, fx_new,
                                      fx_free),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
