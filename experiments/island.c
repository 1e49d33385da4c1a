#include "experiments/island.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "experiments/file_put.h"
#include "experiments/sweep_shard.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ELITES_BYTES ((size_t)64 << 20)
#define LOOK_EVERY_S 1 /* at who runs: that reads folders, which may be far away */

static const struct mark nowhere;

static void name(const struct sweep *s, int task, int64_t moment, const char *what, struct strbuf *out)
{
    strbuf_reset(out);
    strbuf_addf(out, "%s/islands/%0*d-%lld.%s", s->dir, sweep_digits(s), task, (long long)moment, what);
}

static bool same_case(const struct sweep *s, int a, int b)
{
    return memcmp(s->task[a].value, s->task[b].value, sizeof s->task[a].value) == 0;
}

int island_ring(const struct sweep *s, int task, int *first)
{
    int end = task + 1;
    *first = task;
    while (*first > 0 && same_case(s, *first - 1, task)) {
        (*first)--;
    }
    while (end < s->n_tasks && same_case(s, end, task)) {
        end++;
    }
    return end - *first;
}

int island_give(const struct sweep *s, int task, const struct elites *e, struct err *err)
{
    struct strbuf path = STRBUF_INIT, text = STRBUF_INIT;
    struct elites mine = *e;
    mine.from = task;
    name(s, task, e->moment, "front", &path);
    elites_print(&mine, &text);
    int bad = file_put(strbuf_str(&path), text.buf, text.len, err);
    strbuf_release(&path);
    strbuf_release(&text);
    return bad;
}

/* 1: the file is there, and its text in *text; 0: it is not; -1. */
static int read_whole(const char *path, char **text, size_t *len, struct err *err)
{
    struct err once = ERR_INIT;
    *text = access(path, R_OK) == 0 ? file_read(path, ELITES_BYTES, len, &once) : NULL;
    return *text != NULL ? 1 : once.code != ERR_NONE ? err_set(err, once.code, "%s", once.text) : 0;
}

/* What this task does about a front that is not there: 1 it goes on without, 0 it waits, -1 it leaves. */
static int lacks(const struct sweep *s, int neighbour, double patience_s, struct island_wait *w, struct err *err)
{
    double now = clock_wall_s(), end = w->since_s + patience_s;
    bool late = now >= end, just = late && w->looked_s < end;
    if (w->looked_s > 0 && now - w->looked_s < LOOK_EVERY_S && !just) {
        return 0;
    }
    struct shard shard;
    struct err away = ERR_INIT;
    if (shard_read(s, neighbour, &shard, &away) < 0) {
        return 0; /* the folder may be away for a moment */
    }
    bool runs = shard_runs(&shard, (int64_t)time(NULL)), done = shard.done;
    w->looked_s = now;
    shard_release(&shard);
    if (!s->islands.strict) {
        return !runs || late;
    }
    if (runs || !late) {
        return 0; /* also of one that is done: on a network file system its last front may still be on the way */
    }
    return done ? 1
                : err_set(err, ERR_RESUME,
                          "task %d, whose results come next, does not run: this one waits in the queue", neighbour);
}

/* The text of what shall be taken: the neighbour's front or, when it is to be done without, nothing. 1, 0: not yet, -1. */
static int decide(const struct sweep *s, int neighbour, int64_t moment, double patience_s, struct island_wait *w,
                  struct elites *e, struct strbuf *text, struct err *err)
{
    struct strbuf path = STRBUF_INIT;
    char *front;
    size_t len;
    name(s, neighbour, moment - 1, "front", &path);
    int got = read_whole(strbuf_str(&path), &front, &len, err), without = 0;
    if (got == 0) {
        without = lacks(s, neighbour, patience_s, w, err);
        got = without > 0 ? read_whole(strbuf_str(&path), &front, &len, err) : without; /* it may just have come */
    }
    if (got > 0) {
        strbuf_add(text, front, len);
        mem_free(front);
    } else if (got == 0 && without > 0) {
        e->n = 0;
        e->from = -1;
        e->moment = moment - 1;
        elites_print(e, text);
        got = 1;
    }
    strbuf_release(&path);
    return got;
}

