/*
 * events_test.c: the queue of events, and the listener of RocksDB's C API that fills it. That came
 * with 10.3; this program defines its functions, so that the glue finds them under any version.
 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=pthread_mutex_init */
#include "events.h"

#include <pthread.h>

#include "fixture.h"
#include "later.h"
#include "listen.h"

static bool no_malloc, no_calloc, no_mutex;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_malloc(size_t n) { return no_malloc ? NULL : __real_malloc(n); }

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size) { return no_calloc ? NULL : __real_calloc(n, size); }

int __real_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *a);
int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *a);
int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *a) {
  return no_mutex ? 12 : __real_pthread_mutex_init(m, a);
}

/* ---- the listener, as RocksDB would call it ---- */

static struct {
  void *state;
  void (*destructor)(void *);
  void (*flush_begin)(void *, rocksdb_t *, const rocksdb_flushjobinfo_t *);
  void (*flush_completed)(void *, rocksdb_t *, const rocksdb_flushjobinfo_t *);
  void (*compaction_begin)(void *, rocksdb_t *, const rocksdb_compactionjobinfo_t *);
  void (*compaction_completed)(void *, rocksdb_t *, const rocksdb_compactionjobinfo_t *);
  void (*subcompaction)(void *, const rocksdb_subcompactionjobinfo_t *);
  void (*ingested)(void *, rocksdb_t *, const rocksdb_externalfileingestioninfo_t *);
  void (*background_error)(void *, uint32_t, rocksdb_status_ptr_t *);
  void (*stall)(void *, const rocksdb_writestallinfo_t *);
  void (*sealed)(void *, const rocksdb_memtableinfo_t *);
} heard;

static int added;

rocksdb_eventlistener_t *rocksdb_eventlistener_create(
    void *state, void (*destructor)(void *),
    void (*on_flush_begin)(void *, rocksdb_t *, const rocksdb_flushjobinfo_t *),
    void (*on_flush_completed)(void *, rocksdb_t *, const rocksdb_flushjobinfo_t *),
    void (*on_compaction_begin)(void *, rocksdb_t *, const rocksdb_compactionjobinfo_t *),
    void (*on_compaction_completed)(void *, rocksdb_t *, const rocksdb_compactionjobinfo_t *),
    void (*on_subcompaction_begin)(void *, const rocksdb_subcompactionjobinfo_t *),
    void (*on_subcompaction_completed)(void *, const rocksdb_subcompactionjobinfo_t *),
    void (*on_external_file_ingested)(void *, rocksdb_t *,
                                      const rocksdb_externalfileingestioninfo_t *),
    void (*on_background_error)(void *, uint32_t, rocksdb_status_ptr_t *),
    void (*on_stall_conditions_changed)(void *, const rocksdb_writestallinfo_t *),
    void (*on_memtable_sealed)(void *, const rocksdb_memtableinfo_t *)) {
  heard.state = state;
  heard.destructor = destructor;
  heard.flush_begin = on_flush_begin;
  heard.flush_completed = on_flush_completed;
  heard.compaction_begin = on_compaction_begin;
  heard.compaction_completed = on_compaction_completed;
  heard.subcompaction = on_subcompaction_begin;
  assert_ptr_equal(on_subcompaction_begin, on_subcompaction_completed);
  heard.ingested = on_external_file_ingested;
  heard.background_error = on_background_error;
  heard.stall = on_stall_conditions_changed;
  heard.sealed = on_memtable_sealed;
  return (rocksdb_eventlistener_t *)&heard;
}

void rocksdb_options_add_eventlistener(rocksdb_options_t *opt, rocksdb_eventlistener_t *listener) {
  assert_non_null(opt);
  assert_ptr_equal(listener, &heard);
  added++;
}

