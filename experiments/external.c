#include "experiments/external.h"

#include "base/mem.h"
#include "experiments/external_process.h"

#include <pthread.h>
#include <string.h>

struct worker {
    struct external_process *process; /* NULL: to be started */
    bool busy;
};

struct external {
    const struct study_evaluator *spec;
    struct external_hello hello;
    char **argv;
    struct worker *worker; /* [n_workers] */
    int n_workers;
    pthread_mutex_t lock;
    pthread_cond_t freed;
};

/* The user's words; a library is held by a program of ours. */
static char **make_argv(const struct study_evaluator *spec)
{
    char **argv = mem_calloc((size_t)spec->n_command + 4, sizeof *argv);
    if (spec->library != NULL) {
        argv[0] = mem_strdup("/proc/self/exe"); /* the guard's own program, which is dovetail */
        argv[1] = mem_strdup("evaluator-library");
        argv[2] = mem_strdup(spec->library);
        return argv;
    }
    for (int i = 0; i < spec->n_command; i++) {
        argv[i] = mem_strdup(spec->command[i]);
    }
    return argv;
}

/* A process that has said the greeting. `hello` is filled; the sentence is in why when NULL is returned. */
static struct external_process *start(const struct external *e, int number, struct external_hello *hello,
                                      enum external_outcome *outcome, struct strbuf *why)
{
    struct err err = ERR_INIT;
    struct strbuf line = STRBUF_INIT;
    *outcome = EXTERNAL_CRASHED;
    *hello = (struct external_hello){0};
    struct external_process *p = external_process_start(e->argv, number, &err);
    if (p == NULL) {
        strbuf_adds(why, err.text);
        return NULL;
    }
    enum external_line got = external_process_ask(p, NULL, e->spec->startup_s, &line, why);
    bool good = got == EXTERNAL_LINE_OK && external_read_hello(&line, hello, why) == 0;
    if (!good) {
        *outcome = got == EXTERNAL_LINE_LATE    ? EXTERNAL_TIMEOUT
                   : got == EXTERNAL_LINE_ENDED ? EXTERNAL_CRASHED
                                                : EXTERNAL_BAD_ANSWER;
        external_process_end(p, true);
        p = NULL;
    }
    strbuf_release(&line);
    return p;
}

static int check_hello(const struct study_evaluator *spec, const struct external_hello *h, struct err *err)
{
    for (int m = 0; m < METRIC_COUNT; m++) {
        if (spec->metric[m] && !h->metric[m]) {
            return err_set(err, ERR_EVALUATOR, "the evaluator '%s' does not give '%s', which the study expects of it",
                           h->name, metrics[m].column);
        }
    }
    const struct {
        const char *what, *wanted, *is;
    } texts[] = {{"name", spec->name, h->name}, {"version", spec->version, h->version}};
    for (int i = 0; i < 2; i++) {
        if (texts[i].wanted != NULL && strcmp(texts[i].wanted, texts[i].is) != 0) {
            return err_set(err, ERR_EVALUATOR, "the study is about an evaluator of %s '%s', this one says '%s'",
                           texts[i].what, texts[i].wanted, texts[i].is);
        }
    }
    return 0;
}

struct external *external_open(const struct study_evaluator *spec, int threads, struct err *err)
{
    struct external *e = mem_calloc(1, sizeof *e);
    e->spec = spec;
    e->argv = make_argv(spec);
    e->n_workers = spec->workers > 0 && spec->workers < threads ? spec->workers : threads;
    e->worker = mem_calloc((size_t)e->n_workers + 1, sizeof *e->worker);
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->freed, NULL);
    struct strbuf why = STRBUF_INIT;
    enum external_outcome outcome;
    e->worker[0].process = start(e, 0, &e->hello, &outcome, &why);
    int bad = 0;
    if (e->worker[0].process == NULL) {
        bad = err_set(err, ERR_EVALUATOR, "the evaluator '%s' does not start: %s",
                      spec->library != NULL ? spec->library : e->argv[0], strbuf_str(&why));
    } else {
        bad = check_hello(spec, &e->hello, err);
    }
    strbuf_release(&why);
    if (bad) {
        external_free(e);
        return NULL;
    }
    return e;
}