int island_take(const struct sweep *s, int task, int64_t moment, double patience_s, struct island_wait *w,
                struct elites *e, struct err *err)
{
    struct strbuf path = STRBUF_INIT, text = STRBUF_INIT;
    int first, n = island_ring(s, task, &first);
    char *taken = NULL;
    size_t len;
    e->n = 0;
    e->from = -1;
    e->moment = 0;
    if (moment == 1 || n < 2) {
        return 1;
    }
    if (w->moment != moment) {
        *w = (struct island_wait){.moment = moment, .since_s = clock_wall_s()};
    }
    name(s, task, moment, "took", &path);
    int got = read_whole(strbuf_str(&path), &taken, &len, err);
    if (got == 0) {
        int neighbour = first + island_neighbour(task - first, moment, n);
        got = decide(s, neighbour, moment, patience_s, w, e, &text, err);
        if (got > 0) { /* a copy of this task may have decided too; what stands there then holds for both */
            got = file_put_once(strbuf_str(&path), text.buf, text.len, err) < 0
                      ? -1
                      : read_whole(strbuf_str(&path), &taken, &len, err);
        }
    }
    if (got > 0 && elites_parse(e, taken, len, strbuf_str(&path), err) < 0) {
        got = -1;
    }
    mem_free(taken);
    strbuf_release(&path);
    strbuf_release(&text);
    return got;
}

/* ---- for a plan ---- */

int island_check(const struct sweep_islands *i, const struct study *study, int n_seeds, int64_t evaluations,
                 struct diags *d)
{
    static const char *const alone[] = {"bayes", "random", "exhaustive"};
    if (i->every == 0) {
        return 0;
    }
    if (n_seeds < 2) {
        return diags_error(d, nowhere, NULL, "--islands needs at least two seeds: --seeds 1..8, or --shards 8");
    }
    if (i->every >= evaluations) {
        return diags_error(d, nowhere, NULL,
                           "--islands %lld: a task has %lld evaluations, so nothing would be exchanged",
                           (long long)i->every, (long long)evaluations);
    }
    for (size_t k = 0; k < sizeof alone / sizeof *alone; k++) {
        if (strcmp(study->algorithm, alone[k]) == 0) {
            return diags_error(d, nowhere, NULL, "--islands is for evolutions: '%s' takes nothing from others",
                               study->algorithm);
        }
    }
    return 0;
}

void island_name(struct sweep *s)
{
    struct timespec t;
    struct strbuf text = STRBUF_INIT;
    clock_gettime(CLOCK_REALTIME, &t);
    strbuf_addf(&text, "%s %lld.%09ld %ld", s->dir, (long long)t.tv_sec, t.tv_nsec, (long)getpid());
    hash_hex(hash_bytes(text.buf, text.len), s->islands.id);
    strbuf_release(&text);
}

/* ---- for status ---- */

static bool ends_in(const char *text, const char *ending)
{
    size_t n = strlen(text), e = strlen(ending);
    return n > e && text[0] != '.' && strcmp(text + n - e, ending) == 0;
}

int island_count(const struct sweep *s, struct island_count *out, struct err *err)
{
    static const char nobody[] = "{\"from\": -1";
    struct strbuf path = STRBUF_INIT;
    *out = (struct island_count){0, 0, 0};
    strbuf_addf(&path, "%s/islands", s->dir);
    DIR *dir = opendir(strbuf_str(&path));
    if (dir == NULL) {
        err_set(err, ERR_IO, "cannot read '%s': %s", strbuf_str(&path), strerror(errno));
        strbuf_release(&path);
        return -1;
    }
    for (const struct dirent *d; (d = readdir(dir)) != NULL;) {
        out->fronts += ends_in(d->d_name, ".front");
        if (ends_in(d->d_name, ".took")) {
            struct err ignored = ERR_INIT;
            char *text;
            size_t len;
            strbuf_reset(&path);
            strbuf_addf(&path, "%s/islands/%s", s->dir, d->d_name);
            int got = read_whole(strbuf_str(&path), &text, &len, &ignored);
            bool none = got > 0 && len >= sizeof nobody - 1 && memcmp(text, nobody, sizeof nobody - 1) == 0;
            out->without += none;
            out->taken += got > 0 && !none;
            mem_free(got > 0 ? text : NULL);
        }
    }
    closedir(dir);
    strbuf_release(&path);
    return 0;
}
