/* iter_model_test.c: random use of iterators against a sorted array. */
#include "model.h"

/* A family, what it should hold, and the random numbers that change both. */
struct world {
  struct fixture *f; /* whose iterator it is */
  struct model now;
  uint64_t seed;
};

static uint64_t below(struct world *w, uint64_t n) { return fx_random(&w->seed) % n; }

static void write_something(struct world *w) {
  struct model_row row = {model_random_key(&w->seed), {0}, below(w, MODEL_VALUE)};
  struct model_key end = model_random_key(&w->seed);
  switch (below(w, 12)) {
    case 0:
      if (model_compare(&row.key, &end) < 0 && below(w, 4) == 0) {
        model_delete_range(&w->now, model_below(&w->now, &row.key, false),
                           model_below(&w->now, &end, false));
        fx_ok(rb_apply(w->f->family, RB_DELETE_RANGE, 0, row.key.data, row.key.len, end.data,
                       end.len));
      }
      break;
    case 1:
    case 2:
      model_delete_range(&w->now, model_below(&w->now, &row.key, false),
                         model_below(&w->now, &row.key, true));
      fx_ok(rb_apply(w->f->family, RB_DELETE, 0, row.key.data, row.key.len, NULL, 0));
      break;
    default:
      for (size_t i = 0; i < row.vlen; i++) {
        row.value[i] = (uint8_t)fx_random(&w->seed);
      }
      model_put(&w->now, &row);
      fx_ok(rb_apply(w->f->family, RB_PUT, 0, row.key.data, row.key.len, row.value, row.vlen));
  }
}

/* Spreads what was written over memtable, level 0 and small files below. */
static void rearrange(struct world *w) {
  switch (below(w, 4)) {
    case 0:
      fx_ok(rb_compact(w->f->family, 0, NULL, 0, 0, NULL, 0));
      break;
    case 1:
    case 2:
      fx_flush(w->f);
      break;
    default:
      break;
  }
}

static struct model_bound random_bound(struct world *w) {
  struct model_bound b = {below(w, 3) != 0, model_random_key(&w->seed)};
  return b;
}

/* The model of the fixture's iterator, over a copy of the state that it was made of. */
struct pair {
  struct model state;
  struct model_iter mi;
  struct model_bound lower, upper;
};

static void pair_new(struct world *w, struct pair *p, rb_snapshot *snap,
                     const struct model *state) {
  p->state = *state;
  p->lower = random_bound(w);
  p->upper = random_bound(w);
  rb_iter_options o = {0};
  o.has_lower = p->lower.set;
  o.has_upper = p->upper.set;
  o.max_value = below(w, 4) == 0 ? 1 + below(w, 8) : 0;
  o.readahead = below(w, 4) == 0 ? 4096 : 0;
  o.flags = below(w, 4) == 0 ? RB_READ_KEYS_ONLY : 0;
  rb_iter_free(w->f->it);
  w->f->it = NULL;
  rb_iter_result r = rb_iter_new(w->f->family, snap, o, p->lower.key.data, p->lower.key.len,
                                 p->upper.key.data, p->upper.key.len);
  fx_ok(r.status);
  w->f->it = r.iter;
  p->mi = (struct model_iter){&p->state, 0, 0, 0, true, false, o.flags != 0, (size_t)o.max_value};
  model_bounds(&p->mi, &p->lower, &p->upper);
}

static void change_bounds(struct world *w, struct pair *p) {
  if (below(w, 4) != 0) { /* else the same ones again */
    p->lower = random_bound(w);
    p->upper = random_bound(w);
  }
  fx_ok(rb_iter_set_bounds(w->f->it, p->lower.set, p->lower.key.data, p->lower.key.len,
                           p->upper.set, p->upper.key.data, p->upper.key.len));
  model_bounds(&p->mi, &p->lower, &p->upper);
}

static void refresh(struct world *w, struct pair *p) {
  fx_ok(rb_iter_refresh(w->f->it));
  p->state = w->now;
  model_bounds(&p->mi, &p->lower, &p->upper);
}

static uint32_t u32(const uint8_t *at) {
  uint32_t n;
  memcpy(&n, at, sizeof n);
  return n;
}

