/*
 * compactionservice_test.c: compactions that are done elsewhere, and who does them. RocksDB's C API
 * has them from 10.11 on; this program defines its functions, so that the glue finds them under any
 * version.
 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
#include "shortage.h"

#include "callbacks.h"
#include "later.h"

/* What RocksDB has of the service. */
static struct {
  void *state;
  void (*destructor)(void *);
  rocksdb_compaction_service_schedule_cb schedule;
  rocksdb_compaction_service_wait_cb wait;
  rocksdb_compaction_service_cancel_awaiting_jobs_cb cancel;
  rocksdb_compaction_service_on_installation_cb installed;
  bool set;
} service;

static char response_id[32];
static int response_status;
static char object; /* whose address stands for RocksDB's objects */

static rocksdb_compactionservice_scheduleresponse_t *respond(const char *id, int status) {
  (void)snprintf(response_id, sizeof response_id, "%s", id);
  response_status = status;
  return (rocksdb_compactionservice_scheduleresponse_t *)&object;
}

rocksdb_compactionservice_scheduleresponse_t *
rocksdb_compactionservice_scheduleresponse_create(const char *id, int status, char **err) {
  (void)err;
  return respond(id, status);
}

rocksdb_compactionservice_scheduleresponse_t *
rocksdb_compactionservice_scheduleresponse_create_with_status(int status, char **err) {
  (void)err;
  return respond("", status);
}

#define TEXT(name, text)                                                                           \
  const char *rocksdb_compactionservice_jobinfo_t_get_##name(                                      \
      const rocksdb_compactionservice_jobinfo_t *i, size_t *len) {                                 \
    assert_ptr_equal(i, &object);                                                                  \
    *len = sizeof(text) - 1;                                                                       \
    return text "beyond";                                                                          \
  }
#define NUMBER(type, name, n)                                                                      \
  type rocksdb_compactionservice_jobinfo_t_##name(const rocksdb_compactionservice_jobinfo_t *i) {  \
    assert_ptr_equal(i, &object);                                                                  \
    return n;                                                                                      \
  }
TEXT(db_id, "identity")
TEXT(db_session_id, "session")
TEXT(cf_name, "family")
NUMBER(uint64_t, get_job_id, 4711)
NUMBER(int, get_priority, 1)
NUMBER(int, get_compaction_reason, 9)
NUMBER(int, get_base_input_level, 2)
NUMBER(int, get_output_level, 3)
NUMBER(unsigned char, is_full_compaction, 1)
NUMBER(unsigned char, is_manual_compaction, 0)
NUMBER(unsigned char, is_bottommost_level, 1)

rocksdb_compactionservice_t *
rocksdb_compactionservice_create(void *state, void (*destructor)(void *),
                                 rocksdb_compaction_service_schedule_cb schedule, const char *name,
                                 rocksdb_compaction_service_wait_cb wait,
                                 rocksdb_compaction_service_cancel_awaiting_jobs_cb cancel,
                                 rocksdb_compaction_service_on_installation_cb installed) {
  assert_string_equal(name, "a name");
  service.state = state;
  service.destructor = destructor;
  service.schedule = schedule;
  service.wait = wait;
  service.cancel = cancel;
  service.installed = installed;
  return (rocksdb_compactionservice_t *)&object;
}

void rocksdb_options_set_compaction_service(rocksdb_options_t *o, rocksdb_compactionservice_t *s) {
  assert_non_null(o);
  assert_ptr_equal(s, &object);
  service.set = true;
}

/* What the worker has RocksDB do. */
static int alive; /* objects of RocksDB's */
static unsigned char *flag;
static unsigned char *told; /* that the options were given */
static char did[256];
static const char *answer;

rocksdb_compaction_service_options_override_t *
rocksdb_compaction_service_options_override_create_from_options(rocksdb_options_t *o) {
  assert_int_equal(rocksdb_options_get_num_levels(o), 5); /* the family's own */
  alive++;
  return (rocksdb_compaction_service_options_override_t *)&object;
}

void rocksdb_compaction_service_options_override_destroy(
    rocksdb_compaction_service_options_override_t *o) {
  assert_ptr_equal(o, &object);
  alive--;
}

void rocksdb_compaction_service_options_override_set_option(
    rocksdb_compaction_service_options_override_t *o, const char *key, const char *value) {
  assert_ptr_equal(o, &object);
  (void)snprintf(did, sizeof did, "%s=%s ", key, value);
}

unsigned char *rocksdb_open_and_compact_canceled_create(void) {
  flag = calloc(1, 1);
  return flag;
}

void rocksdb_open_and_compact_canceled_destroy(unsigned char *canceled) {
  assert_ptr_equal(canceled, flag);
  free(canceled);
  flag = NULL;
}

void rocksdb_open_and_compact_canceled_set(unsigned char *canceled, unsigned char value) {
  assert_ptr_equal(canceled, flag);
  *canceled = value;
}

