/* See sweep_task.h. The database lies on a local disk, because SQLite's locks cannot be trusted elsewhere; the folder of the sweep gets
 * snapshots (sweep_shard.h). What the heartbeat calls saved survives the loss of the node; what the database holds survives the loss of the
 * process: the next copy of the task on this machine goes on with it. */
#include "cli/sweep_task.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/interrupt.h"
#include "cli/run_study.h"
#include "db/db_tools.h"
#include "experiments/file_put.h"
#include "experiments/island.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LAST_TRIES 3 /* of bringing the end back */
#define EXCHANGE_TRIES 60

struct task {
    const struct cli *cli;
    const struct sweep *sweep;
    int k;
    const char *disk; /* --scratch, or NULL */
    bool safe;        /* all that it has was brought back */
    char *scratch;    /* this sweep's own folder on a local disk */
    char *path;       /* the database there */
    struct db *db;
    double published_s; /* when it was brought back last */
    int64_t given;      /* the last moment whose results went out */
    struct island_wait wait;
    int away;         /* failures to exchange, in a row */
    bool left;        /* it makes room for a neighbour */
    struct beat beat; /* under `mutex` while `speaker` runs */
    bool over;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    pthread_t speaker;
};

/* ---- heartbeats: a thread of its own, for a batch of evaluations may take long ---- */

static void speak(struct task *t)
{
    struct err ignored = ERR_INIT; /* the folder may be away for a moment; the next one tells as much */
    t->beat.time = (int64_t)time(NULL);
    beat_write(t->sweep, t->k, &t->beat, &ignored);
}

static void *keep_speaking(void *task)
{
    struct task *t = task;
    pthread_mutex_lock(&t->mutex);
    while (!t->over) {
        speak(t);
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += BEAT_EVERY_S;
        pthread_cond_timedwait(&t->wake, &t->mutex, &until);
    }
    pthread_mutex_unlock(&t->mutex);
    return NULL;
}

static void job_name(char *out, size_t size)
{
    const char *array = getenv("SLURM_ARRAY_JOB_ID"), *element = getenv("SLURM_ARRAY_TASK_ID");
    const char *other = getenv("PBS_JOBID") != NULL ? getenv("PBS_JOBID") : getenv("LSB_JOBID");
    if (array != NULL && element != NULL) {
        snprintf(out, size, "%s_%s", array, element);
    } else {
        snprintf(out, size, "%s", other != NULL ? other : "");
    }
}

static void start_speaking(struct task *t, int64_t attempt)
{
    t->beat.phase = BEAT_RUNNING;
    t->beat.pid = getpid();
    t->beat.attempt = attempt;
    gethostname(t->beat.host, sizeof t->beat.host - 1);
    job_name(t->beat.job, sizeof t->beat.job);
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->wake, NULL);
    speak(t); /* once here, so that a task that ends at once has been seen */
    pthread_create(&t->speaker, NULL, keep_speaking, t);
}

/* The last word: how the task ended. */
static void stop_speaking(struct task *t, int status)
{
    pthread_mutex_lock(&t->mutex);
    t->over = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->mutex);
    pthread_join(t->speaker, NULL);
    t->beat.phase = status == 0                             ? BEAT_DONE
                    : t->left                               ? BEAT_LEFT
                    : status == ERR_RESUME || status == 130 ? BEAT_STOPPED
                                                            : BEAT_FAILED;
    if (t->beat.phase == BEAT_FAILED) {
        snprintf(t->beat.why, sizeof t->beat.why, "status %d, see log/%d.log", status, t->k);
    }
    speak(t);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->mutex);
}

/* ---- the local disk ---- */

static const char *local_disk(const char *asked)
{
    const char *const places[] = {asked, getenv("SLURM_TMPDIR"), getenv("TMPDIR")};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (places[i] != NULL && places[i][0] != '\0') {
            return places[i];
        }
    }
    return "/tmp";
}

/* A folder that nobody else can write: in /tmp anybody may have put a link under a name that can be guessed. */
static int own_folder(const char *path, struct err *err)
{
    struct stat st;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return err_set(err, ERR_IO, "cannot make '%s': %s", path, strerror(errno));
    }
    if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
        return err_set(err, ERR_IO, "'%s' is not a folder of yours alone; give --scratch another place", path);
    }
    return 0;
}

/* <disk>/dovetail-<user>/<sweep>: the same for every copy of a task on this machine. */
static int make_scratch(struct task *t, struct err *err)
{
    struct strbuf path = STRBUF_INIT;
    char hex[HASH_HEX];
    hash_hex(hash_bytes(t->sweep->dir, strlen(t->sweep->dir)), hex);
    strbuf_addf(&path, "%s/dovetail-%ld", local_disk(t->disk), (long)geteuid());
    int bad = own_folder(strbuf_str(&path), err);
    strbuf_addf(&path, "/%.12s", hex);
    bad = bad || own_folder(strbuf_str(&path), err) ? -1 : 0;
    t->scratch = strbuf_detach(&path);
    return bad;
}