/* One fill of a buffer of cap bytes, on both. */
static void fill(struct world *w, struct pair *p, uint32_t move, size_t cap, uint32_t max_rows) {
  struct model_key k = model_random_key(&w->seed);
  uint8_t *buf = malloc(cap == 0 ? 1 : cap);
  assert_non_null(buf);
  rb_fill f = rb_iter_fill(w->f->it, move, k.data, k.len, cap == 0 ? NULL : buf, cap, max_rows);
  fx_ok(f.status);
  model_move(&p->mi, move, &k);
  uint32_t rows = 0;
  size_t used = 0, need = 0;
  const struct model_row *row = model_next(&p->mi);
  for (; row != NULL && rows < max_rows; row = model_next(&p->mi)) {
    size_t vlen = model_vlen(&p->mi, row), size = 8 + row->key.len + vlen;
    if (used + size + 4 * ((size_t)rows + 1) > cap) {
      need = rows == 0 ? size + 4 : 0;
      break;
    }
    assert_true(rows < f.rows);
    assert_int_equal(u32(buf + cap - 4 * ((size_t)rows + 1)), used);
    assert_int_equal(u32(buf + used), row->key.len);
    assert_int_equal(u32(buf + used + 4), p->mi.keys_only ? 0 : row->vlen);
    assert_memory_equal(buf + used + 8, row->key.data, row->key.len);
    assert_memory_equal(buf + used + 8 + row->key.len, row->value, vlen);
    used += size;
    rows++;
    model_advance(&p->mi);
  }
  assert_int_equal(f.rows, rows);
  assert_int_equal(f.used, used);
  assert_int_equal(f.need, need);
  /* After max_rows the row behind the last one was not looked at. */
  assert_int_equal(f.end, row == NULL && rows < max_rows);
  free(buf);
}

static void count(struct world *w, struct pair *p, uint32_t move) {
  uint64_t max_rows = below(w, 3) == 0 ? UINT64_MAX : below(w, 20);
  rb_count c = rb_iter_count(w->f->it, move, max_rows);
  fx_ok(c.status);
  struct model_key none = {{0}, 0};
  model_move(&p->mi, move, &none);
  rb_count want = {0};
  const struct model_row *row;
  while (want.rows < max_rows && (row = model_next(&p->mi)) != NULL) {
    want.rows++;
    want.key_bytes += row->key.len;
    want.value_bytes += model_vlen(&p->mi, row);
    model_advance(&p->mi);
  }
  assert_int_equal(c.rows, want.rows);
  assert_int_equal(c.key_bytes, want.key_bytes);
  assert_int_equal(c.value_bytes, want.value_bytes);
  assert_int_equal(c.end, model_next(&p->mi) == NULL);
}

static void use_at_random(struct world *w, struct pair *p) {
  for (int i = 0; i < 60; i++) {
    switch (below(w, 16)) {
      case 0:
        change_bounds(w, p);
        break;
      case 1:
        write_something(w); /* which the iterator must not see */
        break;
      case 2:
        if (below(w, 3) == 0) {
          refresh(w, p);
        }
        break;
      case 3:
        count(w, p, below(w, 2) == 0 ? RB_MOVE_FIRST : RB_MOVE_ON);
        break;
      default: {
        size_t cap = below(w, 4) == 0 ? 16384 : below(w, 200);
        uint32_t max_rows = below(w, 2) == 0 ? UINT32_MAX : 1 + (uint32_t)below(w, 6);
        fill(w, p, (uint32_t)below(w, RB_MOVE_TURN_BACK + 1), cap, max_rows);
      }
    }
  }
}

static void world_new(struct world *w, struct fixture *f, uint64_t seed) {
  w->f = f;
  w->seed = seed;
  struct setup s = fx_defaults();
  s.family.block_size = 64;
  s.family_extra = "target_file_size_base=700;disable_auto_compactions=true";
  fx_open(f, s);
}

static void any_sequence_of_fills_equals_the_model(void **state) {
  static struct world w;
  static struct pair p;
  world_new(&w, *state, 20150907);
  for (int round = 0; round < 150; round++) {
    for (int i = 0; i < 20; i++) {
      write_something(&w);
    }
    rearrange(&w);
    pair_new(&w, &p, NULL, &w.now);
    use_at_random(&w, &p);
  }
}

