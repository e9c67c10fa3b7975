/* compactionservice.c: jobs of compaction that Go has done elsewhere. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "callbacks.h"
#include "later.h"

/* A job between RocksDB's two calls about it. What job points to lies behind it. */
struct rb_awaited {
  rb_job job;
  struct rb_awaited *next;
};

/* What RocksDB has of a callee. */
struct rb_service {
  rb_callee *callee;
  pthread_mutex_t mutex; /* of what follows */
  uint64_t last;         /* serial */
  struct rb_awaited *first;
};

bool rb_compactor_offered(void) {
  return rocksdb_compactionservice_create != NULL &&
         rocksdb_options_set_compaction_service != NULL &&
         rocksdb_compactionservice_scheduleresponse_create != NULL &&
         rocksdb_compactionservice_scheduleresponse_create_with_status != NULL &&
         rb_open_and_compact_offered();
}

/* Copies bytes to *room, which it moves behind them. */
static const char *rb_moved_in(char **room, const char *from, size_t n) {
  char *at = *room;
  if (n > 0) {
    memcpy(at, from, n);
  }
  *room += n;
  return at;
}

/* What RocksDB lends during one call; NULL when memory is short. */
static struct rb_awaited *rb_awaited_new(const rocksdb_compactionservice_jobinfo_t *i,
                                         const char *input, size_t input_len) {
  rb_job j = {.input_len = input_len};
  const char *family = rocksdb_compactionservice_jobinfo_t_get_cf_name(i, &j.family_len);
  const char *database = rocksdb_compactionservice_jobinfo_t_get_db_id(i, &j.database_len);
  const char *session = rocksdb_compactionservice_jobinfo_t_get_db_session_id(i, &j.session_len);
  struct rb_awaited *a =
      malloc(sizeof *a + j.family_len + j.database_len + j.session_len + input_len);
  if (a == NULL) {
    return NULL;
  }
  char *room = (char *)(a + 1);
  j.family = rb_moved_in(&room, family, j.family_len);
  j.database = rb_moved_in(&room, database, j.database_len);
  j.session = rb_moved_in(&room, session, j.session_len);
  j.input = (const uint8_t *)rb_moved_in(&room, input, input_len);
  j.number = rocksdb_compactionservice_jobinfo_t_get_job_id(i);
  j.reason = rocksdb_compactionservice_jobinfo_t_get_compaction_reason(i);
  j.priority = rocksdb_compactionservice_jobinfo_t_get_priority(i);
  j.from = rocksdb_compactionservice_jobinfo_t_get_base_input_level(i);
  j.to = rocksdb_compactionservice_jobinfo_t_get_output_level(i);
  j.full = rocksdb_compactionservice_jobinfo_t_is_full_compaction(i) != 0;
  j.manual = rocksdb_compactionservice_jobinfo_t_is_manual_compaction(i) != 0;
  j.bottommost = rocksdb_compactionservice_jobinfo_t_is_bottommost_level(i) != 0;
  a->job = j;
  return a;
}

/* Notes a job. RocksDB waits for it on the same thread, at once. */
static rocksdb_compactionservice_scheduleresponse_t *
rb_schedule(void *state, const rocksdb_compactionservice_jobinfo_t *info, const char *input,
            size_t input_len) {
  struct rb_service *s = state;
  char *err = NULL;
  struct rb_awaited *a = rb_awaited_new(info, input, input_len);
  if (a == NULL) { /* NULL would be a background error */
    return rocksdb_compactionservice_scheduleresponse_create_with_status(RB_JOB_LOCAL, &err);
  }
  pthread_mutex_lock(&s->mutex);
  a->job.serial = ++s->last;
  a->next = s->first;
  s->first = a;
  pthread_mutex_unlock(&s->mutex);
  char id[32];
  (void)snprintf(id, sizeof id, "%" PRIu64, a->job.serial);
  return rocksdb_compactionservice_scheduleresponse_create(id, RB_JOB_DONE, &err);
}

/* Takes a job out of those that wait; NULL if there is none of that serial. */
static struct rb_awaited *rb_awaited_take(struct rb_service *s, uint64_t serial) {
  pthread_mutex_lock(&s->mutex);
  struct rb_awaited **at = &s->first;
  while (*at != NULL && (*at)->job.serial != serial) {
    at = &(*at)->next;
  }
  struct rb_awaited *a = *at;
  if (a != NULL) {
    *at = a->next;
  }
  pthread_mutex_unlock(&s->mutex);
  return a;
}

/* Every failure is that RocksDB does the job itself: a status of failure would put the database
 * into a failed state. */
static int rb_wait(void *state, const char *id, char **result, size_t *result_len) {
  struct rb_service *s = state;
  struct rb_awaited *a = rb_awaited_take(s, strtoull(id, NULL, 10));
  if (a == NULL) {
    return RB_JOB_LOCAL;
  }
  rb_callback call = {.kind = RB_CALLBACK_JOB, .job = &a->job};
  rb_callee_call(s->callee, &call);
  free(a);
  if (call.answer != RB_ANSWER_OK || call.out_len == 0) {
    free(call.out);
    return RB_JOB_LOCAL;
  }
  *result = (char *)call.out; /* RocksDB frees it */
  *result_len = call.out_len;
  return RB_JOB_DONE;
}

static void rb_cancel_awaiting(void *state) {
  struct rb_service *s = state;
  rb_callback call = {.kind = RB_CALLBACK_JOBS_CANCELLED};
  rb_callee_call(s->callee, &call);
}

static void rb_on_installation(void *state, const char *id, int status) {
  struct rb_service *s = state;
  rb_job job = {.serial = strtoull(id, NULL, 10)};
  rb_callback call = {.kind = RB_CALLBACK_JOB_ENDED, .full = status == RB_JOB_DONE, .job = &job};
  rb_callee_call(s->callee, &call);
}

static void rb_service_free(void *state) {
  struct rb_service *s = state;
  for (struct rb_awaited *a = s->first, *next; a != NULL; a = next) {
    next = a->next;
    free(a);
  }
  rb_callee_free(s->callee);
  pthread_mutex_destroy(&s->mutex);
  free(s);
}

rb_status rb_options_set_compactor(rocksdb_options_t *options, rb_callee *c) {
  if (!rb_compactor_offered()) {
    return rb_status_make(RB_UNSUPPORTED, NULL);
  }
  struct rb_service *s = calloc(1, sizeof *s);
  if (s == NULL) {
    return rb_status_make(RB_NO_MEMORY, NULL);
  }
  pthread_mutex_init(&s->mutex, NULL);
  s->callee = rb_callee_hold(c);
  rocksdb_options_set_compaction_service(
      options, rocksdb_compactionservice_create(s, rb_service_free, rb_schedule, rb_callee_name(c),
                                                rb_wait, rb_cancel_awaiting,
                                                rb_on_installation)); /* which own it from here */
  return rb_ok();
}
