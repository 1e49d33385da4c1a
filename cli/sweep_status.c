/* See sweep_status.h. States come from three places: the shards (done), the heartbeats (running, lost, stopped, failed) and the scheduler
 * (waiting). A task that was lost or stopped and that the scheduler has in its queue again is waiting. */
#include "cli/sweep_status.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "experiments/island.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum task_state { TASK_DONE, TASK_RUNNING, TASK_LOST, TASK_WAITING, TASK_STOPPED, TASK_FAILED, TASK_STATES };
static const char *const state_names[TASK_STATES] = {"done", "running", "lost", "waiting", "stopped", "failed"};

struct view {
    const struct sweep *sweep;
    struct shard *shards;
    struct sweep_queue queue;
    enum task_state *state; /* [n_tasks] */
    int count[TASK_STATES];
    int64_t now;
    int64_t trials, budget; /* evaluations brought back or seen, and asked for */
    double rate;
    struct union_front *front; /* [n_groups] */
    struct island_count islands;
    bool *again; /* [n_tasks]: to hand in again */
    int n_again;
};

static enum task_state state_of(const struct view *v, int i)
{
    const struct shard *shard = &v->shards[i];
    if (shard->done) {
        return TASK_DONE;
    }
    if (shard_runs(shard, v->now)) {
        return TASK_RUNNING;
    }
    if (v->queue.held[i] == HELD_WAITING) {
        return TASK_WAITING;
    }
    if (shard_lost(shard, v->now)) {
        return TASK_LOST;
    }
    if (shard->has_beat && shard->beat.phase == BEAT_FAILED) {
        return TASK_FAILED;
    }
    return shard->has_beat && v->again[i] ? TASK_STOPPED : TASK_WAITING; /* stopped, and nobody has it in a queue */
}

int sweep_to_submit(const struct sweep *s, const struct shard *shards, const struct sweep_queue *q, bool *pick)
{
    int64_t now = (int64_t)time(NULL);
    int n = 0;
    for (int i = 0; i < s->n_tasks; i++) {
        bool bad = shard_lost(&shards[i], now) || (shards[i].has_beat && shards[i].beat.phase == BEAT_FAILED);
        pick[i] = !shards[i].done && !shard_runs(&shards[i], now) && q->held[i] == HELD_NOT &&
                  (bad || q->known || !q->submitted);
        n += pick[i];
    }
    return n;
}

int sweep_idle(const struct sweep *s, const struct shard *shards, bool *pick)
{
    int64_t now = (int64_t)time(NULL);
    int n = 0;
    for (int i = 0; i < s->n_tasks; i++) {
        pick[i] = !shards[i].done && !shard_runs(&shards[i], now);
        n += pick[i];
    }
    return n;
}

/* A task that runs has more than it brought back; one that is done may have stopped before its budget (space exhausted). */
static int64_t trials_of(const struct shard *shard)
{
    bool speaks =
        shard->has_beat && (shard->beat.phase == BEAT_RUNNING ? shard->beat.trials > shard->trials
                                                              : shard->done && shard->beat.phase == BEAT_DONE);
    return speaks ? shard->beat.trials : shard->trials;
}

static int view_read(struct view *v, const struct sweep *s, struct err *err)
{
    *v = (struct view){.sweep = s, .now = (int64_t)time(NULL)};
    v->shards = shards_read(s, err);
    if (v->shards == NULL) {
        return -1;
    }
    sweep_queue_read(s, &v->queue);
    v->state = mem_calloc((size_t)s->n_tasks, sizeof *v->state);
    v->again = mem_calloc((size_t)s->n_tasks, sizeof *v->again);
    v->front = mem_calloc((size_t)s->n_groups, sizeof *v->front);
    v->n_again = sweep_to_submit(s, v->shards, &v->queue, v->again);
    for (int i = 0; i < s->n_tasks; i++) {
        const struct shard *shard = &v->shards[i];
        v->state[i] = state_of(v, i);
        v->count[v->state[i]]++;
        v->budget += s->task[i].evaluations;
        v->trials += trials_of(shard);
        v->rate += v->state[i] == TASK_RUNNING ? shard->beat.rate : 0;
    }
    return 0;
}