/* What RocksDB lends has no NUL at its end. */
static const char lent[] = "family/000017.sst";
#define NAME(type, field, at, size)                                                                \
  const char *rocksdb_##type##_##field(const rocksdb_##type##_t *info, size_t *len) {              \
    assert_ptr_equal(info, lent);                                                                  \
    *len = size;                                                                                   \
    return lent + at;                                                                              \
  }
#define NUMBER(type, result, field, value)                                                         \
  result rocksdb_##type##_##field(const rocksdb_##type##_t *info) {                                \
    assert_ptr_equal(info, lent);                                                                  \
    return value;                                                                                  \
  }
NAME(flushjobinfo, cf_name, 0, 6)
NAME(flushjobinfo, file_path, 7, 10)
NAME(compactionjobinfo, cf_name, 0, 6)
NAME(externalfileingestioninfo, cf_name, 0, 6)
NAME(externalfileingestioninfo, internal_file_path, 7, 10)
NAME(writestallinfo, cf_name, 0, 6)
NAME(memtableinfo, cf_name, 0, 6)
NUMBER(flushjobinfo, uint64_t, smallest_seqno, 3)
NUMBER(flushjobinfo, uint64_t, largest_seqno, 5)
NUMBER(compactionjobinfo, uint32_t, compaction_reason, 9)
NUMBER(compactionjobinfo, int, base_input_level, 0)
NUMBER(compactionjobinfo, int, output_level, 6)
NUMBER(compactionjobinfo, size_t, input_files_count, 2)
NUMBER(compactionjobinfo, size_t, output_files_count, 1)
NUMBER(compactionjobinfo, uint64_t, input_records, 22)
NUMBER(compactionjobinfo, uint64_t, output_records, 11)
NUMBER(compactionjobinfo, uint64_t, total_input_bytes, 2000)
NUMBER(compactionjobinfo, uint64_t, total_output_bytes, 1000)
NUMBER(compactionjobinfo, uint64_t, elapsed_micros, 123)
NUMBER(memtableinfo, uint64_t, first_seqno, 8)
NUMBER(memtableinfo, uint64_t, num_entries, 12)
NUMBER(memtableinfo, uint64_t, num_deletes, 4)

void rocksdb_compactionjobinfo_status(const rocksdb_compactionjobinfo_t *info, char **errptr) {
  assert_ptr_equal(info, lent);
  *errptr = strdup("Corruption: block");
}

static int stall_now, stall_before;

const rocksdb_writestallcondition_t *
rocksdb_writestallinfo_cur(const rocksdb_writestallinfo_t *info) {
  assert_ptr_equal(info, lent);
  return (const rocksdb_writestallcondition_t *)&stall_now;
}

const rocksdb_writestallcondition_t *
rocksdb_writestallinfo_prev(const rocksdb_writestallinfo_t *info) {
  assert_ptr_equal(info, lent);
  return (const rocksdb_writestallcondition_t *)&stall_before;
}

void rocksdb_status_ptr_get_error(rocksdb_status_ptr_t *status, char **errptr) {
  assert_ptr_equal(status, lent);
  *errptr = strdup("IO error: No space left on device: While appending");
}

