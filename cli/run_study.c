#include "cli/run_study.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "base/version.h"
#include "cli/front.h"
#include "cli/interrupt.h"
#include "experiments/breakdown.h"
#include "experiments/external.h"
#include "experiments/runner.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int study_overrides(const struct study_opts *o, int64_t budget, struct study_override **list, struct strbuf *keep)
{
    int n = 0;
    /* Texts first: the buffer moves as it grows, so remember offsets. */
    size_t *at = mem_calloc((size_t)(2 * (o->set.n + o->fix.n) + 4), sizeof *at);
    *list = mem_calloc((size_t)(o->set.n + o->fix.n) + 2, sizeof **list);
    for (int i = 0; i < o->set.n + o->fix.n; i++) {
        bool fix = i >= o->set.n;
        const char *text = fix ? o->fix.item[i - o->set.n] : o->set.item[i];
        const char *equal = text;
        while (*equal != '=') {
            equal++;
        }
        at[2 * n] = keep->len;
        strbuf_addf(keep, fix ? "space.%.*s" : "%.*s", (int)(equal - text), text);
        strbuf_add(keep, "", 1);
        at[2 * n + 1] = keep->len;
        strbuf_addf(keep, fix ? "[%s]" : "%s", equal + 1);
        strbuf_add(keep, "", 1);
        n++;
    }
    const struct {
        const char *path;
        int64_t value;
        bool given;
    } numbers[] = {{"search.seed", o->seed, o->seed >= 0}, {"search.budget.evaluations", budget, budget > 0}};
    for (int i = 0; i < 2; i++) {
        if (numbers[i].given) {
            at[2 * n] = keep->len;
            strbuf_addf(keep, "%s", numbers[i].path);
            strbuf_add(keep, "", 1);
            at[2 * n + 1] = keep->len;
            strbuf_addf(keep, "%lld", (long long)numbers[i].value);
            strbuf_add(keep, "", 1);
            n++;
        }
    }
    for (int i = 0; i < n; i++) {
        (*list)[i] = (struct study_override){keep->buf + at[2 * i], keep->buf + at[2 * i + 1]};
    }
    mem_free(at);
    return n;
}

static void introduce(const struct cli *cli, const struct study *s)
{
    struct strbuf line = STRBUF_INIT;
    cli_say(cli, "study      %s: %s, batch %lld, on %s", s->path, s->network->name, (long long)s->network->batch,
            template_name(s->hardware));
    double size = space_cardinality(&s->space);
    cli_say(cli, "space      %d variables, %.2g designs", s->space.n, size);
    for (int i = 0; i < s->n_objectives; i++) {
        strbuf_addf(&line, "%s%s (%s)", i ? ", " : "", metrics[s->objective[i].metric].name,
                    s->objective[i].maximise ? "max" : "min");
    }
    cli_say(cli, "objectives %s", strbuf_str(&line));
    for (int i = 0; i < s->n_constraints; i++) {
        cli_say(cli, "%-10s %s%s", i == 0 ? "constraints" : "", s->constraint[i].source,
                s->constraint[i].known ? "   (before evaluating)" : "");
    }
    if (s->accuracy != NULL) {
        struct accuracy_info info;
        accuracy_info(s->accuracy, &info);
        strbuf_reset(&line);
        if (info.n_points > 0) {
            strbuf_addf(&line, "; fit residual %.2f%s", info.rmse_pp,
                        accuracy_has(s->accuracy, ACCURACY_PERPLEXITY) ? " of ln PPL" : " points");
        }
        cli_say(cli, "accuracy   %s by the proxy %s (%s%s)", info.metric, info.proxy, info.source, strbuf_str(&line));
    }
    strbuf_release(&line);
}

/* "12 failed (9 timeout, 3 crashed)". */
static void say_failures(const struct progress *p, struct strbuf *out)
{
    strbuf_addf(out, "%lld failed", (long long)p->failed);
    bool any = false;
    for (int i = 0; i < FAILURE_COUNT; i++) {
        if (p->failures[i] > 0) {
            strbuf_addf(out, "%s%lld %s", any ? ", " : " (", (long long)p->failures[i], failure_names[i]);
            any = true;
        }
    }
    strbuf_adds(out, any ? ")" : "");
}

