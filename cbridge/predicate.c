/* predicate.c: which rows a filtered iterator keeps: programs of tests, checked and run. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem. NOLINT(bugprone-reserved-identifier) */
#endif
#include "predicate.h"

#include <stdlib.h>
#include <string.h>

#include "handles.h"

/* What is left of a program that is being read. */
struct rb_reader {
  const uint8_t *at;
  size_t left;
};

static uint64_t rb_read_little(struct rb_reader *r, size_t n) {
  uint64_t x = 0;
  for (size_t i = 0; i < n; i++) {
    x |= (uint64_t)r->at[i] << (8 * i);
  }
  r->at += n;
  r->left -= n;
  return x;
}

/* Whether the numbers of a test are such as its kind has. */
static bool rb_test_sound(const struct rb_test *t) {
  bool compares = t->op == RB_TEST_COMPARE || t->op == RB_TEST_COMPARE_AT;
  if (t->part > RB_PART_VALUE || (compares != (t->accept != 0)) || t->accept > RB_ACCEPT_ALL) {
    return false;
  }
  switch (t->op) {
    case RB_TEST_PREFIX:
    case RB_TEST_SUFFIX:
    case RB_TEST_CONTAINS:
    case RB_TEST_COMPARE:
      return t->a == 0 && t->b == 0;
    case RB_TEST_COMPARE_AT:
      return t->a <= RB_MAX_VALUE && t->b == 0;
    case RB_TEST_LENGTH:
      return t->a <= t->b && t->len == 0;
    default:
      return false;
  }
}

/* Reads test number i of count; false if it is malformed. */
static bool rb_test_read(struct rb_reader *r, uint32_t i, uint32_t count, struct rb_test *t) {
  if (r->left < RB_TEST_HEADER) {
    return false;
  }
  t->op = (uint8_t)rb_read_little(r, 1);
  t->part = (uint8_t)rb_read_little(r, 1);
  t->accept = (uint8_t)rb_read_little(r, 1);
  uint64_t zero = rb_read_little(r, 1);
  t->yes = (uint32_t)rb_read_little(r, 4);
  t->no = (uint32_t)rb_read_little(r, 4);
  t->a = rb_read_little(r, 8);
  t->b = rb_read_little(r, 8);
  t->len = (size_t)rb_read_little(r, 4);
  t->data = r->at;
  if (zero != 0 || t->len > r->left || t->yes <= i || t->yes > count + 1 || t->no <= i ||
      t->no > count + 1) {
    return false;
  }
  r->at += t->len;
  r->left -= t->len;
  return rb_test_sound(t);
}

static rb_status rb_predicate_bad(struct rb_predicate *p) {
  rb_predicate_free(p);
  return rb_status_make(RB_INVALID_ARGUMENT, "the predicate is malformed");
}

rb_status rb_predicate_new(const uint8_t *program, size_t len, struct rb_predicate **out) {
  struct rb_reader r = {program, len};
  *out = NULL;
  if (len < 4 || len > RB_MAX_PREDICATE) {
    return rb_predicate_bad(NULL);
  }
  uint32_t count = (uint32_t)rb_read_little(&r, 4);
  if (count == 0 || count > RB_MAX_TESTS) {
    return rb_predicate_bad(NULL);
  }
  struct rb_predicate *p = calloc(1, sizeof *p + count * sizeof p->tests[0]);
  if (p == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  p->count = count;
  p->bytes = malloc(len);
  if (p->bytes == NULL) {
    rb_predicate_free(p);
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  memcpy(p->bytes, program, len);
  r.at = p->bytes + 4;
  for (uint32_t i = 0; i < count; i++) {
    if (!rb_test_read(&r, i, count, &p->tests[i])) {
      return rb_predicate_bad(p);
    }
    p->values = p->values || p->tests[i].part == RB_PART_VALUE;
  }
  if (r.left != 0) {
    return rb_predicate_bad(p);
  }
  *out = p;
  return rb_ok();
}

void rb_predicate_free(struct rb_predicate *p) {
  if (p != NULL) {
    free(p->bytes);
    free(p);
  }
}

/* Whether how two strings compare is among what a test accepts. */
static bool rb_accepts(const struct rb_test *t, const uint8_t *s, size_t n) {
  int c = rb_compare(s, n, t->data, t->len);
  uint8_t outcome = c < 0 ? RB_ACCEPT_LESS : c == 0 ? RB_ACCEPT_EQUAL : RB_ACCEPT_GREATER;
  return (t->accept & outcome) != 0;
}

/* Whether s holds the n bytes of data; both are not empty. Where their first byte is rare, as it is
 * in most data, looking for that is several times as fast as memmem, which is there for the rest:
 * it never takes more than one pass. */
static bool rb_holds(const uint8_t *s, size_t n, const uint8_t *data, size_t len) {
  enum { TRIES = 16 };
  const uint8_t *end = s + n;
  for (int i = 0; i < TRIES; i++) {
    if ((size_t)(end - s) < len) {
      return false;
    }
    s = memchr(s, data[0], (size_t)(end - s) - len + 1);
    if (s == NULL) {
      return false;
    }
    if (memcmp(s, data, len) == 0) {
      return true;
    }
    s++;
  }
  return memmem(s, (size_t)(end - s), data, len) != NULL;
}

/* Whether n bytes pass one test. */
static bool rb_test_passes(const struct rb_test *t, const uint8_t *s, size_t n) {
  switch (t->op) {
    case RB_TEST_PREFIX:
      return n >= t->len && (t->len == 0 || memcmp(s, t->data, t->len) == 0);
    case RB_TEST_SUFFIX:
      return n >= t->len && (t->len == 0 || memcmp(s + (n - t->len), t->data, t->len) == 0);
    case RB_TEST_CONTAINS:
      return t->len == 0 || (n > 0 && rb_holds(s, n, t->data, t->len));
    case RB_TEST_LENGTH:
      return n >= t->a && n <= t->b;
    case RB_TEST_COMPARE:
      return rb_accepts(t, s, n);
    default: /* RB_TEST_COMPARE_AT */
      return n >= t->a && n - t->a >= t->len && rb_accepts(t, s + t->a, t->len);
  }
}

bool rb_predicate_keeps(const struct rb_predicate *p, const uint8_t *key, size_t klen,
                        const uint8_t *value, size_t vlen) {
  static const uint8_t nothing[1];
  key = key == NULL ? nothing : key;
  value = value == NULL ? nothing : value;
  uint32_t i = 0;
  while (i < p->count) {
    const struct rb_test *t = &p->tests[i];
    bool of_key = t->part == RB_PART_KEY;
    i = rb_test_passes(t, of_key ? key : value, of_key ? klen : vlen) ? t->yes : t->no;
  }
  return i == p->count;
}

rb_status rb_iter_set_predicate(rb_iter *it, const uint8_t *program, size_t len, uint64_t pause) {
  struct rb_predicate *p;
  rb_status s = rb_predicate_new(program, len, &p);
  if (p == NULL) {
    return s;
  }
  rb_predicate_free(it->predicate);
  it->predicate = p;
  it->pause = pause == 0 ? 1 : pause;
  it->no_values = it->keys_only && !p->values;
  return s;
}

rb_status rb_predicate_try(const uint8_t *program, size_t len, const uint8_t *key, size_t klen,
                           const uint8_t *value, size_t vlen, uint8_t *kept) {
  struct rb_predicate *p;
  *kept = 0;
  rb_status s = rb_predicate_new(program, len, &p);
  if (p != NULL) {
    *kept = rb_predicate_keeps(p, key, klen, value, vlen);
    rb_predicate_free(p);
  }
  return s;
}
