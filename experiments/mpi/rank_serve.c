/* What a rank other than 0 does: reads the study that rank 0 shows, evaluates the points that it is given, answers.
 *
 * Every thread of the rank takes points from one queue; only one at a time talks to MPI. Rank 0 keeps the queue filled ahead, so a thread
 * that has finished finds its next point here and waits for nobody. Answers travel together while they come fast. */
#include "experiments/mpi/rank_pool.h"

#include "base/mem.h"
#include "base/version.h"
#include "experiments/external.h"
#include "experiments/mpi/rank_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double NAP_S = 1e-3, SEND_EVERY_S = 200e-6, LEAVE_S = 10;
static const double SILENCE_S = 3600; /* rank 0 pings every half a minute, but may be long over a proposal */
enum { POSTS = 4, SEND_BYTES = RANK_EAGER_BYTES - sizeof(struct evaluation) - sizeof(struct result) };

struct serving {
    struct study *study;
    struct workshop shop;
    void (*evaluate)(struct evaluator *e, const double *x, struct evaluation *out);
    size_t task_bytes;   /* a trial's number and its point */
    struct strbuf queue; /* tasks; those before `taken` are done with */
    size_t taken;
    bool stop;
    struct strbuf heard;
    double heard_s;
    struct post post[POSTS]; /* answers on their way */
    int filling;             /* the one being written */
    struct post word;        /* STOPPED, GONE */
    double sent_s;
};

static const size_t WHY_AT = offsetof(struct evaluation, why);

/* ---- talking: one thread at a time ---- */

static void send_answers(struct serving *v)
{
    struct post *p = &v->post[v->filling];
    if (p->text.len == 0) {
        return;
    }
    struct pool_stats stats;
    workshop_stats(&v->shop, &stats);
    struct totals totals = {stats.cached, stats.memo_hits, stats.memo_misses};
    memcpy(p->text.buf, &totals, sizeof totals);
    post_send(p, 0, TAG_RESULTS);
    v->sent_s = MPI_Wtime();
    v->filling = (v->filling + 1) % POSTS;
    post_wait(&v->post[v->filling]);
    strbuf_reset(&v->post[v->filling].text);
}

/* Rank 0 has been silent for so long over an idle rank that it must be dead. */
static bool is_alone(const struct serving *v)
{
    return v->taken == v->queue.len && MPI_Wtime() - v->heard_s > SILENCE_S;
}

static void listen(struct serving *v)
{
    enum tag tag;
    while (!v->stop && rank_hear(0, &v->heard, NULL, &tag)) {
        v->heard_s = MPI_Wtime();
        if (tag == TAG_TASKS) {
            if (v->taken == v->queue.len) {
                strbuf_reset(&v->queue);
                v->taken = 0;
            }
            strbuf_add(&v->queue, v->heard.buf, v->heard.len);
        } else if (tag == TAG_STOP) {
            v->stop = true; /* what is not begun is left */
        }
    }
    v->stop |= is_alone(v);
}

/* The next task. 1: got one, 0: there is none yet, -1: go home. */
static int next_task(struct serving *v, int64_t *trial, double *x)
{
    listen(v);
    if (v->stop) {
        return -1;
    }
    if (v->taken == v->queue.len) {
        send_answers(v);
        return 0;
    }
    const char *task = v->queue.buf + v->taken;
    memcpy(trial, task, sizeof *trial);
    memcpy(x, task + sizeof *trial, v->task_bytes - sizeof *trial);
    v->taken += v->task_bytes;
    return 1;
}

static void answer(struct serving *v, int64_t trial, const struct evaluation *value)
{
    struct strbuf *text = &v->post[v->filling].text;
    struct result head = {trial, WHY_AT + strlen(value->why) + 1};
    if (text->len == 0) {
        strbuf_add(text, &(struct totals){0, 0, 0}, sizeof(struct totals));
    }
    strbuf_add(text, &head, sizeof head);
    strbuf_add(text, value, head.bytes);
    if (v->taken == v->queue.len || text->len >= SEND_BYTES || MPI_Wtime() - v->sent_s >= SEND_EVERY_S) {
        send_answers(v);
    }
}

/* ---- evaluating ---- */

static void work(struct serving *v)
{
#pragma omp parallel num_threads(v->shop.threads) default(none) shared(v, NAP_S)
    {
        double *x = mem_alloc(v->task_bytes);
        struct evaluation *value = mem_alloc(sizeof *value);
        int64_t trial = 0;
        int got = 0, idle = 0;
        while (got >= 0) {
#pragma omp critical(talk)
            got = next_task(v, &trial, x);
            if (got > 0) {
                idle = 0;
                v->evaluate(v->shop.evaluator, x, value);
#pragma omp critical(talk)
                answer(v, trial, value);
            } else if (got == 0) {
                rank_nap(idle++, NAP_S);
            }
        }
        mem_free(x);
        mem_free(value);
    }
    send_answers(v);
    for (int i = 0; i < POSTS; i++) {
        post_wait(&v->post[i]);
    }
}

/* ---- one study ---- */

static void first_error(const struct diags *d, struct err *err)
{
    for (int i = 0; i < d->n; i++) {
        if (d->list[i].level == DIAG_ERROR) {
            err_set(err, ERR_DATA, "%s", d->list[i].message);
            return;
        }
    }
}

#define OTHER_STUDY "it reads another study than rank 0: are the files that the study names the same there?"