static json_t *failures_json(const struct progress *p)
{
    json_t *out = json_object();
    for (int i = 0; i < FAILURE_COUNT; i++) {
        if (p->failures[i] > 0) {
            json_object_set_new(out, failure_names[i], json_integer(p->failures[i]));
        }
    }
    return out;
}

/* The external evaluator, when the study has one. What it says of itself is part of what the study is, so it comes before the file. */
static int open_external(struct cli *cli, struct study *s, const struct run_opts *o, struct external **x,
                         struct err *err)
{
    *x = NULL;
    if (s->evaluator == NULL) {
        return 0;
    }
    *x = external_open(s->evaluator, o->threads > 0 ? (int)o->threads : omp_get_max_threads(), err);
    if (*x == NULL) {
        return -1;
    }
    const struct external_hello *says = external_says(*x);
    study_evaluator_is(s, says->name, says->version);
    cli_say(cli, "evaluator  %s %s: answers within %gs, part of the cache key", says->name, says->version,
            s->evaluator->timeout_s);
    return 0;
}

/* For `status`; whether it is the same one as before is in model_hash. */
static int note_external(struct db *db, const struct external *x, struct err *err)
{
    if (x == NULL || db_meta(db, "evaluator") != NULL) {
        return 0;
    }
    struct strbuf text = STRBUF_INIT;
    strbuf_addf(&text, "%s %s", external_says(x)->name, external_says(x)->version);
    int bad = db_put_meta(db, "evaluator", strbuf_str(&text), err);
    strbuf_release(&text);
    return bad;
}

/* Who evaluates; a word when the search cannot keep all of them busy. Algorithms that need no results have any number of evaluations to give. */
static void introduce_pool(const struct cli *cli, const struct study *s, const struct pool_stats *p)
{
    int64_t lag = s->lag > 0 ? s->lag : SEARCH_LAG;
    bool waits = strcmp(s->algorithm, "random") != 0 && strcmp(s->algorithm, "exhaustive") != 0;
    if (p->ranks > 1) {
        cli_say(cli, "ranks      %d on %d host%s, %d evaluations at once", p->ranks, p->hosts, p->hosts == 1 ? "" : "s",
                p->workers);
    }
    if (waits && lag < p->workers) {
        cli_say(
            cli,
            "note       the search gives at most %lld evaluations at a time to %d workers; 'lag: %d' under 'search:' "
            "would feed them (other trials than without)",
            (long long)lag, p->workers, 4 * p->workers);
    }
}

/* The study's file, made or opened and checked. */
static struct db *open_file(const struct record *r, const char *path, const struct run_opts *o, const char *command,
                            struct err *err)
{
    struct db *db;
    if (access(path, F_OK) != 0) {
        db = record_create(r, path, command, err);
    } else {
        db = db_open(path, DB_WRITE, err);
        if (db != NULL && record_check(r, db, err) < 0) {
            struct err ignored = ERR_INIT;
            db_close(db, &ignored);
            db = NULL;
        }
    }
    if (db != NULL) {
        db_tune(db, &(struct db_tuning){.durable = o->durable});
    }
    return db;
}

/* What the file holds already, in the words of a run's end. */
static int stored_results(struct db *db, struct progress *p, struct err *err)
{
    struct db_status st;
    if (db_status(db, &st, err) < 0) {
        return -1;
    }
    p->done = st.trials;
    p->front = st.front;
    p->infeasible = st.state[DB_INFEASIBLE];
    p->failed = st.state[DB_FAILED];
    p->hypervolume = st.hypervolume;
    db_status_release(&st);
    return 0;
}

