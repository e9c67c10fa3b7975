/* trace_test.c: walks of this program's own stack, the names on it, and what fails. */
/* link: -Wl,--wrap=mmap */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <ucontext.h>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif

#include "cgotrace.h"

enum { PLACES = 32, UNTOUCHED = 77 };

static uintptr_t places[PLACES + 1]; /* one more than is lent */
static uintptr_t room;
static bool no_memory;

void *__real_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);

void *__wrap_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset) {
  if (no_memory) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return __real_mmap(addr, len, prot, flags, fd, offset);
}

static int prepare(void **state) {
  (void)state;
  room = PLACES;
  no_memory = false;
  for (size_t i = 0; i <= PLACES; i++) {
    places[i] = UNTOUCHED;
  }
  return 0;
}

static void walk(uintptr_t context, const void *sigcontext) {
  rb_trace_stack s = {.context = context, .sigcontext = sigcontext, .buf = places, .max = room};
  rb_trace_walk(&s);
}

static void on_signal(int sig, siginfo_t *info, void *context) {
  (void)sig;
  (void)info;
  walk(0, context);
}

#define OWN_FRAME __attribute__((noinline))
static volatile int passed; /* keeps calls from being the last act of their functions */

OWN_FRAME static void inner(void) {
  assert_int_equal(raise(SIGUSR1), 0);
  passed++;
}

OWN_FRAME static void outer(void) {
  inner();
  passed++;
}

static void interrupted(void) {
  struct sigaction old;
  struct sigaction new = {.sa_flags = SA_SIGINFO};
  new.sa_sigaction = on_signal;
  assert_int_equal(sigaction(SIGUSR1, &new, &old), 0);
  outer();
  assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
}

/* Whether a place has the name, in whichever of the functions inlined there. */
static bool is_in(uintptr_t pc, const char *function) {
  rb_trace_symbol s = {.pc = pc};
  bool found = false;
  do {
    rb_trace_name(&s);
    found = found || (s.function != NULL && strcmp(s.function, function) == 0);
  } while (s.more != 0);
  s.pc = 0;
  rb_trace_name(&s);
  assert_null(s.data);
  return found;
}

static int place_of(const char *function) {
  for (int i = 0; i < PLACES && places[i] != 0; i++) {
    if (is_in(places[i], function)) {
      return i;
    }
  }
  return -1;
}

static void a_walk_begins_at_the_interrupted_function(void **state) {
  (void)state;
  interrupted();
  assert_int_equal(place_of("on_signal"), -1);
  assert_int_equal(place_of("rb_trace_walk"), -1);
  int in = place_of("inner");
  assert_in_range(in, 0, 6); /* raise's own functions come first */
  assert_int_equal(place_of("outer"), in + 1);
  assert_true(place_of("main") > in + 1);
}

static void a_walk_outside_a_handler_begins_at_its_caller(void **state) {
  (void)state;
  walk(0, NULL);
  assert_int_equal(place_of("walk"), 0);
  assert_int_equal(place_of("a_walk_outside_a_handler_begins_at_its_caller"), 1);
}

static void a_walk_keeps_to_the_room(void **state) {
  for (uintptr_t n = 0; n < 5; n++) {
    (void)prepare(state);
    room = n;
    interrupted();
    for (uintptr_t i = 0; i < n; i++) {
      assert_true(places[i] != 0 && places[i] != UNTOUCHED);
    }
    assert_int_equal(places[n], UNTOUCHED);
  }
}

static void a_walk_from_a_context_is_empty(void **state) {
  (void)state;
  walk(1, NULL);
  assert_int_equal(places[0], 0);
  assert_int_equal(places[1], UNTOUCHED);
}

/* What a kernel leaves for the handler of a thread that stands at pc, on a stack that is not this
 * one; on arm64 the siginfo_t comes first. */
struct delivered {
  siginfo_t info;
  ucontext_t u;
};

static struct delivered standing_at(uintptr_t pc) {
  struct delivered d;
  memset(&d, 0, sizeof d);
#if defined(__x86_64__)
  d.u.uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
#else
  d.u.uc_mcontext.pc = pc;
#endif
  return d;
}

static void a_walk_that_loses_its_way_gives_the_interrupted_place(void **state) {
  (void)state;
  struct delivered d = standing_at((uintptr_t)outer);
  walk(0, &d.u);
  assert_int_equal(places[0], (uintptr_t)outer);
  assert_int_equal(places[1], 0);
  assert_int_equal(places[2], UNTOUCHED);
}

static void code_without_unwinding_data_is_no_place_of_c(void **state) {
  (void)state;
  struct delivered d = standing_at((uintptr_t)places);
  walk(0, &d.u);
  assert_int_equal(places[0], 0);
}

static void fault_if(void *arg) {
  const bool *wanted = arg;
  passed++;
  if (*wanted) {
    (void)raise(SIGSEGV);
    passed++;
  }
}