static void remove_database(const char *path)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-lock"};
    struct strbuf name = STRBUF_INIT;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        strbuf_reset(&name);
        strbuf_addf(&name, "%s%s", path, tails[i]);
        unlink(strbuf_str(&name));
    }
    strbuf_release(&name);
}

/* Named after the study too: another sweep may have had this folder before. */
static char *scratch_name(const struct task *t, const struct study *study, long pid)
{
    struct strbuf path = STRBUF_INIT;
    char hex[HASH_HEX];
    hash_hex(hash_bytes(study->resolved, strlen(study->resolved)), hex);
    strbuf_addf(&path, "%s/%0*d-%.8s", t->scratch, sweep_digits(t->sweep), t->k, hex);
    if (pid > 0) {
        strbuf_addf(&path, ".%ld", pid);
    }
    strbuf_adds(&path, ".db");
    return strbuf_detach(&path);
}

/* What a task of islands holds depends on what it took in its own folder. */
static int check_islands(const struct task *t, const struct db *db, struct err *err)
{
    const struct sweep_islands *i = &t->sweep->islands;
    const char *had = db_meta(db, "islands");
    bool same = had != NULL ? i->every > 0 && strcmp(had, i->id) == 0 : i->every == 0;
    return same ? 0 : err_set(err, ERR_DATA, "'%s' belongs to the islands of another sweep", db_path(db));
}

static struct db *create(const struct task *t, const struct record *r, struct err *err)
{
    const struct sweep_islands *i = &t->sweep->islands;
    struct db *db = record_create(r, t->path, t->sweep->command, err);
    char every[32];
    snprintf(every, sizeof every, "%lld", (long long)i->every);
    if (db != NULL && i->every > 0 &&
        (db_put_meta(db, "exchange", every, err) < 0 || db_put_meta(db, "islands", i->id, err) < 0)) {
        db_close(db, NULL);
        db = NULL;
    }
    return db;
}

/* What an earlier copy left here, when it holds no less than what was brought back; NULL: nothing of use. A twin that writes it now keeps it,
 * and this copy takes another name. */
static struct db *adopt(struct task *t, const struct study *study, const struct record *r, int64_t brought)
{
    struct err err = ERR_INIT;
    t->path = scratch_name(t, study, 0);
    struct db *db = access(t->path, F_OK) == 0 ? db_open(t->path, DB_WRITE, &err) : NULL;
    if (err.code == ERR_IO) {
        mem_free(t->path);
        t->path = scratch_name(t, study, (long)getpid());
    }
    if (db != NULL && (db_stored(db) < brought || record_check(r, db, &err) < 0 || check_islands(t, db, &err) < 0)) {
        db_close(db, NULL);
        db = NULL;
    }
    if (db == NULL) {
        remove_database(t->path);
    }
    return db;
}

static struct db *fetch(struct task *t, const struct record *r, const struct shard *shard, struct err *err)
{
    if (file_copy(shard->path, t->path, err) < 0) {
        return NULL;
    }
    struct db *db = db_open(t->path, DB_WRITE, err);
    if (db != NULL && (record_check(r, db, err) < 0 || check_islands(t, db, err) < 0)) {
        db_close(db, NULL);
        db = NULL;
    }
    return db;
}

static int open_database(struct task *t, const struct study *study, const struct record *r, struct err *err)
{
    struct shard shard;
    for (int attempt = 0; attempt < 5 && t->db == NULL; attempt++) { /* a twin may replace the file while it is read */
        if (shard_read(t->sweep, t->k, &shard, err) < 0) {
            return -1;
        }
        err->code = ERR_NONE;
        mem_free(t->path);
        t->db = adopt(t, study, r, shard.trials);
        if (t->db == NULL) {
            t->db = shard.path != NULL ? fetch(t, r, &shard, err) : create(t, r, err);
        }
        shard_release(&shard);
        if (err->code != ERR_NONE && err->code != ERR_NOINPUT) {
            break;
        }
    }
    return t->db != NULL ? 0 : -1;
}

/* ---- the run ---- */

static int bring_back(struct task *t, bool done, struct err *err)
{
    int64_t trials = db_stored(t->db);
    if (shard_publish(t->sweep, t->k, t->db, t->scratch, done, err) < 0) {
        return -1;
    }
    pthread_mutex_lock(&t->mutex);
    t->beat.saved = trials;
    pthread_cond_signal(&t->wake); /* say so at once */
    pthread_mutex_unlock(&t->mutex);
    return 0;
}

