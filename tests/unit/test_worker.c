/* Tests net/worker: the contract of net/worker.h on a real loop and a real thread. */
#include "net/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define ROUNDS 200 /* jobs one after another */

/* What happened, and on which thread. The semaphores order the threads, so nothing needs a lock. */
struct job {
    uv_loop_t loop;
    struct worker *worker;
    pthread_t main_thread, work_thread, left_thread;
    unsigned started, worked, done, left;
    unsigned more; /* jobs that done starts */
    bool close_in_done;
    bool waits; /* the work waits for `go` */
    bool wrong; /* cmocka's checks work on the main thread alone */
    sem_t begun, go, ended, gone;
};

static void work(void *context)
{
    struct job *j = context;
    if (j->worked > 0 && !pthread_equal(j->work_thread, pthread_self()))
        j->wrong = true; /* one thread for all */
    j->work_thread = pthread_self();
    if (j->worked != j->done)
        j->wrong = true; /* never two, and done between them */
    if (j->waits) {
        (void)sem_post(&j->begun);
        while (sem_wait(&j->go) < 0)
            continue;
    }
    j->worked++;
    if (j->waits)
        (void)sem_post(&j->ended);
}

static void left(void *context)
{
    struct job *j = context;
    j->left++;
    j->left_thread = pthread_self();
    (void)sem_post(&j->gone);
}

static void start(struct job *j);

static void done(void *context)
{
    struct job *j = context;
    assert_true(pthread_equal(j->main_thread, pthread_self()));
    j->done++;
    assert_int_equal(j->worked, j->done);
    assert_int_equal(j->started, j->done);
    assert_false(j->wrong);
    assert_false(worker_is_busy(j->worker));
    if (j->more > 0) {
        j->more--;
        start(j);
    } else if (j->close_in_done) {
        worker_close(j->worker, left, j);
    }
}

static void start(struct job *j)
{
    j->started++;
    assert_int_equal(worker_start(j->worker, work, done, j), 0);
    assert_true(worker_is_busy(j->worker));
}

static void run(struct job *j)
{
    assert_int_equal(uv_run(&j->loop, UV_RUN_DEFAULT), 0);
}

static int setup(void **state)
{
    struct job *j = calloc(1, sizeof *j);
    if (!j || uv_loop_init(&j->loop) < 0)
        return -1;
    (void)sem_init(&j->begun, 0, 0);
    (void)sem_init(&j->go, 0, 0);
    (void)sem_init(&j->ended, 0, 0);
    (void)sem_init(&j->gone, 0, 0);
    j->main_thread = pthread_self();
    j->worker = worker_new(&j->loop);
    *state = j;
    return 0;
}

/* Every test closes the worker itself; its handle must be gone by then. */
static int teardown(void **state)
{
    struct job *j = *state;
    (void)uv_run(&j->loop, UV_RUN_DEFAULT);
    int r = uv_loop_close(&j->loop);
    (void)sem_destroy(&j->begun);
    (void)sem_destroy(&j->go);
    (void)sem_destroy(&j->ended);
    (void)sem_destroy(&j->gone);
    free(j);
    return r;
}

static void never_started(void **state)
{
    struct job *j = *state;
    assert_false(worker_is_busy(j->worker));
    run(j); /* ends: a worker without a job does not keep the loop */
    worker_close(j->worker, left, j);
    assert_int_equal(j->left, 1); /* at once, and here: there is no thread */
    assert_true(pthread_equal(j->left_thread, j->main_thread));
    run(j);
    assert_int_equal(j->left, 1);
    assert_int_equal(j->worked + j->done, 0);
}

static void jobs_one_after_another(void **state)
{
    struct job *j = *state;
    j->more = ROUNDS - 1;
    start(j);
    run(j); /* a job under way keeps the loop, and none does not */
    assert_int_equal(j->worked, ROUNDS);
    assert_int_equal(j->done, ROUNDS);
    assert_false(pthread_equal(j->work_thread, j->main_thread));
    start(j); /* also after a rest */
    run(j);
    assert_int_equal(j->done, ROUNDS + 1);
    worker_close(j->worker, left, j);
}