static void every_call_becomes_an_event(void **state) {
  (void)state;
  rb_events *e = rb_events_new(100);
  rocksdb_options_t *o = rocksdb_options_create();
  rb_status s = rb_listen(o, e);
  assert_int_equal(s.code, RB_OK);
  assert_int_equal(added, 1);
  const void *info = lent;
  heard.flush_begin(heard.state, NULL, info);
  heard.flush_completed(heard.state, NULL, info);
  heard.compaction_begin(heard.state, NULL, info);
  heard.compaction_completed(heard.state, NULL, info);
  heard.subcompaction(heard.state, info);
  heard.ingested(heard.state, NULL, info);
  heard.background_error(heard.state, 1, (rocksdb_status_ptr_t *)(uintptr_t)info);
  stall_now = 1; /* RocksDB's kStopped */
  stall_before = 2;
  heard.stall(heard.state, info);
  heard.sealed(heard.state, info);

  static const uint32_t kinds[] = {RB_EVENT_FLUSH_BEGUN,      RB_EVENT_FLUSH_COMPLETED,
                                   RB_EVENT_COMPACTION_BEGUN, RB_EVENT_COMPACTION_COMPLETED,
                                   RB_EVENT_FILE_INGESTED,    RB_EVENT_BACKGROUND_ERROR,
                                   RB_EVENT_STALL_CHANGED,    RB_EVENT_MEMTABLE_SEALED};
  rb_event *all[8];
  rb_event *first = rb_events_take(e);
  rb_event *v = first;
  for (size_t i = 0; i < 8; i++, v = v->next) {
    assert_non_null(v);
    all[i] = v;
    assert_int_equal(v->kind, kinds[i]);
    assert_int_equal(v->number, i + 1);
    assert_true(v->at > 0);
    assert_string_equal(v->family, v->kind == RB_EVENT_BACKGROUND_ERROR ? "" : "family");
  }
  assert_null(v);
  assert_string_equal(all[1]->path, "000017.sst");
  assert_int_equal(all[1]->first_sequence, 3);
  assert_int_equal(all[1]->last_sequence, 5);
  assert_int_equal(all[1]->job, -1);
  rb_event *c = all[3];
  assert_int_equal(c->code, RB_CORRUPTION);
  assert_string_equal(c->text, "Corruption: block");
  assert_int_equal(c->reason, 9);
  assert_true(c->level == 0 && c->output_level == 6 && c->files_in == 2 && c->files_out == 1);
  assert_true(c->records_in == 22 && c->records_out == 11 && c->micros == 123);
  assert_true(c->bytes_in == 2000 && c->bytes_out == 1000);
  assert_string_equal(all[4]->path, "000017.sst");
  assert_int_equal(all[5]->code, RB_NO_SPACE);
  assert_int_equal(all[5]->reason, 1);
  assert_int_equal(all[6]->stall, RB_STALL_STOPPED);
  assert_int_equal(all[6]->stall_before, RB_STALL_NONE);
  assert_true(all[7]->entries == 12 && all[7]->deletes == 4 && all[7]->first_sequence == 8);
  rb_event_list_free(first);

  rb_events_free(e); /* the listener has its own hold */
  heard.sealed(heard.state, info);
  heard.destructor(heard.state);
  rocksdb_options_destroy(o);
}

/* A plan may be gone: the database holds the queue by its listener. */
static void a_plan_has_its_database_heard(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  rb_events *e = rb_events_new(9);
  assert_non_null(e);
  rb_plan *p = rb_plan_new(f->dir, s.db);
  assert_non_null(p);
  fx_ok(rb_plan_family(p, "default", s.family, NULL));
  added = 0;
  rb_plan_events(p, e);
  assert_int_equal(added, 0);
  rb_opened o = rb_plan_open(p);
  fx_ok(o.status);
  f->db = o.db;
  assert_int_equal(added, 1);
  assert_int_equal(rb_supports(RB_FEATURE_EVENTS), 1);
  rb_plan_free(p);
  heard.sealed(heard.state, (const void *)lent);
  rb_event *v = rb_events_take(e);
  assert_non_null(v);
  assert_int_equal(v->kind, RB_EVENT_MEMTABLE_SEALED);
  rb_event_list_free(v);
  rb_events_free(e);
  heard.destructor(heard.state);
}

/* A queue that is not used is given up with its plan. */
static void a_plan_that_is_not_opened_gives_the_queue_up(void **state) {
  struct fixture *f = *state;
  rb_events *e = rb_events_new(9);
  assert_non_null(e);
  rb_plan *p = rb_plan_new(f->dir, fx_defaults().db);
  assert_non_null(p);
  rb_plan_events(p, e);
  rb_events_free(e);
  rb_plan_free(p);
}