static void on_progress(void *ctx, const struct progress *p)
{
    struct task *t = ctx;
    double now = clock_wall_s();
    pthread_mutex_lock(&t->mutex);
    t->beat.trials = p->done;
    t->beat.rate = p->rate;
    pthread_mutex_unlock(&t->mutex);
    if (now - t->published_s < t->sweep->checkpoint_s || p->done <= t->beat.saved) {
        return;
    }
    struct err err = ERR_INIT;
    t->published_s = now;
    if (bring_back(t, false, &err) < 0) { /* the next time, then */
        cli_say(t->cli, "warning    not brought back: %s", err.text);
        return;
    }
    cli_say(t->cli, "checkpoint %lld of %lld evaluations, front %lld, %.1f/s", (long long)p->done, (long long)p->total,
            (long long)p->front, p->rate);
}

/* The end is not left to a next time. */
static int on_end(void *ctx, bool done, struct err *err)
{
    struct task *t = ctx;
    for (int attempt = 1;; attempt++) {
        struct err once = ERR_INIT;
        if (bring_back(t, done, &once) == 0) {
            t->safe = true;
            return 0;
        }
        if (attempt == LAST_TRIES) {
            return err_set(err, once.code, "%s; the database stays at '%s'", once.text, t->path);
        }
        sleep((unsigned)attempt);
    }
}

/* Results for those of other islands. A folder that is away for a moment is asked again. */
static int on_swap(void *ctx, struct elites *e, struct err *err)
{
    struct task *t = ctx;
    struct err once = ERR_INIT;
    int64_t moment = e->moment;
    int got = t->given < moment ? island_give(t->sweep, t->k, e, &once) : 0;
    t->given = got == 0 ? moment : t->given;
    got = got == 0 ? island_take(t->sweep, t->k, moment, t->sweep->islands.wait_s, &t->wait, e, &once) : got;
    if (got < 0 && (once.code == ERR_IO || once.code == ERR_NOINPUT) && ++t->away < EXCHANGE_TRIES) {
        cli_say(t->cli, "warning    no exchange: %s", once.text);
        sleep(1);
        return 0;
    }
    if (got < 0) {
        t->left = once.code == ERR_RESUME;
        return err_set(err, once.code, "%s", once.text);
    }
    t->away = 0;
    if (got > 0 && e->from >= 0) {
        cli_say(t->cli, "exchange   %lld: %d designs of task %d", (long long)moment, e->n, e->from);
    } else if (got > 0) {
        cli_say(t->cli, "exchange   %lld: nothing", (long long)moment);
    }
    return got;
}

static struct db *on_open(void *ctx, const struct study *s, const struct record *r, struct err *err)
{
    struct task *t = ctx;
    t->published_s = clock_wall_s();
    if (make_scratch(t, err) < 0 || open_database(t, s, r, err) < 0) {
        return NULL;
    }
    t->beat.saved = db_stored(t->db);
    cli_say(t->cli, "database   %s, %lld evaluations are there", t->path, (long long)t->beat.saved);
    return t->db;
}

static int run(struct cli *cli, struct task *t, struct study *study, int threads)
{
    struct run_host host = {on_open, on_progress, on_end, t->sweep->islands.every > 0 ? on_swap : NULL, t};
    struct run_opts o = {.host = &host, .threads = threads};
    int status = run_study(cli, study, NULL, &o, t->sweep->command);
    if (t->safe) {
        remove_database(t->path);
        rmdir(t->scratch); /* unless another task is at work here */
    }
    mem_free(t->path);
    mem_free(t->scratch);
    return status;
}

int sweep_task(struct cli *cli, const struct sweep *s, int k, int threads, const char *scratch)
{
    struct task t = {.cli = cli, .sweep = s, .k = k, .disk = scratch};
    struct err err = ERR_INIT;
    struct shard shard;
    if (k >= s->n_tasks) {
        return cli_fail(cli, ERR_USAGE, "'%s' has tasks 0 to %d, not %d", s->dir, s->n_tasks - 1, k);
    }
    if (shard_read(s, k, &shard, &err) < 0) {
        return cli_error(cli, &err);
    }
    bool done = shard.done;
    int64_t attempt = shard.attempts + 1;
    shard_release(&shard);
    struct strbuf text = STRBUF_INIT;
    sweep_label(s, k, &text);
    cli_say(cli, "task       %d of %s: %s%s", k, s->dir, strbuf_str(&text), done ? ": done before" : "");
    strbuf_reset(&text);
    if (done) {
        strbuf_release(&text);
        return 0;
    }
    struct diags d = DIAGS_INIT;
    interrupt_install(); /* before anybody can be told that the task runs */
    start_speaking(&t, attempt);
    sweep_study_path(s, k, &text);
    struct study *study = study_load(strbuf_str(&text), NULL, 0, &d);
    int status = cli_diags(cli, &d);
    if (study != NULL) {
        status = run(cli, &t, study, threads);
    }
    stop_speaking(&t, status);
    study_free(study);
    diags_release(&d);
    strbuf_release(&text);
    return status;
}