static void an_iterator_of_a_snapshot_shows_the_snapshot(void **state) {
  static struct world w;
  static struct pair p;
  static struct model then;
  world_new(&w, *state, 42);
  for (int round = 0; round < 30; round++) {
    for (int i = 0; i < 20; i++) {
      write_something(&w);
    }
    w.f->snap = rb_snapshot_new(w.f->db);
    assert_non_null(w.f->snap);
    then = w.now;
    for (int i = 0; i < 20; i++) {
      write_something(&w);
    }
    rearrange(&w);
    pair_new(&w, &p, w.f->snap, &then);
    rb_snapshot_free(w.f->snap);
    w.f->snap = NULL;
    rearrange(&w);
    use_at_random(&w, &p);
  }
}

/* Asserts that a step ended on the model's row, or on none. */
static void expect_step(const struct pair *p, rb_row r, const struct model_row *row) {
  fx_ok(r.status);
  assert_int_equal(r.valid, row != NULL);
  if (row == NULL) {
    assert_null(r.key);
    assert_int_equal(r.klen, 0);
    assert_int_equal(r.vlen, 0);
    return;
  }
  assert_int_equal(r.klen, row->key.len);
  assert_memory_equal(r.key, row->key.data, r.klen);
  assert_int_equal(r.vlen, model_vlen(&p->mi, row));
  if (r.vlen > 0) {
    assert_memory_equal(r.value, row->value, r.vlen);
  }
}

static void step_at_random(struct world *w, struct pair *p) {
  const struct model_row *row = NULL; /* the current one */
  for (int i = 0; i < 100; i++) {
    struct model_key k = model_random_key(&w->seed);
    uint32_t move = (uint32_t)below(w, 3) == 0 ? (uint32_t)below(w, RB_MOVE_LT + 1) : RB_MOVE_ON;
    uint8_t next = (uint8_t)below(w, 2);
    if (below(w, 20) == 0) {
      change_bounds(w, p);
      row = NULL;
    }
    rb_row r = rb_iter_step(w->f->it, move, next, k.data, k.len);
    if (move != RB_MOVE_ON) {
      model_move(&p->mi, move, &k);
      row = model_next(&p->mi);
    } else if (row != NULL) {
      size_t at = (size_t)(row - p->state.rows);
      bool inside = next ? at + 1 < p->mi.high : at > p->mi.low;
      row = inside ? p->state.rows + (next ? at + 1 : at - 1) : NULL;
    }
    expect_step(p, r, row);
  }
}

static void any_sequence_of_steps_equals_the_model(void **state) {
  static struct world w;
  static struct pair p;
  world_new(&w, *state, 7);
  for (int round = 0; round < 60; round++) {
    for (int i = 0; i < 20; i++) {
      write_something(&w);
    }
    rearrange(&w);
    pair_new(&w, &p, NULL, &w.now);
    step_at_random(&w, &p);
  }
}

/* Walks the whole range in one direction through buffers of cap bytes, growing only as need says.
 */
static void walk(struct world *w, struct pair *p, bool back, size_t cap, uint32_t max_rows) {
  fill(w, p, back ? RB_MOVE_LAST : RB_MOVE_FIRST, cap, max_rows);
  while (model_next(&p->mi) != NULL) {
    size_t before = p->mi.gap;
    fill(w, p, RB_MOVE_ON, cap, max_rows);
    if (p->mi.gap == before) {
      const struct model_row *row = model_next(&p->mi);
      size_t need = 12 + row->key.len + model_vlen(&p->mi, row);
      assert_true(need > cap);
      fill(w, p, RB_MOVE_ON, need, max_rows);
      assert_int_not_equal(p->mi.gap, before);
    }
  }
  fill(w, p, RB_MOVE_ON, cap, max_rows);
}

static void buffers_of_every_small_size_deliver_every_row(void **state) {
  static struct world w;
  static struct pair p;
  world_new(&w, *state, 99);
  for (int i = 0; i < 150; i++) {
    write_something(&w);
  }
  rearrange(&w);
  for (size_t cap = 0; cap <= 120; cap++) {
    pair_new(&w, &p, NULL, &w.now);
    walk(&w, &p, cap % 2 == 0, cap, cap % 3 == 0 ? 1 + (uint32_t)(cap % 5) : UINT32_MAX);
    walk(&w, &p, cap % 2 != 0, cap, UINT32_MAX);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fx_new_empty, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(any_sequence_of_fills_equals_the_model),
      CASE(an_iterator_of_a_snapshot_shows_the_snapshot),
      CASE(any_sequence_of_steps_equals_the_model),
      CASE(buffers_of_every_small_size_deliver_every_row),
  };
  return cmocka_run_group_tests_name("iter_model", tests, NULL, NULL);
}
