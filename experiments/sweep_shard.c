#include "experiments/sweep_shard.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "db/db_tools.h"
#include "experiments/file_put.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const beat_names[BEAT_PHASES + 1] = {"running", "stopped", "failed", "done", "left", NULL};

/* ---- names ---- */

/* "003-1500.db" or "003.db" (then *trials is -1). */
static bool shard_name(const char *name, int64_t *task, int64_t *trials)
{
    char *end;
    if (name[0] < '0' || name[0] > '9') {
        return false;
    }
    *task = strtoll(name, &end, 10);
    *trials = -1;
    if (*end == '-' && end[1] >= '0' && end[1] <= '9') {
        *trials = strtoll(end + 1, &end, 10);
    }
    return strcmp(end, ".db") == 0;
}

/* "003.HOST.PID.json" */
static bool beat_name(const char *name, int64_t *task)
{
    char *end;
    size_t n = strlen(name);
    *task = strtoll(name, &end, 10);
    return name[0] >= '0' && name[0] <= '9' && *end == '.' && n > 5 && strcmp(name + n - 5, ".json") == 0;
}

/* Calls fn for every name in a folder of the sweep. */
static int each_name(const struct sweep *s, const char *folder,
                     void (*fn)(void *ctx, const char *path, const char *name), void *ctx, struct err *err)
{
    struct strbuf path = STRBUF_INIT;
    strbuf_addf(&path, "%s/%s", s->dir, folder);
    DIR *dir = opendir(strbuf_str(&path));
    if (dir == NULL) {
        err_set(err, ERR_IO, "cannot read '%s': %s", strbuf_str(&path), strerror(errno));
        strbuf_release(&path);
        return -1;
    }
    size_t folder_len = path.len;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        path.len = folder_len;
        path.buf[folder_len] = '\0';
        strbuf_addf(&path, "/%s", e->d_name);
        fn(ctx, strbuf_str(&path), e->d_name);
    }
    closedir(dir);
    strbuf_release(&path);
    return 0;
}

/* ---- reading ---- */

struct reading {
    const struct sweep *sweep;
    struct shard *shards; /* [sweep->n_tasks] */
    int only;             /* -1: all tasks */
    int64_t now;
};

static struct shard *row(const struct reading *r, int64_t task)
{
    bool wanted = task < r->sweep->n_tasks && (r->only < 0 || task == r->only);
    return wanted ? &r->shards[r->only < 0 ? task : 0] : NULL;
}

static void see_shard(void *ctx, const char *path, const char *name)
{
    const struct reading *r = ctx;
    int64_t task, trials;
    struct shard *shard = shard_name(name, &task, &trials) ? row(r, task) : NULL;
    if (shard == NULL || shard->done || (trials >= 0 && trials < shard->trials)) {
        return;
    }
    mem_free(shard->path);
    shard->path = mem_strdup(path);
    shard->done = trials < 0;
    shard->trials = trials < 0 ? r->sweep->task[task].evaluations : trials;
}

static int read_beat(const char *path, struct beat *b)
{
    size_t len;
    struct err err = ERR_INIT;
    char *text = file_read(path, 1 << 16, &len, &err);
    json_t *doc = text != NULL ? json_loadb(text, len, 0, NULL) : NULL;
    const char *phase, *host, *job, *why;
    json_int_t pid, attempt, when, trials, saved;
    int bad = json_unpack(doc, "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:F, s:s}", "phase", &phase, "host", &host,
                          "job", &job, "pid", &pid, "attempt", &attempt, "time", &when, "trials", &trials, "saved",
                          &saved, "rate", &b->rate, "why", &why);
    if (!bad) {
        b->phase = BEAT_RUNNING;
        for (int i = 0; i < BEAT_PHASES; i++) {
            b->phase = strcmp(phase, beat_names[i]) == 0 ? (enum beat_phase)i : b->phase;
        }
        snprintf(b->host, sizeof b->host, "%s", host);
        snprintf(b->job, sizeof b->job, "%s", job);
        snprintf(b->why, sizeof b->why, "%s", why);
        b->pid = pid;
        b->attempt = attempt;
        b->time = when;
        b->trials = trials;
        b->saved = saved;
    }
    json_decref(doc);
    mem_free(text);
    return bad ? -1 : 0;
}

/* A process of this machine that is no more was not able to say so. */
static bool died_here(const struct beat *b)
{
    char host[sizeof b->host] = "";
    gethostname(host, sizeof host - 1);
    return strcmp(host, b->host) == 0 && kill((pid_t)b->pid, 0) != 0 && errno == ESRCH;
}

static bool beat_runs(const struct beat *b, int64_t now)
{
    return b->phase == BEAT_RUNNING && now - b->time < BEAT_LOST_S && !died_here(b);
}

/* Who runs goes before who does not, then who spoke last, then who has more. */
static bool beat_matters_more(const struct beat *a, const struct beat *b, int64_t now)
{
    int run = beat_runs(a, now) - beat_runs(b, now);
    return run != 0 ? run > 0 : a->time != b->time ? a->time > b->time : a->trials > b->trials;
}