static int view_fronts(struct view *v, struct err *err)
{
    for (int g = 0; g < v->sweep->n_groups; g++) {
        if (shards_front(v->sweep, v->shards, g, &v->front[g], err) < 0) {
            return -1;
        }
    }
    return v->sweep->islands.every > 0 ? island_count(v->sweep, &v->islands, err) : 0;
}

static void view_release(struct view *v)
{
    if (v->shards != NULL) {
        sweep_queue_release(&v->queue);
        shards_free(v->shards, v->sweep->n_tasks);
    }
    mem_free(v->state);
    mem_free(v->again);
    mem_free(v->front);
}

/* ---- as text ---- */

/* "017  lost on c113, silent for 11min, 148992 of 312500 evaluations are safe" */
static void add_trouble(const struct view *v, struct strbuf *out)
{
    for (int i = 0; i < v->sweep->n_tasks; i++) {
        const struct beat *b = &v->shards[i].beat;
        bool lost = v->state[i] == TASK_LOST, failed = v->state[i] == TASK_FAILED;
        bool back = v->state[i] == TASK_WAITING && shard_lost(&v->shards[i], v->now);
        if (!lost && !failed && !back) {
            continue;
        }
        strbuf_addf(out, "%-10s task %d on %s", failed ? "failed" : "lost", i, b->host);
        if (failed) {
            strbuf_addf(out, ": %s", b->why);
        } else {
            strbuf_adds(out, ", silent for ");
            duration_print((double)(v->now - b->time), out);
        }
        strbuf_addf(out, "; %lld of %lld evaluations are safe", (long long)v->shards[i].trials,
                    (long long)v->sweep->task[i].evaluations);
        strbuf_adds(out, back ? "; the scheduler has it in its queue again\n" : "\n");
    }
}

static void add_islands(const struct view *v, struct strbuf *out)
{
    const struct sweep_islands *i = &v->sweep->islands;
    if (i->every > 0) {
        strbuf_addf(out, "islands    every %lld evaluations%s: %lld exchanges", (long long)i->every,
                    i->strict ? ", strict" : "", (long long)v->islands.taken);
        if (v->islands.without > 0) {
            strbuf_addf(out, ", %lld left out because a neighbour was late or did not run",
                        (long long)v->islands.without);
        }
        strbuf_adds(out, "\n");
    }
}

static void add_fronts(const struct view *v, struct strbuf *out)
{
    for (int g = 0; g < v->sweep->n_groups; g++) {
        strbuf_addf(out, "front      %lld designs in all shards together", (long long)v->front[g].size);
        if (isfinite(v->front[g].hypervolume)) {
            strbuf_addf(out, ", hypervolume %.4f", v->front[g].hypervolume);
        }
        if (v->sweep->n_groups > 1) {
            strbuf_adds(out, "   ");
            struct strbuf label = STRBUF_INIT;
            sweep_group_label(v->sweep, g, &label);
            strbuf_addf(out, "(%s)", strbuf_str(&label));
            strbuf_release(&label);
        }
        strbuf_adds(out, "\n");
    }
}

static void add_next(const struct view *v, struct strbuf *out)
{
    if (v->n_again > 0) {
        strbuf_adds(out, "to submit  ");
        struct strbuf spec = STRBUF_INIT;
        sweep_spec(v->again, v->sweep->n_tasks, &spec);
        strbuf_addf(out, "%s   (dovetail sweep %s --slurm, or --local N)\n", strbuf_str(&spec), v->sweep->dir);
        strbuf_release(&spec);
    } else if (v->count[TASK_DONE] == v->sweep->n_tasks) {
        strbuf_addf(out, "done       unite them with: dovetail merge %s -o %s.db\n", v->sweep->dir, v->sweep->name);
    }
}

