/* splits.c: keys at which a range falls into parts of about the same size. */
#include <stdlib.h>
#include <string.h>

#include "handles.h"

enum {
  RB_SPLIT_STEPS = 64, /* halvings of the key space for one key */
  RB_SPLIT_MORE = 24,  /* bytes behind the common beginning of two keys that a middle is taken of */
  RB_SPLIT_EXACT = 64, /* a key is good enough when it misses its share by this part of one */
};

/* A key in memory of its own. Keys between two others get longer with every halving. */
struct rb_point {
  uint8_t *data;
  size_t len;
};

struct rb_splitter {
  rb_family *family;
  rb_iter *it;
  size_t cap; /* of every point */
  struct rb_point first, last, low, high, mid;
  const uint8_t *before; /* the key found last, at first that of the first row */
  size_t before_len;
  uint64_t total; /* about how many bytes the range takes; 0: RocksDB does not tell */
};

static void rb_point_set(struct rb_point *p, const uint8_t *data, size_t len) {
  if (len > 0) {
    memcpy(p->data, data, len);
  }
  p->len = len;
}

static uint8_t rb_point_byte(const struct rb_point *p, size_t i) {
  return i < p->len ? p->data[i] : 0;
}

/* Sets mid between low and high: half of their sum, as fractions. False if there is nothing between
 * them within RB_SPLIT_MORE bytes. */
static bool rb_split_middle(struct rb_splitter *s) {
  if (rb_compare(s->low.data, s->low.len, s->high.data, s->high.len) >= 0) {
    return false;
  }
  size_t same = 0;
  while (same < s->high.len && rb_point_byte(&s->low, same) == s->high.data[same]) {
    same++;
  }
  size_t len = same + RB_SPLIT_MORE;
  if (len > s->cap) {
    return false;
  }
  unsigned carry = 0;
  for (size_t i = len; i > same; i--) {
    unsigned sum = (unsigned)rb_point_byte(&s->low, i - 1) + rb_point_byte(&s->high, i - 1) + carry;
    s->mid.data[i - 1] = (uint8_t)sum;
    carry = sum >> 8;
  }
  for (size_t i = same; i < len; i++) {
    unsigned half = (carry << 8 | s->mid.data[i]) >> 1;
    carry = s->mid.data[i] & 1;
    s->mid.data[i] = (uint8_t)half;
  }
  if (same > 0) {
    memcpy(s->mid.data, s->high.data, same);
  }
  while (len > same && s->mid.data[len - 1] == 0) {
    len--;
  }
  s->mid.len = len;
  return rb_compare(s->mid.data, len, s->low.data, s->low.len) > 0 &&
         rb_compare(s->mid.data, len, s->high.data, s->high.len) < 0;
}

/* About how many bytes the rows from the first one to a key take, that of the key excluded. */
static rb_status rb_split_size(const struct rb_splitter *s, const struct rb_point *to,
                               uint64_t *size) {
  const char *start = (const char *)s->first.data, *limit = (const char *)to->data;
  char *err = NULL;
  *size = 0;
  rocksdb_t *db = s->family->db->db;
  rocksdb_column_family_handle_t *cf = s->family->handle;
  if (rocksdb_approximate_sizes_cf_with_flags != NULL) {
    rocksdb_approximate_sizes_cf_with_flags(db, cf, 1, &start, &s->first.len, &limit, &to->len,
                                            RB_SIZE_MEMTABLES | RB_SIZE_FILES, size, &err);
  } else {
    rocksdb_approximate_sizes_cf(db, cf, 1, &start, &s->first.len, &limit, &to->len, size, &err);
  }
  return rb_status_from(err);
}

/* Brings a point to the row at or after mid or, backwards, the one before it: there are no rows in
 * between, so that the middles to come need not be looked for there. */
static rb_status rb_split_snap(struct rb_splitter *s, struct rb_point *p, bool back) {
  rb_row r = rb_iter_step(s->it, back ? RB_MOVE_LT : RB_MOVE_GE, 1, s->mid.data, s->mid.len);
  if (r.valid != 0 && r.klen <= s->cap) {
    rb_point_set(p, r.key, r.klen);
  } else {
    rb_point_set(p, s->mid.data, s->mid.len);
  }
  return r.status;
}

/* What is before mid, in bytes or, where RocksDB does not tell, as the part of the key space. */
static rb_status rb_split_before(struct rb_splitter *s, uint64_t part, uint64_t *size) {
  *size = part;
  return s->total == 0 ? rb_ok() : rb_split_size(s, &s->mid, size);
}