static void see_beat(void *ctx, const char *path, const char *name)
{
    const struct reading *r = ctx;
    int64_t task;
    struct beat b;
    struct shard *shard = beat_name(name, &task) ? row(r, task) : NULL;
    if (shard == NULL || read_beat(path, &b) < 0) {
        return;
    }
    shard->attempts = b.attempt > shard->attempts ? b.attempt : shard->attempts;
    if (!shard->has_beat || beat_matters_more(&b, &shard->beat, r->now)) {
        shard->beat = b;
        shard->has_beat = true;
    }
}

static int read_rows(const struct sweep *s, int only, struct shard *shards, struct err *err)
{
    struct reading r = {s, shards, only, (int64_t)time(NULL)};
    return each_name(s, "shards", see_shard, &r, err) < 0 || each_name(s, "state", see_beat, &r, err) < 0 ? -1 : 0;
}

struct shard *shards_read(const struct sweep *s, struct err *err)
{
    struct shard *shards = mem_calloc((size_t)s->n_tasks, sizeof *shards);
    if (read_rows(s, -1, shards, err) < 0) {
        shards_free(shards, s->n_tasks);
        return NULL;
    }
    return shards;
}

int shard_read(const struct sweep *s, int task, struct shard *out, struct err *err)
{
    memset(out, 0, sizeof *out);
    return read_rows(s, task, out, err);
}

void shard_release(struct shard *shard)
{
    mem_free(shard->path);
    shard->path = NULL;
}

void shards_free(struct shard *shards, int n)
{
    for (int i = 0; shards != NULL && i < n; i++) {
        shard_release(&shards[i]);
    }
    mem_free(shards);
}

bool shard_runs(const struct shard *shard, int64_t now)
{
    return !shard->done && shard->has_beat && beat_runs(&shard->beat, now);
}

bool shard_lost(const struct shard *shard, int64_t now)
{
    return !shard->done && shard->has_beat && shard->beat.phase == BEAT_RUNNING && !beat_runs(&shard->beat, now);
}

/* ---- writing ---- */

struct clearing {
    int64_t task, trials; /* what has fewer goes; trials -1: every unfinished one */
};

static void clear_shorter(void *ctx, const char *path, const char *name)
{
    const struct clearing *c = ctx;
    int64_t task, trials;
    if (shard_name(name, &task, &trials) && task == c->task && trials >= 0 && (c->trials < 0 || trials < c->trials)) {
        unlink(path);
    }
}

int shard_publish(const struct sweep *s, int task, struct db *db, const char *scratch, bool done, struct err *err)
{
    struct strbuf snapshot = STRBUF_INIT, path = STRBUF_INIT;
    strbuf_addf(&snapshot, "%s/%0*d.snapshot", scratch, sweep_digits(s), task);
    strbuf_addf(&path, "%s/shards/%0*d", s->dir, sweep_digits(s), task);
    int bad = db_flush(db, err);
    int64_t trials = db_stored(db); /* no trial comes in between: tell and publish are one thread's */
    if (!done) {
        strbuf_addf(&path, "-%lld", (long long)trials);
    }
    strbuf_adds(&path, ".db");
    bad =
        bad || db_snapshot(db, strbuf_str(&snapshot), err) || file_copy(strbuf_str(&snapshot), strbuf_str(&path), err);
    unlink(strbuf_str(&snapshot));
    if (!bad) {
        struct clearing c = {task, done ? -1 : trials};
        struct err ignored = ERR_INIT;
        each_name(s, "shards", clear_shorter, &c, &ignored);
    }
    strbuf_release(&snapshot);
    strbuf_release(&path);
    return bad ? -1 : 0;
}

struct beat_clearing {
    int64_t task, now;
    const char *own;
};

/* What an earlier copy left: it has ended, or has been silent for long. */
static void clear_beat(void *ctx, const char *path, const char *name)
{
    const struct beat_clearing *c = ctx;
    int64_t task;
    struct beat b;
    if (beat_name(name, &task) && task == c->task && strcmp(path, c->own) != 0 && read_beat(path, &b) == 0 &&
        !beat_runs(&b, c->now)) {
        unlink(path);
    }
}

int beat_write(const struct sweep *s, int task, const struct beat *b, struct err *err)
{
    struct strbuf path = STRBUF_INIT;
    strbuf_addf(&path, "%s/state/%0*d.%s.%lld.json", s->dir, sweep_digits(s), task, b->host, (long long)b->pid);
    json_t *doc = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:s}", "phase", beat_names[b->phase], "host",
                            b->host, "job", b->job, "pid", (json_int_t)b->pid, "attempt", (json_int_t)b->attempt,
                            "time", (json_int_t)b->time, "trials", (json_int_t)b->trials, "saved", (json_int_t)b->saved,
                            "rate", b->rate, "why", b->why);
    char *text = doc != NULL ? json_dumps(doc, 0) : NULL;
    int bad = text == NULL ? err_set(err, ERR_BUG, "a heartbeat cannot be written")
                           : file_put(strbuf_str(&path), text, strlen(text), err);
    free(text); /* jansson's own */
    json_decref(doc);
    if (!bad) {
        struct beat_clearing c = {task, b->time, strbuf_str(&path)};
        struct err ignored = ERR_INIT;
        each_name(s, "state", clear_beat, &c, &ignored);
    }
    strbuf_release(&path);
    return bad ? -1 : 0;
}
