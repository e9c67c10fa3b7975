/*
 * fixture.h: what the tests of the glue share: a directory of their own, a database in it, short
 * forms of the calls that are expected to work, and damage to files.
 */
#ifndef RB_CTEST_FIXTURE_H
#define RB_CTEST_FIXTURE_H

/* cmocka.h wants these four before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rb.h"

enum { RB_PATH = 512, RB_NO_COMPRESSION = 0 };

/* One database in a directory of its own. */
struct fixture {
  char root[64];     /* removed with all in it after the test */
  char dir[RB_PATH]; /* the database, below root */
  rb_db *db;         /* NULL while it is closed */
  rb_family *family; /* "default" */
  /* Freed before the database, also when an assertion ends the test: it must not close in use. */
  rb_iter *it;
  rb_snapshot *snap;
};

/* What fx_open opens with; zero means the defaults but for compression, which is off. */
struct setup {
  rb_db_options db;
  rb_family_options family;
  const char *db_extra;
  const char *family_extra;
};

#define U8(s) ((const uint8_t *)(s))
#define BYTES(s) U8(s), strlen(s)

static inline void fx_remove(const char *path) {
  struct stat st;
  if (lstat(path, &st) != 0) {
    return;
  }
  if (S_ISDIR(st.st_mode)) {
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
      char child[RB_PATH];
      if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
        assert_true(snprintf(child, sizeof child, "%s/%s", path, e->d_name) < RB_PATH);
        fx_remove(child);
      }
    }
    closedir(d);
  }
  assert_int_equal(remove(path), 0);
}

/* Asserts that a call succeeded, with RocksDB's words if it did not. */
static inline void fx_ok(rb_status s) {
  if (s.code != RB_OK) {
    fail_msg("code %d: %s", s.code, s.msg == NULL ? "(no text)" : s.msg);
  }
  assert_null(s.msg);
}

/* Asserts an error's code, that its text holds part (if not NULL), and frees the text. */
static inline void fx_error(rb_status s, int32_t code, const char *part) {
  if (s.code != code) {
    fail_msg("code %d, wanted %d: %s", s.code, code, s.msg == NULL ? "(no text)" : s.msg);
  }
  if (part != NULL) {
    assert_non_null(s.msg);
    if (strstr(s.msg, part) == NULL) {
      fail_msg("\"%s\" does not hold \"%s\"", s.msg, part);
    }
  }
  rb_free(s.msg);
}

static inline struct setup fx_defaults(void) {
  struct setup s = {0};
  s.family.compression = RB_NO_COMPRESSION;
  s.db.block_cache_size = 8 << 20;
  return s;
}

/* Opens the database in dir with the default family only. */
static inline rb_opened fx_try_open(const char *dir, struct setup s) {
  rb_opened o = {NULL, {RB_OK, NULL}};
  rb_plan *p = rb_plan_new(dir, s.db);
  assert_non_null(p);
  if (s.db_extra != NULL) {
    fx_ok(rb_plan_extra(p, s.db_extra));
  }
  o.status = rb_plan_family(p, "default", s.family, s.family_extra);
  if (o.status.code == RB_OK) {
    o = rb_plan_open(p);
  }
  rb_plan_free(p);
  return o;
}

static inline void fx_close(struct fixture *f) {
  rb_iter_free(f->it);
  rb_snapshot_free(f->snap);
  f->it = NULL;
  f->snap = NULL;
  rb_close(f->db);
  f->db = NULL;
  f->family = NULL;
}

static inline void fx_open(struct fixture *f, struct setup s) {
  fx_close(f);
  rb_opened o = fx_try_open(f->dir, s);
  fx_ok(o.status);
  f->db = o.db;
  rb_family_result r = rb_family_find(f->db, "default");
  fx_ok(r.status);
  f->family = r.family;
}

/* cmocka's set-up: a directory and no database in it. */
static inline int fx_new_empty(void **state) {
  struct fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  strcpy(f->root, "/tmp/rb-ctest-XXXXXX");
  assert_non_null(mkdtemp(f->root));
  snprintf(f->dir, sizeof f->dir, "%s/db", f->root);
  *state = f;
  return 0;
}

