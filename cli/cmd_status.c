/* dovetail status: how far a study is, who works on it, and whether it still gains. Reads only. */
#include "base/strbuf.h"
#include "base/units.h"
#include "cli/json_values.h"
#include "cli/open_db.h"
#include "cli/progress.h"
#include "cli/sweep_status.h"
#include "cli/table.h"
#include "experiments/evaluator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct status_opts {
    bool watch;
    bool runs;
    bool failed;
};

/* clang-format off */
static const struct opt options[] = {
    {"watch", 0, OPT_FLAG, offsetof(struct status_opts, watch), NULL,
     .help = "show it again every 2 seconds until no run is alive"},
    {"runs", 0, OPT_FLAG, offsetof(struct status_opts, runs), NULL, .help = "list every run, or every task of a sweep"},
    {"failed", 0, OPT_FLAG, offsetof(struct status_opts, failed), NULL,
     .help = "of a sweep: only the tasks to submit again, as Slurm writes them: 3,7-9"},
    OPT_END
};
/* clang-format on */

static const char *run_state(const struct db_run *r)
{
    if (r->exit != DB_EXIT_NONE) {
        return db_exit_names[r->exit];
    }
    return r->alive ? "running" : "lost";
}

/* Designs that failed, by how, and good ones that took more than one attempt. */
struct troubles {
    int64_t failed[FAILURE_COUNT], retried;
};

static int count_trouble(void *ctx, const struct db_row *row)
{
    struct troubles *t = ctx;
    struct evaluation v = {.state = row->state};
    if (row->state == DB_OK) {
        t->retried++;
        return 0;
    }
    if (row->values[0].type == DB_TEXT) {
        snprintf(v.why, sizeof v.why, "%s", row->values[0].u.s);
    }
    t->failed[evaluation_failure(&v)]++;
    return 0;
}

static int read_troubles(struct db *db, struct troubles *t, struct err *err)
{
    static const char *const columns[] = {"error"};
    struct db_query q = {.columns = columns,
                         .n_columns = 1,
                         .all_states = true,
                         .where = "state = 'failed' OR (state = 'ok' AND error IS NOT NULL)"};
    *t = (struct troubles){0};
    return db_meta(db, "evaluator") != NULL ? db_query(db, &q, count_trouble, t, err) : 0;
}

static json_t *troubles_json(const struct troubles *t)
{
    json_t *out = json_object();
    for (int i = 0; i < FAILURE_COUNT; i++) {
        if (t->failed[i] > 0) {
            json_object_set_new(out, failure_names[i], json_integer(t->failed[i]));
        }
    }
    return out;
}

static void add_troubles(const struct db *db, const struct troubles *t, struct strbuf *out)
{
    const char *evaluator = db_meta(db, "evaluator");
    if (evaluator == NULL) {
        return;
    }
    strbuf_addf(out, "evaluator  %s", evaluator);
    const char *before = "; failed: ";
    for (int i = 0; i < FAILURE_COUNT; i++) {
        if (t->failed[i] > 0) {
            strbuf_addf(out, "%s%lld %s", before, (long long)t->failed[i], failure_names[i]);
            before = ", ";
        }
    }
    if (t->retried > 0) {
        strbuf_addf(out, "; %lld designs answered only when asked again", (long long)t->retried);
    }
    strbuf_adds(out, "\n");
}