/* Narrows low and high down until about want bytes are before high. */
static rb_status rb_split_find(struct rb_splitter *s, uint64_t want, uint64_t exact) {
  rb_point_set(&s->low, s->first.data, s->first.len);
  rb_point_set(&s->high, s->last.data, s->last.len);
  uint64_t below = 0, above = s->total; /* what is before low, and before high */
  uint64_t span = UINT64_MAX, at = 0;   /* how far high is in the key space, and where low stands */
  rb_status status = rb_ok();
  for (int i = 0; i < RB_SPLIT_STEPS && status.code == RB_OK && rb_split_middle(s); i++) {
    uint64_t size = 0;
    span /= 2;
    status = rb_split_before(s, at + span, &size);
    if (size <= want ? want - size <= exact : size - want <= exact) {
      rb_point_set(&s->high, s->mid.data, s->mid.len);
      break;
    }
    bool less = size < want;
    struct rb_point *moved = less ? &s->low : &s->high;
    uint64_t *known = less ? &below : &above;
    at += less ? span : 0;
    if (s->total > 0 && status.code == RB_OK && size == *known) {
      status = rb_split_snap(s, moved, !less);
    } else {
      rb_point_set(moved, s->mid.data, s->mid.len);
    }
    *known = size;
  }
  return status;
}

/* Puts the first and the last key of the range into s; *few tells that they are no two. */
static rb_status rb_split_ends(struct rb_splitter *s, bool *few) {
  rb_row r = rb_iter_step(s->it, RB_MOVE_FIRST, 1, NULL, 0);
  *few = r.valid == 0;
  if (*few) {
    return r.status;
  }
  size_t first_len = r.klen;
  uint8_t *first = malloc(first_len + 1);
  if (first == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  memcpy(first, r.key, first_len);
  r = rb_iter_step(s->it, RB_MOVE_LAST, 0, NULL, 0);
  *few = r.valid == 0 || rb_compare(first, first_len, r.key, r.klen) >= 0;
  rb_status status = r.status;
  if (!*few) {
    s->cap = (first_len > r.klen ? first_len : r.klen) + RB_SPLIT_MORE + RB_SPLIT_STEPS;
    struct rb_point *points[] = {&s->first, &s->last, &s->low, &s->high, &s->mid};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
      points[i]->data = malloc(s->cap);
      if (points[i]->data == NULL) {
        status = rb_status_make(RB_NO_MEMORY, NULL);
      }
    }
    if (status.code == RB_OK) {
      rb_point_set(&s->first, first, first_len);
      rb_point_set(&s->last, r.key, r.klen);
    }
  }
  free(first);
  return status;
}

/* Appends a key to the keys found. */
static rb_status rb_split_append(struct rb_splitter *s, rb_keys *keys, const uint8_t *key,
                                 size_t len) {
  uint64_t head = len;
  uint8_t *more = realloc(keys->data, (size_t)keys->len + sizeof head + len);
  if (more == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  s->before = more + keys->len + sizeof head;
  s->before_len = len;
  memcpy(more + keys->len, &head, sizeof head);
  memcpy(more + keys->len + sizeof head, key, len);
  keys->data = more;
  keys->len += sizeof head + len;
  keys->count++;
  return rb_ok();
}

/* Finds key i of n - 1 and appends it, unless it is the one before again. */
static rb_status rb_split_add(struct rb_splitter *s, uint32_t i, uint32_t n, rb_keys *keys) {
  uint64_t whole = s->total > 0 ? s->total : UINT64_MAX;
  uint64_t share = whole / n;
  rb_status status = rb_split_find(s, share * i, share / RB_SPLIT_EXACT);
  if (status.code != RB_OK) {
    return status;
  }
  rb_row r = rb_iter_step(s->it, RB_MOVE_GE, 1, s->high.data, s->high.len);
  if (r.valid == 0 || rb_compare(r.key, r.klen, s->before, s->before_len) <= 0) {
    return r.status;
  }
  return rb_split_append(s, keys, r.key, r.klen);
}

static rb_status rb_split_file_ranges(struct rb_splitter *s, uint32_t n, rb_keys *keys) {
  bool few = true;
  rb_status status = rb_split_ends(s, &few);
  if (few || status.code != RB_OK) {
    return status;
  }
  s->before = s->first.data;
  s->before_len = s->first.len;
  status = rb_split_size(s, &s->last, &s->total);
  for (uint32_t i = 1; i < n && status.code == RB_OK; i++) {
    status = rb_split_add(s, i, n, keys);
  }
  return status;
}

rb_keys rb_split_keys(rb_family *f, rb_snapshot *snap, rb_iter_options o, const uint8_t *lower,
                      size_t lower_len, const uint8_t *upper, size_t upper_len, uint32_t n) {
  rb_keys keys = {NULL, 0, 0, {RB_OK, NULL}};
  o.flags |= RB_READ_KEYS_ONLY;
  rb_iter_result made = rb_iter_new(f, snap, o, lower, lower_len, upper, upper_len);
  keys.status = made.status;
  if (made.iter == NULL) {
    return keys;
  }
  struct rb_splitter s;
  memset(&s, 0, sizeof s);
  s.family = f;
  s.it = made.iter;
  keys.status = rb_split_file_ranges(&s, n, &keys);
  if (keys.status.code != RB_OK) {
    free(keys.data);
    keys.data = NULL;
    keys.len = keys.count = 0;
  }
  struct rb_point *points[] = {&s.first, &s.last, &s.low, &s.high, &s.mid};
  for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
    free(points[i]->data);
  }
  rb_iter_free(s.it);
  return keys;
}
