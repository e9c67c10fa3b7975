/* prefixes.c: rows and bytes of each prefix. */
#include <string.h>

#include "walk.h"

struct rb_grouped {
  rb_grouping by;
  uint8_t *buf;
  size_t cap;
  rb_groups *out;
  uint8_t *open; /* the prefix of the group that is open, behind its numbers; NULL: none is */
  uint64_t numbers[RB_PREFIX_NUMBERS];
};

/* How long the prefix of a key is. */
static size_t rb_prefix_len(const rb_grouping *by, const struct rb_view *row) {
  if (!by->delimited) {
    return row->klen < by->bytes ? row->klen : (size_t)by->bytes;
  }
  const uint8_t *at =
      row->klen == 0 ? NULL : (const uint8_t *)memchr(row->key, by->delimiter, row->klen);
  return at == NULL ? row->klen : (size_t)(at - row->key) + 1;
}

/* Writes the numbers of the open group before its prefix. */
static void rb_group_close(struct rb_grouped *g) {
  if (g->open != NULL) {
    memcpy(g->open - sizeof g->numbers, g->numbers, sizeof g->numbers);
  }
  g->open = NULL;
}

/* Begins a group; false if there is no room. */
static bool rb_group_open(struct rb_grouped *g, const uint8_t *prefix, size_t len) {
  rb_group_close(g);
  uint64_t want = (uint64_t)sizeof g->numbers + len;
  if (want > g->cap - g->out->used) {
    g->out->need = g->out->used == 0 ? want : 0;
    return false;
  }
  g->open = g->buf + g->out->used + sizeof g->numbers;
  if (len > 0 && g->open != NULL) { /* as it never is: a buffer without bytes has no room */
    memcpy(g->open, prefix, len);
  }
  g->out->used += (size_t)want;
  g->numbers[0] = len;
  g->numbers[1] = 0;
  g->numbers[2] = 0;
  g->numbers[3] = 0;
  return true;
}

static bool rb_group_row(void *state, const struct rb_view *row) {
  struct rb_grouped *g = state;
  size_t len = rb_prefix_len(&g->by, row);
  bool same =
      g->open != NULL && g->numbers[0] == len && (len == 0 || memcmp(g->open, row->key, len) == 0);
  if (!same && !rb_group_open(g, row->key, len)) {
    return false;
  }
  g->numbers[1]++;
  g->numbers[2] += row->klen;
  g->numbers[3] += row->vlen;
  return true;
}

rb_groups rb_iter_prefixes(rb_iter *it, uint32_t move, rb_stretch s, rb_grouping by, uint8_t *buf,
                           size_t cap) {
  rb_groups r = {0, 0, {0, 0, {RB_OK, NULL}}};
  struct rb_grouped g = {by, buf, cap, &r, NULL, {0}};
  r.passed = rb_walk(it, move, s, rb_group_row, &g);
  rb_group_close(&g);
  return r;
}