rocksdb_open_and_compact_options_t *rocksdb_open_and_compact_options_create(void) {
  alive++;
  return (rocksdb_open_and_compact_options_t *)&object;
}

void rocksdb_open_and_compact_options_destroy(rocksdb_open_and_compact_options_t *o) {
  assert_ptr_equal(o, &object);
  alive--;
}

void rocksdb_open_and_compact_options_set_canceled(rocksdb_open_and_compact_options_t *o,
                                                   unsigned char *canceled) {
  assert_ptr_equal(o, &object);
  told = canceled;
}

char *rocksdb_open_and_compact_with_options(
    const rocksdb_open_and_compact_options_t *o, const char *db, const char *output,
    const char *input, size_t input_len, size_t *output_len,
    const rocksdb_compaction_service_options_override_t *own, char **err) {
  assert_ptr_equal(o, &object);
  assert_ptr_equal(own, &object);
  size_t n = strlen(did);
  (void)snprintf(did + n, sizeof did - n, "%s %s %.*s", db, output, (int)input_len, input);
  if (refused(err)) {
    return NULL;
  }
  *output_len = strlen(answer);
  return __real_strdup(answer);
}

/* Go's part. */
static rb_job last; /* its texts are gone after the call */
static char texts[128];
static unsigned calls[RB_CALLBACK_JOBS_CANCELLED + 1];
static bool moved;
static const char *result; /* NULL: none */

static void called(rb_callback *call) {
  assert_int_equal(call->handle, 7);
  calls[call->kind]++;
  if (call->kind == RB_CALLBACK_JOB_ENDED) {
    last = *call->job;
    moved = call->full;
  }
  if (call->kind != RB_CALLBACK_JOB) {
    return;
  }
  last = *call->job;
  (void)snprintf(texts, sizeof texts, "%.*s %.*s %.*s %.*s", (int)last.family_len, last.family,
                 (int)last.database_len, last.database, (int)last.session_len, last.session,
                 (int)last.input_len, (const char *)last.input);
  if (result != NULL && rb_callback_reserve(call, strlen(result) + 1)) {
    call->out_len = strlen(result);
    memcpy(call->out, result, call->out_len);
    call->answer = RB_ANSWER_OK;
  }
}

/* Opens a database that asks called. */
static rb_opened open_asking(struct fixture *f) {
  struct setup s = fx_defaults();
  rb_plan *p = rb_plan_new(f->dir, s.db);
  rb_callee *c = rb_callee_new(called, 7, "a name");
  assert_non_null(p);
  assert_non_null(c);
  rb_plan_compactor(p, c);
  rb_callee_free(c);
  fx_ok(rb_plan_family(p, "default", s.family, NULL));
  rb_opened o = rb_plan_open(p);
  rb_plan_free(p);
  return o;
}

static int closed_new(void **state) {
  memset(&service, 0, sizeof service);
  memset(calls, 0, sizeof calls);
  result = NULL;
  refusal = NULL;
  countdown = 0;
  alive = 0;
  int r = fx_new(state);
  fx_close(*state);
  return r;
}

static int wait_for(const char *id, char **data, size_t *len) {
  *data = NULL;
  *len = 99;
  return service.wait(service.state, id, data, len);
}

static void jobs_are_asked_for_once_and_their_results_handed_over(void **state) {
  struct fixture *f = *state;
  assert_int_equal(rb_supports(RB_FEATURE_COMPACTOR), 1);
  rb_opened o = open_asking(f);
  fx_ok(o.status);
  assert_true(service.set);
  const rocksdb_compactionservice_jobinfo_t *info =
      (const rocksdb_compactionservice_jobinfo_t *)&object;
  assert_non_null(service.schedule(service.state, info, "one", 3));
  assert_string_equal(response_id, "1");
  assert_int_equal(response_status, RB_JOB_DONE);
  assert_non_null(service.schedule(service.state, info, "second", 6));
  assert_string_equal(response_id, "2");
  assert_int_equal(calls[RB_CALLBACK_JOB], 0);

  char *data;
  size_t len;
  result = "the result";
  assert_int_equal(wait_for("1", &data, &len), RB_JOB_DONE);
  assert_int_equal(len, strlen(result));
  assert_memory_equal(data, result, len);
  free(data);
  assert_string_equal(texts, "family identity session one");
  assert_true(last.serial == 1 && last.number == 4711 && last.priority == 1 && last.reason == 9);
  assert_true(last.from == 2 && last.to == 3 && last.full && !last.manual && last.bottommost);
  assert_int_equal(wait_for("1", &data, &len), RB_JOB_LOCAL); /* nobody asks again */
  assert_int_equal(calls[RB_CALLBACK_JOB], 1);

  result = NULL;
  assert_int_equal(wait_for("2", &data, &len), RB_JOB_LOCAL);
  assert_null(data);
  assert_string_equal(texts, "family identity session second");
  assert_non_null(service.schedule(service.state, info, "", 0));
  result = "";
  assert_int_equal(wait_for("3", &data, &len), RB_JOB_LOCAL); /* an empty one is none */
  assert_null(data);

  service.installed(service.state, "2", RB_JOB_DONE);
  assert_true(moved && last.serial == 2);
  service.installed(service.state, "1", RB_JOB_LOCAL);
  assert_true(!moved && last.serial == 1);
  service.cancel(service.state);
  assert_int_equal(calls[RB_CALLBACK_JOBS_CANCELLED], 1);
  assert_non_null(service.schedule(service.state, info, "left", 4));
  rb_close(o.db);
  assert_int_equal(calls[RB_CALLBACK_RELEASE], 0);
  service.destructor(service.state);
  assert_int_equal(calls[RB_CALLBACK_RELEASE], 1);
}