/* The study, if this rank reads in it exactly what rank 0 did. */
static int read_study(struct serving *v, const struct hello *h, const char *texts, struct err *err)
{
    if (strcmp(h->version, dovetail_version()) != 0 || h->evaluation_bytes != sizeof(struct evaluation)) {
        return err_set(err, ERR_DATA, "it runs dovetail %s, rank 0 runs another build (%s)", dovetail_version(),
                       h->version);
    }
    char *name = mem_strndup(texts, h->name_len);
    struct diags d = DIAGS_INIT;
    v->study = study_parse(name, texts + h->name_len + h->cache_len, h->text_len, NULL, 0, &d);
    mem_free(name);
    if (v->study == NULL) {
        first_error(&d, err);
    } else if (!hash_equal(v->study->space_hash, h->space)) {
        err_set(err, ERR_DATA, OTHER_STUDY);
    }
    diags_release(&d);
    return err->code == ERR_NONE ? 0 : -1;
}

static int open_study(struct serving *v, struct err *err)
{
    struct hello h;
    memcpy(&h, v->heard.buf, sizeof h);
    const char *texts = v->heard.buf + sizeof h;
    if (read_study(v, &h, texts, err) < 0) {
        return -1;
    }
    char *cache = h.cache_len > 0 ? mem_strndup(texts + h.name_len, h.cache_len) : NULL;
    struct pool_request request = {.study = v->study, .threads = h.threads, .cache = cache};
    int bad = workshop_open(&v->shop, &request, err);
    mem_free(cache);
    if (!bad && v->study->evaluator != NULL) {
        const struct external_hello *says = external_says(evaluator_external(v->shop.evaluator));
        study_evaluator_is(v->study, says->name, says->version);
    }
    if (!bad && !hash_equal(v->study->model_hash, h.model)) {
        bad = err_set(err, ERR_DATA, OTHER_STUDY);
    }
    v->task_bytes = sizeof(int64_t) + (size_t)v->study->space.n * sizeof(double);
    int level;
    MPI_Query_thread(&level);
    if (!bad && v->shop.threads > 1 && level < MPI_THREAD_SERIALIZED) {
        v->shop.threads = 1;
    }
    return bad;
}

static void say_ready(const struct serving *v, const struct err *err)
{
    struct post p;
    post_init(&p);
    struct ready r = {.ok = err->code == ERR_NONE, .threads = v->shop.threads};
    int n;
    MPI_Get_processor_name(r.host, &n);
    strbuf_add(&p.text, &r, sizeof r);
    strbuf_add(&p.text, err->text, strlen(err->text) + 1);
    post_send(&p, 0, TAG_READY);
    post_wait(&p);
    post_release(&p);
}

static void say(struct serving *v, enum tag tag)
{
    post_wait(&v->word);
    post_tell(&v->word, 0, tag, 0);
}

/* v->heard is TAG_STUDY's message. */
static void serve_study(struct serving *v)
{
    struct err err = ERR_INIT;
    bool ok = open_study(v, &err) == 0;
    say_ready(v, &err);
    if (ok) {
        work(v);
    }
    struct err late = ERR_INIT; /* rank 0 says it of its own: a cache that fails costs time, nothing else */
    workshop_close(&v->shop, &late);
    study_free(v->study);
    say(v, TAG_STOPPED);
}

/* After BYE: do all ranks leave together? */
static bool hear_whole(struct serving *v)
{
    double end_s = MPI_Wtime() + LEAVE_S;
    enum tag tag;
    int32_t whole = 0;
    say(v, TAG_GONE);
    for (int idle = 0; MPI_Wtime() < end_s; idle++) {
        if (rank_hear(0, &v->heard, NULL, &tag) && tag == TAG_LEAVE) {
            memcpy(&whole, v->heard.buf, sizeof whole);
            break;
        }
        rank_nap(idle, NAP_S);
    }
    return whole != 0;
}

/* Serves study after study until BYE; 75 when rank 0 is dead. */
static int serve(struct serving *v, bool *whole)
{
    enum tag tag = TAG_STUDY;
    for (int idle = 0;; idle++) {
        if (!rank_hear(0, &v->heard, NULL, &tag)) {
            rank_nap(idle, NAP_S);
            if (is_alone(v)) {
                *whole = false;
                return ERR_RESUME;
            }
            continue;
        }
        v->heard_s = MPI_Wtime();
        if (tag == TAG_BYE) {
            int32_t status;
            memcpy(&status, v->heard.buf, sizeof status);
            *whole = hear_whole(v);
            return status;
        }
        if (tag == TAG_STUDY) {
            v->study = NULL;
            v->shop = (struct workshop){NULL, NULL, NULL, 0};
            v->stop = false;
            v->taken = v->queue.len;
            serve_study(v);
            idle = 0;
        }
    }
}

int rank_serve(void (*evaluate)(struct evaluator *e, const double *x, struct evaluation *out), bool *whole)
{
    struct serving v = {.evaluate = evaluate, .heard_s = MPI_Wtime()};
    post_init(&v.word);
    for (int i = 0; i < POSTS; i++) {
        post_init(&v.post[i]);
    }
    int status = serve(&v, whole);
    post_release(&v.word);
    for (int i = 0; i < POSTS; i++) {
        post_release(&v.post[i]);
    }
    strbuf_release(&v.queue);
    strbuf_release(&v.heard);
    return status;
}