void external_free(struct external *e)
{
    if (e == NULL) {
        return;
    }
    for (int i = 0; i < e->n_workers; i++) {
        if (e->worker[i].process != NULL) {
            external_process_bid_end(e->worker[i].process);
        }
    }
    for (int i = 0; i < e->n_workers; i++) {
        external_process_end(e->worker[i].process, false);
    }
    for (int i = 0; e->argv[i] != NULL; i++) {
        mem_free(e->argv[i]);
    }
    external_hello_release(&e->hello);
    pthread_mutex_destroy(&e->lock);
    pthread_cond_destroy(&e->freed);
    mem_free(e->argv);
    mem_free(e->worker);
    mem_free(e);
}

const struct external_hello *external_says(const struct external *e)
{
    return &e->hello;
}

/* An idle worker, one that runs before one that must be started. */
static int take(struct external *e)
{
    pthread_mutex_lock(&e->lock);
    int best = -1;
    while (best < 0) {
        for (int i = e->n_workers - 1; i >= 0; i--) {
            const struct worker *w = &e->worker[i];
            if (!w->busy && (best < 0 || w->process != NULL || e->worker[best].process == NULL)) {
                best = i;
            }
        }
        if (best < 0) {
            pthread_cond_wait(&e->freed, &e->lock);
        }
    }
    e->worker[best].busy = true;
    pthread_mutex_unlock(&e->lock);
    return best;
}

static void give(struct external *e, int i)
{
    pthread_mutex_lock(&e->lock);
    e->worker[i].busy = false;
    pthread_cond_signal(&e->freed);
    pthread_mutex_unlock(&e->lock);
}

/* A worker's process, started if there is none; the same program must say the same greeting every time. */
static enum external_outcome ready(const struct external *e, int i, struct strbuf *why)
{
    struct worker *w = &e->worker[i];
    if (w->process != NULL) {
        return EXTERNAL_OK;
    }
    struct external_hello hello;
    enum external_outcome outcome;
    w->process = start(e, i, &hello, &outcome, why);
    if (w->process != NULL) {
        bool same = strcmp(hello.name, e->hello.name) == 0 && strcmp(hello.version, e->hello.version) == 0 &&
                    memcmp(hello.metric, e->hello.metric, sizeof hello.metric) == 0;
        outcome = same ? EXTERNAL_OK : EXTERNAL_BAD_ANSWER;
        if (!same) {
            strbuf_adds(why, "its first line is not the one that it began with");
            external_process_end(w->process, true);
            w->process = NULL;
        }
    }
    external_hello_release(&hello);
    return outcome;
}

static enum external_outcome ask(const struct external *e, int i, const char *id, const char *request,
                                 double metric[METRIC_COUNT], struct strbuf *why)
{
    struct worker *w = &e->worker[i];
    enum external_outcome outcome = ready(e, i, why);
    if (outcome != EXTERNAL_OK) {
        return outcome;
    }
    struct strbuf line = STRBUF_INIT;
    enum external_line got = external_process_ask(w->process, request, e->spec->timeout_s, &line, why);
    switch (got) {
    case EXTERNAL_LINE_OK:
        outcome = external_read_answer(&line, &e->hello, id, metric, why);
        break;
    case EXTERNAL_LINE_LATE:
        outcome = EXTERNAL_TIMEOUT;
        break;
    case EXTERNAL_LINE_ENDED:
        outcome = EXTERNAL_CRASHED;
        break;
    case EXTERNAL_LINE_TOO_LONG:
    case EXTERNAL_LINE_TWO:
        outcome = EXTERNAL_BAD_ANSWER;
        break;
    }
    strbuf_release(&line);
    bool usable = outcome == EXTERNAL_OK || outcome == EXTERNAL_INFEASIBLE || outcome == EXTERNAL_REPORTED;
    if (!usable) { /* what it says next could be about anything */
        external_process_end(w->process, true);
        w->process = NULL;
    }
    return outcome;
}

enum external_outcome external_price(struct external *e, const char *id, const char *request,
                                     double metric[METRIC_COUNT], struct strbuf *why)
{
    enum external_outcome outcome;
    struct strbuf reason = STRBUF_INIT;
    int retried = 0;
    for (;;) {
        strbuf_reset(&reason);
        int i = take(e);
        outcome = ask(e, i, id, request, metric, &reason);
        give(e, i);
        if (reason.len > 0) {
            strbuf_reset(why);
            if (outcome != EXTERNAL_INFEASIBLE) {
                strbuf_addf(why, "%s: ", external_outcome_names[outcome]);
            }
            strbuf_adds(why, strbuf_str(&reason));
        }
        bool again = outcome == EXTERNAL_TIMEOUT || outcome == EXTERNAL_CRASHED;
        if (!again || retried >= e->spec->retries) {
            break;
        }
        retried++;
    }
    strbuf_release(&reason);
    return outcome;
}
