/* The writer thread: takes what was queued, stores it as one transaction, says so.
 *
 * Two queues: callers fill one while the thread stores the other. A group is stored
 * when it has commit_rows records, when its oldest one is commit_ms old, or when
 * somebody waits. Commits do not touch the disk by themselves (WAL,
 * synchronous=NORMAL): they survive the death of the process, not of the machine. So
 * every sync_ms, or before sync_rows trials would be at risk, one commit is synced
 * (synchronous=FULL), and with it all earlier ones.
 *
 * Positions count records put since the start: stored <= put, and waiting is waiting
 * for a position. The first error ends all storing; it is kept and given to everybody
 * who asks. The thread starts with the first record, so that a process may fork before.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "db/db_private.h"

#include <signal.h>
#include <time.h>

#define BEAT_MS 5000 /* heartbeat of a run when nothing else is written */

struct db_writer {
    struct db *db;
    struct group *group; /* the thread's own */
    pthread_t thread;
    bool started, stop;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t work, done;
    struct queue fill, taken;       /* taken: the thread's while it stores */
    int64_t put, stored;            /* records */
    int64_t on_disk;                /* records that were synced */
    int64_t wanted, wanted_on_disk; /* positions somebody waits for */
    int64_t trials_stored;          /* in the file */
    int64_t at_risk;                /* trials committed, not synced */
    int64_t oldest_ms;              /* when the first record of `fill` came */
    int64_t last_sync_ms, last_beat_ms;
    struct db_tuning tuning; /* no zeros */
    struct heartbeat beat;
    int64_t run_started_ms;
    struct err err; /* code is ERR_NONE while all is well */
};

void writer_tune(struct db_writer *w, const struct db_tuning *t)
{
    struct db_tuning d = {1024, 50, 16384, 500, false, 32 << 20};
    if (t) {
        d.commit_rows = t->commit_rows ? t->commit_rows : d.commit_rows;
        d.commit_ms = t->commit_ms ? t->commit_ms : d.commit_ms;
        d.sync_rows = t->sync_rows ? t->sync_rows : d.sync_rows;
        d.sync_ms = t->sync_ms ? t->sync_ms : d.sync_ms;
        d.queue_bytes = t->queue_bytes ? t->queue_bytes : d.queue_bytes;
        d.durable = t->durable;
    }
    pthread_mutex_lock(&w->mutex);
    w->tuning = d;
    pthread_mutex_unlock(&w->mutex);
}

struct db_writer *writer_new(struct db *db)
{
    struct db_writer *w = mem_alloc(sizeof *w);
    pthread_condattr_t clock;
    w->db = db;
    pthread_mutex_init(&w->mutex, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&w->work, &clock);
    pthread_cond_init(&w->done, NULL);
    pthread_condattr_destroy(&clock);
    w->trials_stored = db->next;
    writer_tune(w, NULL);
    return w;
}

/* ---- the thread ---- */

static int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Is there something to do now? If not, *until is when there will be (INT64_MAX: when
 * called). */
static bool due(const struct db_writer *w, int64_t now, int64_t *until)
{
    *until = INT64_MAX;
    if (w->stop || w->wanted > w->stored || w->wanted_on_disk > w->on_disk || w->fill.rows >= w->tuning.commit_rows) {
        return true;
    }
    if (w->fill.rows) {
        *until = w->oldest_ms + w->tuning.commit_ms;
    }
    if (w->on_disk < w->stored) {
        *until = min64(*until, w->last_sync_ms + w->tuning.sync_ms);
    }
    if (w->beat.run_id) {
        *until = min64(*until, w->last_beat_ms + BEAT_MS);
    }
    return now >= *until;
}

static void wait_for_work(struct db_writer *w)
{
    int64_t until;
    while (!due(w, db_monotonic_ms(), &until)) {
        if (until == INT64_MAX) {
            pthread_cond_wait(&w->work, &w->mutex);
        } else {
            struct timespec t = {until / 1000, until % 1000 * 1000000};
            pthread_cond_timedwait(&w->work, &w->mutex, &t);
        }
    }
}

static bool needs_sync(const struct db_writer *w, int64_t now)
{
    return w->tuning.durable || w->wanted_on_disk > w->on_disk || now >= w->last_sync_ms + w->tuning.sync_ms ||
           w->at_risk + w->taken.trials >= w->tuning.sync_rows;
}

/* One group: called and returns with the mutex held. */
static void store_group(struct db_writer *w)
{
    struct queue swap = w->fill;
    w->fill = w->taken;
    w->taken = swap;
    int64_t now = db_monotonic_ms(), position = w->put;
    bool sync = needs_sync(w, now);
    struct heartbeat beat = w->beat;
    struct err err = ERR_INIT;
    pthread_mutex_unlock(&w->mutex);
    beat.wall_s = 1e-3 * (double)(now - w->run_started_ms);
    beat.cpu_s = clock_process_s();
    int rc = group_write(w->group, &w->taken, sync, sync ? &beat : NULL, &err);
    pthread_mutex_lock(&w->mutex);
    if (rc) {
        w->err = err;
    } else {
        w->stored = position;
        w->trials_stored += w->taken.trials;
        w->at_risk = sync ? 0 : w->at_risk + w->taken.trials;
        w->on_disk = sync ? position : w->on_disk;
        w->last_sync_ms = sync ? now : w->last_sync_ms;
        w->last_beat_ms = sync ? now : w->last_beat_ms;
    }
    queue_clear(&w->taken);
    pthread_cond_broadcast(&w->done);
}