/* An event for which there is no memory is one that was dropped. */
static void without_memory_there_is_no_queue_and_no_event(void **state) {
  (void)state;
  no_calloc = true;
  rb_events *e = rb_events_new(9);
  no_calloc = false;
  assert_null(e);
  no_mutex = true;
  e = rb_events_new(9);
  no_mutex = false;
  assert_null(e);
  e = rb_events_new(9);
  assert_non_null(e);
  rb_event v = rb_event_of(RB_EVENT_TABLE_DELETED);
  no_malloc = true;
  rb_events_put(e, &v);
  no_malloc = false;
  rb_event_counts c = rb_events_count(e);
  assert_int_equal(c.of_kind[RB_EVENT_TABLE_DELETED], 1);
  assert_int_equal(c.dropped, 1);
  assert_int_equal(c.waiting, 0);
  rb_events_put(e, &v);
  rb_event *first = rb_events_take(e);
  assert_non_null(first);
  assert_int_equal(first->number, 2);
  rb_event_list_free(first);
  rb_events_free(e);
}

static void events_beyond_the_bound_are_counted(void **state) {
  (void)state;
  rb_events *e = rb_events_new(2);
  rb_event v = rb_event_of(RB_EVENT_TABLE_DELETED);
  for (int i = 0; i < 5; i++) {
    rb_events_put(e, &v);
  }
  rb_event_counts c = rb_events_count(e);
  assert_int_equal(c.of_kind[RB_EVENT_TABLE_DELETED], 5);
  assert_int_equal(c.dropped, 3);
  assert_int_equal(c.waiting, 2);
  rb_event *first = rb_events_take(e);
  assert_int_equal(first->next->number, 2);
  assert_null(first->next->next);
  rb_event_list_free(first);
  assert_null(rb_events_take(e));
  rb_events_put(e, &v);
  first = rb_events_take(e);
  assert_int_equal(first->number, 6);
  rb_event_list_free(first);
  rb_events_put(e, &v); /* and is there when the queue ends */
  rb_events_free(e);
  rb_events_free(NULL);
}

enum { THREADS = 4, EACH = 5000 };

static void *put_many(void *e) {
  rb_event v = rb_event_of(RB_EVENT_FLUSH_BEGUN);
  v.family = "f";
  for (int i = 0; i < EACH; i++) {
    rb_events_put(e, &v);
  }
  return NULL;
}

/* Numbers rise, and each event is either taken or counted as dropped. */
static void threads_may_put_while_one_takes(void **state) {
  (void)state;
  rb_events *e = rb_events_new(50);
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, put_many, e), 0);
  }
  uint64_t taken = 0;
  uint64_t last = 0;
  rb_event_counts c;
  do {
    c = rb_events_count(e);
    rb_event *first = rb_events_take(e);
    for (rb_event *v = first; v != NULL; v = v->next) {
      assert_true(v->number > last);
      last = v->number;
      taken++;
    }
    rb_event_list_free(first);
  } while (c.of_kind[RB_EVENT_FLUSH_BEGUN] < (uint64_t)THREADS * EACH);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
  }
  rb_event *rest = rb_events_take(e);
  for (rb_event *v = rest; v != NULL; v = v->next) {
    taken++;
  }
  rb_event_list_free(rest);
  assert_int_equal(taken + rb_events_count(e).dropped, THREADS * EACH);
  rb_events_free(e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_call_becomes_an_event),
      cmocka_unit_test_setup_teardown(a_plan_has_its_database_heard, fx_new_empty, fx_free),
      cmocka_unit_test_setup_teardown(a_plan_that_is_not_opened_gives_the_queue_up, fx_new_empty,
                                      fx_free),
      cmocka_unit_test(without_memory_there_is_no_queue_and_no_event),
      cmocka_unit_test(events_beyond_the_bound_are_counted),
      cmocka_unit_test(threads_may_put_while_one_takes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