/* A job for which there is no memory stays here: no response at all would be a failure. */
static void a_job_without_memory_stays_here(void **state) {
  struct fixture *f = *state;
  rb_opened o = open_asking(f);
  fx_ok(o.status);
  const rocksdb_compactionservice_jobinfo_t *info =
      (const rocksdb_compactionservice_jobinfo_t *)&object;
  countdown = 1;
  assert_non_null(service.schedule(service.state, info, "x", 1));
  assert_int_equal(response_status, RB_JOB_LOCAL);
  assert_int_equal(calls[RB_CALLBACK_JOB], 0);
  rb_close(o.db);
  service.destructor(service.state);
}

/* The service itself needs memory, too. */
static rb_callee *asked;

static rb_status serves(struct fixture *f) {
  (void)f;
  rocksdb_options_t *o = rocksdb_options_create();
  rb_status s = rb_options_set_compactor(o, asked);
  if (s.code == RB_OK) {
    service.destructor(service.state);
  }
  rocksdb_options_destroy(o);
  return s;
}

static void a_service_without_memory_is_none(void **state) {
  asked = rb_callee_new(called, 7, "a name");
  fail_everywhere(*state, serves, 1);
  assert_true(service.set);
  rb_callee_free(asked);
  assert_int_equal(calls[RB_CALLBACK_RELEASE], 1);
}

static void a_worker_does_the_job_of_its_family(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  rb_plan *p = rb_plan_new(f->dir, s.db);
  fx_ok(rb_plan_family(p, "g", s.family, "num_levels=5"));
  rb_worker *w = rb_worker_new();
  answer = "made";
  rb_compacted r = rb_plan_open_and_compact(p, "g", "/out", U8("inputmore"), 5, w);
  fx_ok(r.status);
  assert_int_equal(r.len, 4);
  assert_memory_equal(r.data, "made", 4);
  rb_free(r.data);
  char want[RB_PATH + 64];
  (void)snprintf(want, sizeof want, "enable_blob_files=false %s /out input", f->dir);
  assert_string_equal(did, want);
  assert_ptr_equal(told, flag);
  assert_int_equal(*flag, 0);
  rb_worker_stop(w);
  assert_int_equal(*flag, 1);
  refusal = "Result incomplete: Manual compaction paused";
  r = rb_plan_open_and_compact(p, "g", "/out", U8("x"), 1, w);
  fx_error(r.status, RB_INCOMPLETE, NULL);
  assert_null(r.data);
  assert_int_equal(r.len, 0);
  r = rb_plan_open_and_compact(p, "h", "/out", U8("x"), 1, w);
  fx_error(r.status, RB_NOT_FOUND, NULL);
  rb_worker_free(w);
  assert_null(flag);
  assert_int_equal(alive, 0);
  countdown = 1;
  assert_null(rb_worker_new());
  rb_plan_free(p);
}

/* What an order that failed has put together is not handed on. */
static void fails_to_compare(rb_callback *call) { call->answer = RB_ANSWER_FAILED; }

static void a_failed_order_gives_no_result(void **state) {
  struct fixture *f = *state;
  struct setup s = fx_defaults();
  rb_plan *p = rb_plan_new(f->dir, s.db);
  rb_callee *c = rb_callee_new(fails_to_compare, 8, "order");
  s.family.operators.called_order = c;
  fx_ok(rb_plan_family(p, "g", s.family, "num_levels=5"));
  rb_callee_free(c);
  assert_null(rb_plan_order(p, "nobody's"));
  rb_order_compare(rb_plan_order(p, "g"), U8("a"), 1, U8("b"), 1);
  rb_worker *w = rb_worker_new();
  answer = "made";
  rb_compacted r = rb_plan_open_and_compact(p, "g", "/out", U8("x"), 1, w);
  fx_error(r.status, RB_ABORTED, NULL);
  assert_null(r.data);
  rb_worker_free(w);
  rb_plan_free(p);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, closed_new, fx_free)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(jobs_are_asked_for_once_and_their_results_handed_over),
      CASE(a_job_without_memory_stays_here),
      CASE(a_service_without_memory_is_none),
      CASE(a_worker_does_the_job_of_its_family),
      CASE(a_failed_order_gives_no_result),
  };
  return cmocka_run_group_tests_name("compactionservice", tests, NULL, NULL);
}
