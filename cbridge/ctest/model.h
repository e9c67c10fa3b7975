/*
 * model.h: a sorted array that holds what a family should hold, and an iterator over it that does
 * what rb.h says: a gap between two rows, a direction, bounds. Knows nothing of RocksDB.
 */
#ifndef RB_CTEST_MODEL_H
#define RB_CTEST_MODEL_H

#include "fixture.h"

#include "rows.h"

enum { MODEL_KEY = 3, MODEL_VALUE = 24, MODEL_ROWS = 400 };

struct model_key {
  uint8_t data[MODEL_KEY];
  size_t len;
};

struct model_row {
  struct model_key key;
  uint8_t value[MODEL_VALUE];
  size_t vlen;
};

struct model {
  struct model_row rows[MODEL_ROWS];
  size_t n;
};

static inline int model_compare(const struct model_key *a, const struct model_key *b) {
  size_t n = a->len < b->len ? a->len : b->len;
  int c = memcmp(a->data, b->data, n);
  return c != 0 ? c : (a->len > b->len) - (a->len < b->len);
}

/* How many rows have a key < k; with equal, <= k. */
static inline size_t model_below(const struct model *m, const struct model_key *k, bool equal) {
  size_t i = 0;
  while (i < m->n) {
    int c = model_compare(&m->rows[i].key, k);
    if (c > 0 || (c == 0 && !equal)) {
      break;
    }
    i++;
  }
  return i;
}

static inline void model_delete_range(struct model *m, size_t from, size_t to) {
  if (from < to) {
    memmove(m->rows + from, m->rows + to, (m->n - to) * sizeof m->rows[0]);
    m->n -= to - from;
  }
}

static inline void model_put(struct model *m, const struct model_row *row) {
  size_t at = model_below(m, &row->key, false);
  if (at == m->n || model_compare(&m->rows[at].key, &row->key) != 0) {
    assert_true(m->n < MODEL_ROWS);
    memmove(m->rows + at + 1, m->rows + at, (m->n - at) * sizeof m->rows[0]);
    m->n++;
  }
  m->rows[at] = *row;
}

/* Keys of up to three of six bytes: 259 in all, so that random ones meet each other often. */
static inline struct model_key model_random_key(uint64_t *seed) {
  static const uint8_t alphabet[] = {0x00, 'a', 'b', 'c', 0xFE, 0xFF};
  struct model_key k = {{0}, fx_random(seed) % (MODEL_KEY + 1)};
  for (size_t i = 0; i < k.len; i++) {
    k.data[i] = alphabet[fx_random(seed) % sizeof alphabet];
  }
  return k;
}

/* An iterator over a model. */
struct model_iter {
  const struct model *m;
  size_t low, high; /* rows low to high-1 lie inside the bounds */
  size_t gap;       /* stands before row gap */
  bool nowhere;
  bool backward;
  bool keys_only;
  size_t max_value; /* 0: whole */
};

struct model_bound {
  uint8_t set;
  struct model_key key;
};

/* Sets bounds; the iterator stands nowhere afterwards. */
static inline void model_bounds(struct model_iter *it, const struct model_bound *lower,
                                const struct model_bound *upper) {
  it->low = lower->set ? model_below(it->m, &lower->key, false) : 0;
  it->high = upper->set ? model_below(it->m, &upper->key, false) : it->m->n;
  if (it->high < it->low) {
    it->high = it->low;
  }
  it->nowhere = true;
}

/* Makes a move as rb_iter_fill does before it delivers. */
static inline void model_move(struct model_iter *it, uint32_t move, const struct model_key *k) {
  bool was_nowhere = it->nowhere;
  size_t gap = it->gap;
  it->nowhere = false;
  switch (move) {
    case RB_MOVE_ON:
      it->nowhere = was_nowhere;
      return;
    case RB_MOVE_FIRST:
      gap = 0;
      it->backward = false;
      break;
    case RB_MOVE_LAST:
      gap = it->m->n;
      it->backward = true;
      break;
    case RB_MOVE_GE:
    case RB_MOVE_GT:
      gap = model_below(it->m, k, move == RB_MOVE_GT);
      it->backward = false;
      break;
    case RB_MOVE_LE:
    case RB_MOVE_LT:
      gap = model_below(it->m, k, move == RB_MOVE_LE);
      it->backward = true;
      break;
    default:
      it->backward = move == RB_MOVE_TURN_BACK;
      if (was_nowhere) {
        gap = it->backward ? it->m->n : 0;
      }
  }
  gap = gap < it->low ? it->low : gap;
  it->gap = gap > it->high ? it->high : gap;
}

/* The next row in the direction, or NULL. */
static inline const struct model_row *model_next(const struct model_iter *it) {
  if (it->nowhere || it->gap == (it->backward ? it->low : it->high)) {
    return NULL;
  }
  return &it->m->rows[it->backward ? it->gap - 1 : it->gap];
}

static inline void model_advance(struct model_iter *it) {
  if (it->backward) {
    it->gap--;
  } else {
    it->gap++;
  }
}

/* How much of a row's value the iterator shows. */
static inline size_t model_vlen(const struct model_iter *it, const struct model_row *row) {
  if (it->keys_only) {
    return 0;
  }
  return it->max_value > 0 && row->vlen > it->max_value ? it->max_value : row->vlen;
}

#endif