/* cmocka's set-up: an open database. */
static inline int fx_new(void **state) {
  fx_new_empty(state);
  fx_open(*state, fx_defaults());
  return 0;
}

/* cmocka's tear-down. */
static inline int fx_free(void **state) {
  struct fixture *f = *state;
  fx_close(f);
  fx_remove(f->root);
  free(f);
  return 0;
}

static inline void fx_put(rb_family *f, const char *key, const char *value) {
  fx_ok(rb_apply(f, RB_PUT, 0, BYTES(key), BYTES(value)));
}

static inline void fx_flush(struct fixture *f) { fx_ok(rb_flush(f->db, &f->family, 1)); }

/* Asserts that a family maps key to value; value NULL: to nothing. */
static inline void fx_expect(rb_family *f, rb_snapshot *snap, const char *key, const char *value) {
  uint8_t buf[256];
  rb_value v = rb_get(f, snap, 0, 0, BYTES(key), buf, sizeof buf);
  if (value == NULL) {
    fx_error(v.status, RB_NOT_FOUND, NULL);
    return;
  }
  fx_ok(v.status);
  assert_null(v.pin);
  assert_int_equal(v.len, strlen(value));
  assert_memory_equal(buf, value, v.len);
}

/* A property as a number. */
static inline uint64_t fx_number(rb_family *f, const char *property) {
  char *text = rb_property(f, property);
  assert_non_null(text);
  uint64_t n = strtoull(text, NULL, 10);
  rb_free(text);
  return n;
}

/* Writes the path of the only file in f->dir whose name ends so. */
static inline void fx_file(const struct fixture *f, const char *ending, char path[RB_PATH]) {
  DIR *d = opendir(f->dir);
  assert_non_null(d);
  int found = 0;
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    size_t n = strlen(e->d_name), m = strlen(ending);
    if (n >= m && strcmp(e->d_name + n - m, ending) == 0) {
      assert_true(snprintf(path, RB_PATH, "%s/%s", f->dir, e->d_name) < RB_PATH);
      found++;
    }
  }
  closedir(d);
  assert_int_equal(found, 1);
}

/* Writes the path of the newest OPTIONS file in f->dir. */
static inline void fx_newest_options(const struct fixture *f, char path[RB_PATH]) {
  DIR *d = opendir(f->dir);
  assert_non_null(d);
  unsigned long best = 0, n = 0;
  for (struct dirent *e; (e = readdir(d)) != NULL;) {
    if (sscanf(e->d_name, "OPTIONS-%lu", &n) == 1 && n > best) {
      best = n;
      assert_true(snprintf(path, RB_PATH, "%s/%s", f->dir, e->d_name) < RB_PATH);
    }
  }
  closedir(d);
  assert_true(best > 0);
}

/* Changes one byte of the database's only table file, skip bytes after the first place where text
 * stands. The database must be closed. */
static inline void fx_damage(const struct fixture *f, const char *text, size_t skip) {
  char path[RB_PATH];
  fx_file(f, ".sst", path);
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  struct stat st;
  assert_int_equal(fstat(fileno(file), &st), 0);
  size_t size = (size_t)st.st_size, len = strlen(text), at = 0;
  uint8_t *data = malloc(size);
  assert_non_null(data);
  assert_int_equal(fread(data, 1, size, file), size);
  while (at + len + skip < size && memcmp(data + at, text, len) != 0) {
    at++;
  }
  assert_true(at + len + skip < size);
  assert_int_equal(fseek(file, (long)(at + skip), SEEK_SET), 0);
  assert_int_equal(fputc(data[at + skip] ^ 0x40, file), data[at + skip] ^ 0x40);
  assert_int_equal(fclose(file), 0);
  free(data);
}

/* Pseudo-random numbers (xorshift): the same on every machine. */
static inline uint64_t fx_random(uint64_t *state) {
  uint64_t x = *state;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  *state = x;
  return x;
}

#endif