static void print_rows(const struct cli *cli, const struct view *v)
{
    static const char *const titles[] = {"task", "what", "state", "evaluations", "saved", "host", "job", "attempt"};
    static const bool right[] = {true, false, false, true, true, false, false, true};
    struct table t;
    struct strbuf text = STRBUF_INIT;
    table_init(&t);
    for (size_t c = 0; c < sizeof titles / sizeof titles[0]; c++) {
        table_column(&t, titles[c], right[c] ? TABLE_RIGHT : TABLE_LEFT);
    }
    for (int i = 0; i < v->sweep->n_tasks; i++) {
        const struct shard *shard = &v->shards[i];
        const int64_t numbers[] = {i, trials_of(shard), shard->trials, shard->attempts};
        static const int at[] = {0, 3, 4, 7};
        for (int c = 0, k = 0; c < 8; c++) {
            strbuf_reset(&text);
            if (k < 4 && at[k] == c) {
                strbuf_addf(&text, "%lld", (long long)numbers[k++]);
            } else if (c == 1) {
                sweep_label(v->sweep, i, &text);
            } else {
                strbuf_adds(&text, c == 2 ? state_names[v->state[i]] : c == 5 ? shard->beat.host : shard->beat.job);
            }
            table_cell(&t, strbuf_str(&text));
        }
    }
    strbuf_reset(&text);
    table_print(&t, t.n_columns, cli->color_out, &text);
    fputs(strbuf_str(&text), stdout);
    strbuf_release(&text);
    table_release(&t);
}

static void print_view(const struct view *v)
{
    struct strbuf out = STRBUF_INIT;
    strbuf_addf(&out, "sweep      %s: %d tasks in %s\ntasks     ", v->sweep->name, v->sweep->n_tasks, v->sweep->dir);
    for (int i = 0; i < TASK_STATES; i++) {
        if (v->count[i] > 0 || i < TASK_STOPPED) {
            strbuf_addf(&out, "%s %s %d", i > 0 ? "," : "", state_names[i], v->count[i]);
        }
    }
    strbuf_addf(&out, "\ntrials     %lld of %lld (%.0f%%)", (long long)v->trials, (long long)v->budget,
                v->budget > 0 ? 100.0 * (double)v->trials / (double)v->budget : 0.0);
    if (v->rate > 0) {
        strbuf_addf(&out, ", %.0f evaluations/s, to go ", v->rate);
        duration_print((double)(v->budget - v->trials) / v->rate, &out);
    }
    strbuf_adds(&out, "\n");
    add_islands(v, &out);
    add_fronts(v, &out);
    add_trouble(v, &out);
    add_next(v, &out);
    fputs(strbuf_str(&out), stdout);
    strbuf_release(&out);
}

/* ---- as JSON ---- */

static json_t *rows_json(const struct view *v)
{
    json_t *rows = json_array();
    for (int i = 0; i < v->sweep->n_tasks; i++) {
        const struct shard *shard = &v->shards[i];
        struct strbuf label = STRBUF_INIT;
        sweep_label(v->sweep, i, &label);
        json_array_append_new(
            rows, json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:I, s:s, s:s*}", "task", i, "what",
                            strbuf_str(&label), "state", state_names[v->state[i]], "evaluations",
                            (json_int_t)trials_of(shard), "saved", (json_int_t)shard->trials, "budget",
                            (json_int_t)v->sweep->task[i].evaluations, "host", shard->beat.host, "job", shard->beat.job,
                            "attempt", (json_int_t)shard->attempts, "why", shard->beat.why, "database", shard->path));
        strbuf_release(&label);
    }
    return rows;
}