static int conclude(struct cli *cli, const struct study *s, struct db *db, const char *path, const struct run_opts *o,
                    const struct run_result *r, int status)
{
    struct err err = ERR_INIT;
    if (o->host != NULL) {
        return o->host->end(o->host->ctx, status == 0, &err) < 0 ? cli_error(cli, &err) : status;
    }
    if (cli->json) {
        json_t *doc = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "study", s->name, "database",
                                path, "stop", search_stop_names[r->stop], "evaluations", (json_int_t)r->last.done,
                                "new", (json_int_t)r->evaluated, "budget", (json_int_t)s->evaluations, "front",
                                (json_int_t)r->last.front, "infeasible", (json_int_t)r->last.infeasible, "failed",
                                (json_int_t)r->last.failed, "cached", (json_int_t)r->cached);
        json_object_set_new(doc, "hypervolume",
                            isnan(r->last.hypervolume) ? json_null() : json_real(r->last.hypervolume));
        json_object_set_new(doc, "status", json_integer(status));
        if (r->last.failed > 0) {
            json_object_set_new(doc, "failures", failures_json(&r->last));
        }
        if (s->evaluator != NULL) {
            json_object_set_new(doc, "retried", json_integer(r->last.retried));
        }
        cli_json(doc);
        return status;
    }
    int shown = front_summary(cli, db, &err);
    if (shown < 0) {
        return cli_error(cli, &err);
    }
    if (status == 0 && shown == 0) {
        status = ERR_NO;
    }
    return status;
}

static enum db_exit exit_of(int bad, const struct err *err, int signal, enum search_stop stop)
{
    if (bad) {
        return err->code == ERR_RESUME ? DB_EXIT_PREEMPTED : DB_EXIT_FAILED;
    }
    if (signal != 0) {
        return signal == 130 ? DB_EXIT_INTERRUPTED : DB_EXIT_PREEMPTED;
    }
    return stop == SEARCH_RUNNING ? DB_EXIT_TIME_LIMIT : DB_EXIT_DONE;
}

static int say_done(struct cli *cli, const struct study *s, struct db *db, const char *path, const struct run_opts *o,
                    const struct run_result *r, const struct pool_stats *stats)
{
    struct strbuf failed = STRBUF_INIT;
    say_failures(&r->last, &failed);
    cli_say(cli,
            "done       %s after %lld evaluations (%lld new, %lld of them cached, %lld infeasible, %s) in "
            "%.1fs",
            search_stop_names[r->stop], (long long)r->last.done, (long long)r->evaluated, (long long)r->cached,
            (long long)r->last.infeasible, strbuf_str(&failed), r->last.elapsed_s);
    strbuf_release(&failed);
    if (r->last.retried > 0) {
        cli_say(cli, "retried    %lld designs were answered only when asked again", (long long)r->last.retried);
    }
    if (stats->ranks > 1) {
        cli_say(cli, "ranks      %d, evaluating for %.0f%% of the time", stats->ranks, 100 * stats->busy);
    }
    int status = conclude(cli, s, db, path, o, r, 0);
    cli_next(cli, "dovetail pareto %s --plot", path);
    return status;
}

static int say_stopped(struct cli *cli, const struct study *s, struct db *db, const char *path,
                       const struct run_opts *o, const struct run_result *r, enum db_exit how)
{
    int status = how == DB_EXIT_INTERRUPTED ? 130 : ERR_RESUME;
    cli_say(cli, "stopped    at %lld of %lld evaluations (front %lld)%s%s", (long long)r->last.done,
            (long long)s->evaluations, (long long)r->last.front,
            o->host == NULL ? "; resume with: dovetail resume " : "", o->host == NULL ? path : "");
    return cli->json || o->host != NULL ? conclude(cli, s, db, path, o, r, status) : status;
}