static void *writer_main(void *arg)
{
    struct db_writer *w = arg;
    struct err err = ERR_INIT;
    struct group *group = group_new(w->db, &err);
    pthread_mutex_lock(&w->mutex);
    w->group = group;
    w->err = err;
    w->last_sync_ms = w->last_beat_ms = db_monotonic_ms();
    while (w->err.code == ERR_NONE) {
        wait_for_work(w);
        bool idle = !w->fill.rows && w->on_disk == w->stored;
        if (w->stop && idle) {
            break;
        }
        store_group(w);
    }
    pthread_cond_broadcast(&w->done);
    pthread_mutex_unlock(&w->mutex);
    group_free(group);
    return NULL;
}

/* ---- callers ---- */

static int report(const struct db_writer *w, struct err *err)
{
    return err_set(err, w->err.code, "%s", w->err.text);
}

static int start(struct db_writer *w, struct err *err)
{
    if (!w->started) {
        if (pthread_create(&w->thread, NULL, writer_main, w)) {
            return err_set(err, ERR_IO, "cannot start the writer thread of '%s'", w->db->path);
        }
        w->started = true;
    }
    return 0;
}

struct queue *writer_begin(struct db_writer *w, struct err *err)
{
    pthread_mutex_lock(&w->mutex);
    if (start(w, err)) {
        pthread_mutex_unlock(&w->mutex);
        return NULL;
    }
    while (w->err.code == ERR_NONE && w->fill.used >= (size_t)w->tuning.queue_bytes) {
        w->wanted = w->put;
        pthread_cond_signal(&w->work);
        pthread_cond_wait(&w->done, &w->mutex);
    }
    if (w->err.code != ERR_NONE) {
        report(w, err);
        pthread_mutex_unlock(&w->mutex);
        return NULL;
    }
    return &w->fill;
}

void writer_end(struct db_writer *w)
{
    w->put++;
    if (w->fill.rows == 1) {
        w->oldest_ms = db_monotonic_ms();
    }
    if (w->fill.rows == 1 || w->fill.rows == w->tuning.commit_rows) {
        pthread_cond_signal(&w->work);
    }
    pthread_mutex_unlock(&w->mutex);
}

int writer_wait(struct db_writer *w, bool sync, struct err *err)
{
    pthread_mutex_lock(&w->mutex);
    int rc = 0;
    int64_t position = w->put;
    w->wanted = position;
    if (sync) {
        w->wanted_on_disk = position;
    }
    if (w->started) {
        pthread_cond_signal(&w->work);
    }
    while (w->err.code == ERR_NONE && w->started && (w->stored < position || (sync && w->on_disk < position))) {
        pthread_cond_wait(&w->done, &w->mutex);
    }
    if (w->err.code != ERR_NONE) {
        rc = report(w, err);
    }
    pthread_mutex_unlock(&w->mutex);
    return rc;
}

void writer_free(struct db_writer *w)
{
    if (!w) {
        return;
    }
    if (w->started) {
        pthread_mutex_lock(&w->mutex);
        w->stop = true;
        pthread_cond_signal(&w->work);
        pthread_mutex_unlock(&w->mutex);
        pthread_join(w->thread, NULL);
    }
    queue_release(&w->fill);
    queue_release(&w->taken);
    pthread_cond_destroy(&w->work);
    pthread_cond_destroy(&w->done);
    pthread_mutex_destroy(&w->mutex);
    mem_free(w);
}

int64_t writer_stored(struct db_writer *w)
{
    pthread_mutex_lock(&w->mutex);
    int64_t n = w->trials_stored;
    pthread_mutex_unlock(&w->mutex);
    return n;
}

const struct err *writer_failed(struct db_writer *w)
{
    pthread_mutex_lock(&w->mutex);
    bool failed = w->err.code != ERR_NONE;
    pthread_mutex_unlock(&w->mutex);
    return failed ? &w->err : NULL; /* does not change any more */
}

void writer_counts(struct db_writer *w, int64_t evaluations, int64_t cache_hits, int64_t cache_lookups)
{
    pthread_mutex_lock(&w->mutex);
    w->beat.evaluations = evaluations;
    w->beat.cache_hits = cache_hits;
    w->beat.cache_lookups = cache_lookups;
    pthread_mutex_unlock(&w->mutex);
}

void writer_run(struct db_writer *w, int64_t run_id)
{
    pthread_mutex_lock(&w->mutex);
    w->beat = (struct heartbeat){.run_id = run_id};
    w->run_started_ms = db_monotonic_ms();
    pthread_mutex_unlock(&w->mutex);
}