static void a_guard_ends_what_faults_and_puts_all_back(void **state) {
  (void)state;
  struct sigaction mine = {.sa_flags = SA_SIGINFO};
  struct sigaction old;
  struct sigaction after;
  sigset_t blocked;
  sigset_t mask;
  mine.sa_sigaction = on_signal;
  assert_int_equal(sigaction(SIGSEGV, &mine, &old), 0);
  assert_int_equal(sigemptyset(&blocked), 0);
  assert_int_equal(sigaddset(&blocked, SIGSEGV), 0); /* as in Go's handler */
  assert_int_equal(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
  for (int i = 0; i < 4; i++) {
    bool wanted = i % 2 == 0;
    int before = passed;
    rb_trace_guarded(fault_if, &wanted);
    assert_int_equal(passed, before + 1);
  }
  assert_int_equal(sigprocmask(SIG_UNBLOCK, &blocked, &mask), 0);
  assert_int_equal(sigismember(&mask, SIGSEGV), 1);
  assert_int_equal(sigaction(SIGSEGV, &old, &after), 0);
  assert_true(after.sa_sigaction == on_signal);
}

static void a_name_has_a_file_and_a_line_and_an_entry(void **state) {
  (void)state;
  walk(0, NULL);
  rb_trace_symbol s = {.pc = places[0]};
  rb_trace_name(&s);
  assert_string_equal(s.function, "walk");
  assert_non_null(s.file);
  assert_non_null(strstr(s.file, "trace_test.c"));
  assert_in_range(s.line, 40, 60);
  assert_true(s.entry != 0 && s.entry <= places[0]);
  s.pc = 0;
  rb_trace_name(&s);
  assert_null(s.data);
}

static inline __attribute__((always_inline)) void inlined(void) {
  walk(0, NULL);
  passed++;
}

OWN_FRAME static void around(void) {
  inlined();
  passed++;
}

static void an_inlined_function_comes_before_the_one_around_it(void **state) {
  (void)state;
  around();
  rb_trace_symbol s = {.pc = places[1]};
  rb_trace_name(&s);
  assert_string_equal(s.function, "inlined");
  assert_int_equal(s.more, 1);
  uintptr_t line = s.line;
  rb_trace_name(&s);
  assert_string_equal(s.function, "around");
  assert_true(s.line > line);
  assert_int_equal(s.more, 0);
  s.pc = 0;
  rb_trace_name(&s);
}

static void what_has_no_name_leaves_nothing_behind(void **state) {
  (void)state;
  rb_trace_symbol s = {.pc = 1};
  rb_trace_name(&s);
  assert_null(s.function);
  assert_null(s.file);
  assert_int_equal(s.line, 0);
  assert_int_equal(s.more, 0);
  assert_null(s.data);
}

static void without_memory_there_are_no_names(void **state) {
  (void)state;
  no_memory = true;
  rb_trace_symbol s = {.pc = (uintptr_t)outer};
  rb_trace_name(&s);
  assert_null(s.function);
  assert_int_equal(s.more, 0);
  assert_null(s.data);
  no_memory = false;
}

#ifndef __SANITIZE_ADDRESS__ /* which needs more stack */
/* Go's signal handlers, and the symbolizer while a crash is printed, have 32 KiB. */
enum { STACK = 32768, PAINT = 0xA5 };
static unsigned char stack[STACK];

static void name_on_signal(int sig, siginfo_t *info, void *context) {
  (void)sig;
  (void)info;
  (void)context;
  (void)is_in((uintptr_t)outer + 1, "outer");
}

/* Bytes of the stack that a handler used. */
static size_t used_by(void (*handler)(int, siginfo_t *, void *)) {
  stack_t old_stack;
  stack_t new_stack = {.ss_sp = stack, .ss_size = STACK};
  struct sigaction old;
  struct sigaction new = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
  new.sa_sigaction = handler;
  memset(stack, PAINT, sizeof stack);
  assert_int_equal(sigaltstack(&new_stack, &old_stack), 0);
  assert_int_equal(sigaction(SIGUSR1, &new, &old), 0);
  outer();
  assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
  assert_int_equal(sigaltstack(&old_stack, NULL), 0);
#ifdef VALGRIND_MAKE_MEM_DEFINED
  /* For valgrind a stack that was left holds nothing. */
  (void)VALGRIND_MAKE_MEM_DEFINED(stack, sizeof stack);
#endif
  size_t free_bytes = 0;
  while (free_bytes < STACK && stack[free_bytes] == PAINT) {
    free_bytes++;
  }
  return STACK - free_bytes;
}

static void a_signal_stack_has_room_for_both(void **state) {
  (void)state;
  size_t walking = used_by(on_signal);
  size_t naming = used_by(name_on_signal);
  print_message("stack of a walk: %zu bytes, of a name: %zu\n", walking, naming);
  assert_in_range(walking, 1, STACK / 2);
  assert_in_range(naming, 1, STACK / 2);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(without_memory_there_are_no_names, prepare),
#ifndef __SANITIZE_ADDRESS__
      cmocka_unit_test_setup(a_signal_stack_has_room_for_both, prepare), /* the first to name */
#endif
      cmocka_unit_test_setup(a_walk_begins_at_the_interrupted_function, prepare),
      cmocka_unit_test_setup(a_walk_outside_a_handler_begins_at_its_caller, prepare),
      cmocka_unit_test_setup(a_walk_keeps_to_the_room, prepare),
      cmocka_unit_test_setup(a_walk_from_a_context_is_empty, prepare),
      cmocka_unit_test_setup(a_walk_that_loses_its_way_gives_the_interrupted_place, prepare),
      cmocka_unit_test_setup(code_without_unwinding_data_is_no_place_of_c, prepare),
      cmocka_unit_test_setup(a_guard_ends_what_faults_and_puts_all_back, prepare),
      cmocka_unit_test_setup(a_name_has_a_file_and_a_line_and_an_entry, prepare),
      cmocka_unit_test_setup(an_inlined_function_comes_before_the_one_around_it, prepare),
      cmocka_unit_test_setup(what_has_no_name_leaves_nothing_behind, prepare),
  };
  if (rb_trace_start() == 0) {
    return 1;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