static void done_comes_from_the_loop_alone(void **state)
{
    struct job *j = *state;
    j->waits = true;
    start(j);
    while (sem_wait(&j->begun) < 0)
        continue;
    assert_int_equal(uv_run(&j->loop, UV_RUN_NOWAIT), 1);
    assert_int_equal(j->done, 0);
    assert_true(worker_is_busy(j->worker));
    (void)sem_post(&j->go);
    run(j);
    assert_int_equal(j->done, 1);
    worker_close(j->worker, left, j);
}

static void close_while_idle(void **state)
{
    struct job *j = *state;
    start(j);
    run(j);
    worker_close(j->worker, left, j);
    while (sem_wait(&j->gone) < 0) /* by whichever thread: at once where none is under way */
        continue;
    assert_int_equal(j->left, 1);
    run(j);
    assert_int_equal(j->done, 1);
    assert_int_equal(j->left, 1);
}

static void close_in_done(void **state)
{
    struct job *j = *state;
    j->more = 3;
    j->close_in_done = true;
    start(j);
    run(j);
    while (sem_wait(&j->gone) < 0)
        continue;
    assert_int_equal(j->done, 4);
    assert_int_equal(j->left, 1);
}

/* The job ends later: what it uses is freed by its thread, and nobody is told. */
static void close_while_busy(void **state)
{
    struct job *j = *state;
    j->waits = true;
    start(j);
    while (sem_wait(&j->begun) < 0)
        continue;
    worker_close(j->worker, left, j);
    assert_int_equal(j->left, 0); /* the job still uses it */
    run(j);                       /* the loop does not wait for it */
    assert_int_equal(j->worked, 0);
    (void)sem_post(&j->go);
    while (sem_wait(&j->gone) < 0)
        continue;
    assert_int_equal(j->left, 1);
    assert_int_equal(j->worked, 1);
    assert_true(pthread_equal(j->left_thread, j->work_thread));
    run(j);
    assert_int_equal(j->done, 0);
}

/* The job has ended and the loop has not run: done is not called any more. */
static void close_before_done_is_told(void **state)
{
    struct job *j = *state;
    j->waits = true;
    start(j);
    while (sem_wait(&j->begun) < 0)
        continue;
    (void)sem_post(&j->go);
    while (sem_wait(&j->ended) < 0)
        continue;
    worker_close(j->worker, left, j);
    while (sem_wait(&j->gone) < 0)
        continue;
    run(j);
    assert_int_equal(j->done, 0);
    assert_int_equal(j->left, 1);
}

/* Two workers do not wait for each other. */
static void two_workers(void **state)
{
    struct job *j = *state;
    struct job other = {.main_thread = pthread_self(), .waits = true};
    (void)sem_init(&other.begun, 0, 0);
    (void)sem_init(&other.go, 0, 0);
    (void)sem_init(&other.ended, 0, 0);
    (void)sem_init(&other.gone, 0, 0);
    other.worker = worker_new(&j->loop);
    start(&other);
    j->more = 10;
    start(j);
    while (j->done < 11)
        (void)uv_run(&j->loop, UV_RUN_ONCE);
    assert_int_equal(other.done, 0);
    assert_true(worker_is_busy(other.worker));
    (void)sem_post(&other.go);
    run(j);
    assert_int_equal(other.done, 1);
    worker_close(j->worker, left, j);
    worker_close(other.worker, left, &other);
    while (sem_wait(&other.gone) < 0)
        continue;
    run(j);
    (void)sem_destroy(&other.begun);
    (void)sem_destroy(&other.go);
    (void)sem_destroy(&other.ended);
    (void)sem_destroy(&other.gone);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(never_started),
        TEST(jobs_one_after_another),
        TEST(done_comes_from_the_loop_alone),
        TEST(close_while_idle),
        TEST(close_in_done),
        TEST(close_while_busy),
        TEST(close_before_done_is_told),
        TEST(two_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