static json_t *real_or_null(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *status_json(const struct db *db, const struct db_status *s, const struct troubles *t)
{
    json_t *runs = json_array();
    for (int i = 0; i < s->n_runs; i++) {
        const struct db_run *r = &s->runs[i];
        json_array_append_new(runs, json_pack("{s:I, s:s, s:s*, s:I, s:i, s:s*, s:s*, s:s*, s:I, s:I, s:I, s:f, s:f}",
                                              "run", (json_int_t)r->run_id, "state", run_state(r), "host", r->host,
                                              "pid", (json_int_t)r->pid, "threads", r->threads, "started",
                                              r->started_utc, "heartbeat", r->heartbeat_utc, "ended", r->ended_utc,
                                              "evaluations", (json_int_t)r->evaluations, "cache_hits",
                                              (json_int_t)r->cache_hits, "cache_lookups", (json_int_t)r->cache_lookups,
                                              "wall_s", r->wall_s, "cpu_s", r->cpu_s));
    }
    const char *name = db_meta(db, "name");
    json_t *doc = json_pack("{s:s*, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "study", name, "database", db_path(db),
                            "trials", (json_int_t)s->trials, "designs", (json_int_t)s->designs, "feasible",
                            (json_int_t)s->state[DB_OK], "infeasible", (json_int_t)s->state[DB_INFEASIBLE], "failed",
                            (json_int_t)s->state[DB_FAILED], "front", (json_int_t)s->front);
    const char *budget = db_meta(db, "budget");
    if (budget) {
        json_object_set_new(doc, "budget", json_integer(strtoll(budget, NULL, 10)));
    }
    if (db_meta(db, "evaluator") != NULL) {
        json_object_set_new(doc, "evaluator", json_string(db_meta(db, "evaluator")));
        json_object_set_new(doc, "failures", troubles_json(t));
        json_object_set_new(doc, "retried", json_integer(t->retried));
    }
    json_object_set_new(doc, "hypervolume", real_or_null(s->hypervolume));
    json_object_set_new(doc, "file_bytes", json_integer(s->file_bytes));
    json_object_set_new(doc, "runs", runs);
    return doc;
}

/* What the run that is alive says: rate, cache, time to go. */
static void add_live(const struct db_status *s, int64_t budget, struct strbuf *out)
{
    for (int i = 0; i < s->n_runs; i++) {
        const struct db_run *r = &s->runs[i];
        if (!r->alive || r->exit != DB_EXIT_NONE) {
            continue;
        }
        double rate = r->wall_s > 0.0 ? (double)r->evaluations / r->wall_s : 0.0;
        strbuf_addf(out, "running    process %lld on %s, %d threads, %.0f evaluations/s", (long long)r->pid,
                    r->host ? r->host : "?", r->threads, rate);
        if (r->cache_lookups > 0) {
            strbuf_addf(out, ", cache %.0f%%", 100.0 * (double)r->cache_hits / (double)r->cache_lookups);
        }
        if (budget > s->trials && rate > 0.0) {
            strbuf_adds(out, ", to go ");
            duration_print((double)(budget - s->trials) / rate, out);
        }
        strbuf_adds(out, "\n");
    }
}

static void add_last(const struct db *db, const struct db_status *s, int64_t budget, struct strbuf *out)
{
    const struct db_run *last = s->n_runs ? &s->runs[s->n_runs - 1] : NULL;
    if (!last || (last->alive && last->exit == DB_EXIT_NONE)) {
        return;
    }
    strbuf_addf(out, "last run   %s", run_state(last));
    if (last->ended_utc || last->heartbeat_utc) {
        strbuf_addf(out, " %s", last->ended_utc ? last->ended_utc : last->heartbeat_utc);
    }
    if (last->exit != DB_EXIT_DONE) {
        strbuf_addf(out, "; go on with: dovetail resume %s", db_path(db));
    } else if (budget > s->trials) {
        strbuf_adds(out, " before its budget: the space holds no further design, or the search stalled");
    }
    strbuf_adds(out, "\n");
}

static void print_runs(const struct cli *cli, const struct db_status *s)
{
    static const char *const titles[] = {"run", "state", "host", "threads", "started", "evaluations", "wall", "CPU"};
    static const bool right[] = {true, false, false, true, false, true, true, true};
    struct table t;
    table_init(&t);
    for (size_t c = 0; c < sizeof titles / sizeof titles[0]; c++) {
        table_column(&t, titles[c], right[c] ? TABLE_RIGHT : TABLE_LEFT);
    }
    struct strbuf text = STRBUF_INIT;
    for (int i = 0; i < s->n_runs; i++) {
        const struct db_run *r = &s->runs[i];
        strbuf_addf(&text, "%lld", (long long)r->run_id);
        table_cell(&t, strbuf_str(&text));
        table_cell(&t, run_state(r));
        table_cell(&t, r->host);
        strbuf_reset(&text);
        strbuf_addf(&text, "%d", r->threads);
        table_cell(&t, strbuf_str(&text));
        table_cell(&t, r->started_utc);
        strbuf_reset(&text);
        strbuf_addf(&text, "%lld", (long long)r->evaluations);
        table_cell(&t, strbuf_str(&text));
        strbuf_reset(&text);
        duration_print(r->wall_s, &text);
        table_cell(&t, strbuf_str(&text));
        strbuf_reset(&text);
        duration_print(r->cpu_s, &text);
        table_cell(&t, strbuf_str(&text));
        strbuf_reset(&text);
    }
    table_print(&t, t.n_columns, cli->color_out, &text);
    fputs(strbuf_str(&text), stdout);
    strbuf_release(&text);
    table_release(&t);
}

static void print_status(const struct cli *cli, const struct status_opts *o, const struct db *db,
                         const struct db_status *s, const struct troubles *t)
{
    const char *name = db_meta(db, "name");
    const char *meta = db_meta(db, "budget");
    int64_t budget = meta ? strtoll(meta, NULL, 10) : 0;
    struct strbuf out = STRBUF_INIT;
    strbuf_addf(&out, "study      %s (%s, %.1f MB)\n", name ? name : "?", db_path(db), (double)s->file_bytes * 1e-6);
    strbuf_addf(&out, "trials     %lld", (long long)s->trials);
    if (budget > 0) {
        strbuf_addf(&out, " of %lld (%.0f%%)", (long long)budget, 100.0 * (double)s->trials / (double)budget);
    }
    strbuf_addf(&out, "\ndesigns    %lld feasible, %lld infeasible, %lld failed\n", (long long)s->state[DB_OK],
                (long long)s->state[DB_INFEASIBLE], (long long)s->state[DB_FAILED]);
    add_troubles(db, t, &out);
    strbuf_addf(&out, "front      %lld designs", (long long)s->front);
    if (isfinite(s->hypervolume)) {
        strbuf_addf(&out, ", hypervolume %.4f", s->hypervolume);
    }
    strbuf_adds(&out, "\n");
    add_live(s, budget, &out);
    add_last(db, s, budget, &out);
    fputs(strbuf_str(&out), stdout);
    strbuf_release(&out);
    if (o->runs) {
        print_runs(cli, s);
    }
}

static bool anyone_alive(const struct db_status *s)
{
    for (int i = 0; i < s->n_runs; i++) {
        if (s->runs[i].alive && s->runs[i].exit == DB_EXIT_NONE) {
            return true;
        }
    }
    return false;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct status_opts *o = values;
    const char *what = n_args > 0 ? args[0] : ".";
    if (sweep_is(what)) {
        return sweep_status(cli, what, o->failed, o->runs, o->watch);
    }
    if (o->failed) {
        return cli_fail(cli, ERR_USAGE, "--failed needs the folder of a sweep, and '%s' is none", what);
    }
    for (;;) {
        int status;
        struct db *db = open_db(cli, what, &status);
        if (!db) {
            return status;
        }
        struct db_status s;
        struct err err = ERR_INIT;
        struct err ignored = ERR_INIT;
        struct troubles t;
        if (db_status(db, &s, &err) || read_troubles(db, &t, &err)) {
            db_status_release(&s);
            db_close(db, &ignored);
            return cli_error(cli, &err);
        }
        if (cli->json) {
            cli_json(status_json(db, &s, &t));
        } else {
            print_status(cli, o, db, &s, &t);
        }
        bool again = o->watch && anyone_alive(&s);
        db_status_release(&s);
        db_close(db, &ignored);
        if (!again) {
            return 0;
        }
        fputs(cli->json ? "" : "\n", stdout);
        fflush(stdout);
        sleep(2);
    }
}

const struct verb verb_status = {.name = "status",
                                 .args = "[DB|DIR]",
                                 .help = "show how far a study, or a sweep, is and who works on it",
                                 .example = "dovetail status demo.db --watch\ndovetail status runs/edge --failed",
                                 .options = options,
                                 .options_size = sizeof(struct status_opts),
                                 .max_args = 1,
                                 .run = run};