static json_t *view_json(const struct view *v)
{
    json_t *fronts = json_array();
    for (int g = 0; g < v->sweep->n_groups; g++) {
        struct strbuf label = STRBUF_INIT;
        sweep_group_label(v->sweep, g, &label);
        json_t *front = json_pack("{s:s, s:I}", "what", strbuf_str(&label), "size", (json_int_t)v->front[g].size);
        json_object_set_new(front, "hypervolume",
                            isfinite(v->front[g].hypervolume) ? json_real(v->front[g].hypervolume) : json_null());
        json_array_append_new(fronts, front);
        strbuf_release(&label);
    }
    struct strbuf spec = STRBUF_INIT;
    sweep_spec(v->again, v->sweep->n_tasks, &spec);
    json_t *doc =
        json_pack("{s:s, s:s, s:i}", "sweep", v->sweep->name, "folder", v->sweep->dir, "tasks", v->sweep->n_tasks);
    for (int i = 0; i < TASK_STATES; i++) {
        json_object_set_new(doc, state_names[i], json_integer(v->count[i]));
    }
    json_object_set_new(doc, "evaluations", json_integer(v->trials));
    json_object_set_new(doc, "budget", json_integer(v->budget));
    json_object_set_new(doc, "rate", json_real(v->rate));
    if (v->sweep->islands.every > 0) {
        json_object_set_new(doc, "islands",
                            json_pack("{s:I, s:b, s:I, s:I}", "every", (json_int_t)v->sweep->islands.every, "strict",
                                      v->sweep->islands.strict, "exchanges", (json_int_t)v->islands.taken, "without",
                                      (json_int_t)v->islands.without));
    }
    json_object_set_new(doc, "fronts", fronts);
    json_object_set_new(doc, "array", json_string(strbuf_str(&spec)));
    json_object_set_new(doc, "rows", rows_json(v));
    strbuf_release(&spec);
    return doc;
}

/* The scheduler's list of what to hand in again; 1 when there is nothing. */
static int print_again(const struct cli *cli, const struct view *v)
{
    struct strbuf spec = STRBUF_INIT;
    sweep_spec(v->again, v->sweep->n_tasks, &spec);
    if (cli->json) {
        cli_json(
            json_pack("{s:s, s:i, s:s}", "array", strbuf_str(&spec), "tasks", v->n_again, "folder", v->sweep->dir));
    } else if (v->n_again > 0) {
        puts(strbuf_str(&spec));
        cli_next(cli, "sbatch --array=%s %s/array.sbatch", strbuf_str(&spec), v->sweep->dir);
    } else {
        cli_say(cli, "nothing to submit: %d of %d tasks are done", v->count[TASK_DONE], v->sweep->n_tasks);
    }
    strbuf_release(&spec);
    return v->n_again > 0 ? 0 : ERR_NO;
}

static int show(struct cli *cli, const struct sweep *s, bool failed, bool rows, bool *alive)
{
    struct view v;
    struct err err = ERR_INIT;
    int status = 0;
    if (view_read(&v, s, &err) < 0 || (!failed && view_fronts(&v, &err) < 0)) {
        status = cli_error(cli, &err);
    } else if (failed) {
        status = print_again(cli, &v);
    } else if (cli->json) {
        cli_json(view_json(&v));
    } else {
        print_view(&v);
        if (rows) {
            print_rows(cli, &v);
        }
    }
    *alive = false;
    for (int i = 0; i < s->n_tasks && status == 0; i++) {
        *alive = *alive || v.state[i] == TASK_RUNNING || (v.state[i] == TASK_WAITING && !v.again[i]);
    }
    view_release(&v);
    return status;
}

int sweep_status(struct cli *cli, const char *dir, bool failed, bool rows, bool watch)
{
    struct sweep s;
    struct err err = ERR_INIT;
    if (sweep_open(&s, dir, &err) < 0) {
        return cli_error(cli, &err);
    }
    int status;
    for (;;) {
        bool alive;
        status = show(cli, &s, failed, rows, &alive);
        if (!watch || !alive) {
            break;
        }
        fputs(cli->json ? "" : "\n", stdout);
        fflush(stdout);
        sleep(2);
    }
    sweep_release(&s);
    return status;
}