static int run_on(struct cli *cli, const struct study *s, struct record *record, struct db *db, const char *path,
                  const struct run_opts *o, const char *command, const struct interrupt *interrupt, struct pool *pool)
{
    struct err err = ERR_INIT;
    struct run_result r = {.stop = SEARCH_BUDGET};
    if (stored_results(db, &r.last, &err) < 0) {
        return cli_error(cli, &err);
    }
    int64_t stored = r.last.done;
    if (stored >= s->evaluations) {
        if (stored > s->evaluations) {
            cli_say(cli, "done       %s holds %lld evaluations, and the budget is %lld: nothing to do", path,
                    (long long)stored, (long long)s->evaluations);
        } else {
            cli_say(cli, "done       %s holds all %lld evaluations of this study: nothing to do", path,
                    (long long)stored);
        }
        return conclude(cli, s, db, path, o, &r, 0);
    }
    if (stored > 0) {
        cli_say(cli, "resuming   %s: %lld evaluations are there, %lld to go", db_path(db), (long long)stored,
                (long long)(s->evaluations - stored));
    }
    struct progress_view view;
    struct pool_stats stats;
    progress_view_init(&view, cli, (enum progress_form)o->progress, interrupt);
    pool->ops->stats(pool, &stats);
    introduce_pool(cli, s, &stats);
    double limit = o->time_s > 0 ? o->time_s : s->time_s;
    const struct exchange exchange = {o->host != NULL ? o->host->swap : NULL, o->host != NULL ? o->host->ctx : NULL};
    struct run_options options = {limit, &interrupt->stop, progress_view_show, &view, NULL};
    if (o->host != NULL) {
        options.progress = o->host->progress;
        options.ctx = o->host->ctx;
        options.exchange = o->host->swap != NULL ? &exchange : NULL;
    }
    struct db_run about = {.command = command,
                           .version = dovetail_version(),
                           .slurm_job = getenv("SLURM_JOB_ID"),
                           .threads = stats.workers};
    int bad = db_begin_run(db, &about, &err);
    bad = bad ? bad : runner_run(s, record, db, pool, &options, &r, &err);
    pool->ops->stats(pool, &stats);
    progress_view_end(&view);
    if (!bad && r.stop != SEARCH_RUNNING) {
        bad = breakdown_front(s, pool->evaluator, db, &interrupt->stop, &err);
    }
    enum db_exit how = exit_of(bad, &err, interrupt->stop, r.stop);
    struct err end = ERR_INIT;
    if (db_end_run(db, how, bad ? &end : &err) < 0 || bad) {
        if (o->host != NULL) {
            o->host->end(o->host->ctx, false, &end);
        }
        if (o->host != NULL && how == DB_EXIT_PREEMPTED) { /* another task shall have its place */
            cli_say(cli, "stopped    at %lld of %lld evaluations: %s", (long long)r.last.done,
                    (long long)s->evaluations, err.text);
            return ERR_RESUME;
        }
        return cli_error(cli, &err);
    }
    return how == DB_EXIT_DONE ? say_done(cli, s, db, path, o, &r, &stats) : say_stopped(cli, s, db, path, o, &r, how);
}

int run_study(struct cli *cli, struct study *s, const char *path, const struct run_opts *o, const char *command)
{
    struct err err = ERR_INIT;
    struct external *external;
    const struct interrupt *interrupt = interrupt_install(); /* before there is a file to leave half-made */
    introduce(cli, s);
    if (open_external(cli, s, o, &external, &err) < 0) {
        return cli_error(cli, &err);
    }
    struct pool *pool = cli->new_pool(&(struct pool_request){s, (int)o->threads, o->cache, external}, &err);
    if (pool == NULL) { /* nor is there a file */
        external_free(external);
        return cli_error(cli, &err);
    }
    struct record *record = record_new(s);
    struct db *db =
        o->host != NULL ? o->host->open(o->host->ctx, s, record, &err) : open_file(record, path, o, command, &err);
    int bad = db == NULL ? -1 : note_external(db, external, &err);
    int status = bad ? cli_error(cli, &err) : run_on(cli, s, record, db, path, o, command, interrupt, pool);
    struct err late = ERR_INIT;
    if (pool->ops->free(pool, &late) < 0) { /* the study itself is whole */
        cli_say(cli, "warning: the shared cache could not be written: %s", late.text);
    }
    external_free(external);
    late = (struct err)ERR_INIT;
    if (db_close(db, &late) < 0) {
        status = cli_error(cli, &late);
    }
    record_free(record);
    return status;
}
