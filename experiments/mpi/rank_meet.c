/* How rank 0 and the others begin and end: the study is shown and read, everybody goes home together. */
#include "base/mem.h"
#include "base/version.h"
#include "experiments/mpi/rank_peers.h"

#include <stdio.h>
#include <string.h>

static const double LEAVE_S = 2;

double ranks_patience(const struct ranks *p)
{
    const struct study_evaluator *e = p->study->evaluator;
    double external_s = e != NULL ? e->startup_s + e->timeout_s * (1 + e->retries) : 0;
    return p->patience_s + p->patience_times * (1e-6 * p->longest_us + external_s);
}

static void show_study(struct ranks *p, const struct pool_request *r)
{
    const struct study *s = r->study;
    const char *cache = r->cache != NULL ? r->cache : "";
    struct hello h = {.space = s->space_hash,
                      .model = s->model_hash,
                      .evaluation_bytes = sizeof(struct evaluation),
                      .threads = r->threads,
                      .name_len = (uint32_t)strlen(s->path),
                      .cache_len = (uint32_t)strlen(cache),
                      .text_len = (uint32_t)strlen(s->resolved)};
    snprintf(h.version, sizeof h.version, "%s", dovetail_version());
    for (int i = 0; i < p->n; i++) {
        struct post *post = &p->peer[i].post[0];
        strbuf_add(&post->text, &h, sizeof h);
        strbuf_adds(&post->text, s->path);
        strbuf_adds(&post->text, cache);
        strbuf_adds(&post->text, s->resolved);
        post_send(post, i + 1, TAG_STUDY);
    }
}

static void count_hosts(struct ranks *p)
{
    for (int i = 0; i < p->n; i++) {
        bool seen = false;
        for (int k = 0; k < i && !seen; k++) {
            seen = strcmp(p->peer[k].host, p->peer[i].host) == 0;
        }
        p->hosts += !seen;
    }
}

/* Waits for every rank's READY. */
static int hear_ready(struct ranks *p, struct err *err)
{
    double most = RANK_HOPE * ranks_patience(p), end_s = MPI_Wtime() + most;
    int waiting = p->n, rank;
    for (int idle = 0; waiting > 0; idle++) {
        enum tag tag;
        if (MPI_Wtime() > end_s) {
            return err_set(err, ERR_RESUME, "%d of %d ranks did not answer within %.0f s", waiting, p->n, most);
        }
        if (!rank_hear(MPI_ANY_SOURCE, &p->heard, &rank, &tag)) {
            rank_nap(idle, RANK_NAP_S);
            continue;
        }
        if (tag != TAG_READY) {
            continue;
        }
        struct ready ready;
        struct peer *r = &p->peer[rank - 1];
        memcpy(&ready, p->heard.buf, sizeof ready);
        memcpy(r->host, ready.host, sizeof r->host);
        if (!ready.ok) {
            err_set(err, ERR_DATA, "rank %d on %s cannot evaluate this study: %s", rank, r->host,
                    p->heard.buf + sizeof ready);
        }
        r->threads = ready.threads;
        waiting--;
    }
    return err->code == ERR_NONE ? 0 : -1;
}

int ranks_meet(struct ranks *p, const struct pool_request *r, struct err *err)
{
    show_study(p, r);
    if (hear_ready(p, err) < 0) {
        return -1;
    }
    count_hosts(p);
    return 0;
}

/* The same word for all the others. */
static void tell_all(struct post *word, int ranks, enum tag tag, int32_t value)
{
    for (int i = 1; i < ranks; i++) {
        post_tell(&word[i], i, tag, value);
    }
}

bool rank_pool_finish(int status)
{
    int ranks, gone = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    struct post *word = mem_calloc((size_t)ranks, sizeof *word);
    for (int i = 0; i < ranks; i++) {
        post_init(&word[i]);
    }
    tell_all(word, ranks, TAG_BYE, status);
    struct strbuf heard = STRBUF_INIT;
    double end_s = MPI_Wtime() + LEAVE_S;
    enum tag tag;
    for (int idle = 0; gone < ranks - 1 && MPI_Wtime() < end_s; idle++) {
        if (rank_hear(MPI_ANY_SOURCE, &heard, NULL, &tag)) {
            gone += tag == TAG_GONE;
            idle = 0;
        }
        rank_nap(idle, RANK_NAP_S);
    }
    bool whole = gone == ranks - 1;
    tell_all(word, ranks, TAG_LEAVE, whole);
    for (int i = 1; i < ranks && whole; i++) {
        post_wait(&word[i]);
        post_release(&word[i]);
    }
    strbuf_release(&heard);
    mem_free(word); /* what could not leave keeps its text: MPI_Abort() follows */
    return whole;
}
