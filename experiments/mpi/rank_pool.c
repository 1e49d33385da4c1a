/* Rank 0's side: gives points to the ranks, takes their answers.
 *
 * Each rank has some points more than it has threads, so that it starts the next one without a round trip: one more where an evaluation takes
 * long against a message, up to AHEAD_MAX where it is short (AHEAD_S of work). A point goes to the rank that has the least to do. What is
 * given to whom never shows in a result.
 *
 * A rank that is silent over its work for longer than the patience is lost: its points are given to others. It is not asked again until it
 * is heard; its answer is taken when it comes before the others'. */
#include "experiments/mpi/rank_pool.h"

#include "base/mem.h"
#include "experiments/mpi/rank_peers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double AHEAD_S = 1e-3, STOP_S = 0.5, PATIENCE_S = 60, PATIENCE_TIMES = 3, PING_S = 30, LOOK_S = 0.1;
enum { AHEAD_MAX = 64, ROOM_MIN = 256, ROOM_MAX = 1 << 14, ROOM_PER_WORKER = 16 };

/* ---- giving ---- */

/* Points that a thread should have, its present one among them. */
static int ahead(const struct ranks *p)
{
    double n = p->mean_us > 0 ? 1 + ceil(1e6 * AHEAD_S / p->mean_us) : 2;
    return n < AHEAD_MAX ? (int)n : AHEAD_MAX;
}

static bool can_take(const struct ranks *p, const struct peer *r)
{
    return !r->lost && r->jammed != p->round && r->n_given < ahead(p) * r->threads;
}

/* The rank with the least to do for each of its threads; NULL: all have enough. O(ranks). */
static struct peer *idlest(const struct ranks *p)
{
    struct peer *best = NULL;
    for (int i = 0; i < p->n; i++) {
        struct peer *r = &p->peer[i];
        if (can_take(p, r) && (best == NULL || r->n_given * best->threads < best->n_given * r->threads)) {
            best = r;
        }
    }
    return best;
}

static bool is_open(const struct pool_window *w, int64_t trial)
{
    return trial >= w->begin && trial < w->end && !w->have[trial % w->room];
}

/* The next trial to give: first those of lost ranks. -1: there is none. */
static int64_t next_trial(struct ranks *p, const struct pool_window *w)
{
    while (p->n_again > 0) {
        int64_t trial = p->again[p->n_again - 1];
        if (is_open(w, trial)) {
            return trial;
        }
        p->n_again--;
    }
    p->next = p->next < w->begin ? w->begin : p->next;
    while (p->next < w->end && !is_open(w, p->next)) {
        p->next++;
    }
    return p->next < w->end ? p->next : -1;
}

static void take_trial(struct ranks *p)
{
    if (p->n_again > 0) {
        p->n_again--;
    } else {
        p->next++;
    }
}

/* A message to write into, if there is one that has left. */
static bool open_post(struct peer *r)
{
    for (int k = 0; k < RANK_POSTS && r->filling < 0; k++) {
        if (post_idle(&r->post[k])) {
            strbuf_reset(&r->post[k].text);
            r->filling = k;
        }
    }
    return r->filling >= 0;
}

static void send_tasks(struct ranks *p, struct peer *r)
{
    if (r->filling >= 0) {
        post_send(&r->post[r->filling], (int)(r - p->peer) + 1, TAG_TASKS);
        r->filling = -1;
    }
}

static void give_one(struct ranks *p, const struct pool_window *w, struct peer *r, int64_t trial)
{
    struct strbuf *text = &r->post[r->filling].text;
    size_t bytes = (size_t)w->dims * sizeof *w->x;
    if (r->n_given == 0) {
        r->heard_s = MPI_Wtime();
    }
    if (text->len == 0) {
        p->touched[p->n_touched++] = r;
    }
    strbuf_add(text, &trial, sizeof trial);
    strbuf_add(text, w->x + trial % w->room * w->dims, bytes);
    r->given[r->n_given++] = trial;
    if (text->len + sizeof trial + bytes > RANK_EAGER_BYTES) {
        send_tasks(p, r);
    }
}

/* O(ranks) a trial. */
static void give(struct ranks *p, const struct pool_window *w)
{
    p->round++;
    for (int64_t trial = next_trial(p, w); trial >= 0; trial = next_trial(p, w)) {
        struct peer *r = idlest(p);
        if (r == NULL) {
            break;
        }
        if (p->n_touched < RANK_MOST_TOUCHED && open_post(r)) {
            give_one(p, w, r, trial);
            take_trial(p);
        } else {
            r->jammed = p->round;
        }
    }
    for (; p->n_touched > 0; p->n_touched--) {
        send_tasks(p, p->touched[p->n_touched - 1]);
    }
}

/* ---- taking ---- */

static void forget(struct peer *r, int64_t trial)
{
    for (int i = 0; i < r->n_given; i++) {
        if (r->given[i] == trial) {
            r->given[i] = r->given[--r->n_given];
            return;
        }
    }
}

static void take_results(struct ranks *p, struct pool_window *w, struct peer *r)
{
    const char *at = p->heard.buf, *end = at + p->heard.len;
    memcpy(&r->totals, at, sizeof r->totals);
    for (at += sizeof r->totals; at < end;) {
        struct result head;
        memcpy(&head, at, sizeof head);
        at += sizeof head;
        double us;
        memcpy(&us, at + offsetof(struct evaluation, us), sizeof us);
        p->sum_us += us;
        p->mean_us += (us - p->mean_us) / (p->mean_us > 0 ? 16 : 1);
        p->longest_us = fmax(p->longest_us, us);
        forget(r, head.trial);
        if (is_open(w, head.trial)) {
            memcpy(&w->value[head.trial % w->room], at, head.bytes);
            w->have[head.trial % w->room] = true;
        }
        at += head.bytes;
    }
}

/* All that has arrived. Returns how many messages. */
static int listen(struct ranks *p, struct pool_window *w)
{
    int n = 0, rank;
    enum tag tag;
    for (; rank_hear(MPI_ANY_SOURCE, &p->heard, &rank, &tag); n++) {
        struct peer *r = &p->peer[rank - 1];
        r->heard_s = MPI_Wtime();
        r->lost = false;
        if (tag == TAG_RESULTS && w != NULL) {
            take_results(p, w, r);
        } else if (tag == TAG_STOPPED) {
            r->stopped = true;
        }
    }
    return n;
}

/* Ranks that have been silent for too long. Returns how many are left; when none is, one while there is hope that they were only slow. */
static int lose(struct ranks *p)
{
    double now = MPI_Wtime(), most = ranks_patience(p), heard_s = 0;
    int left = 0;
    for (int i = 0; i < p->n; i++) {
        struct peer *r = &p->peer[i];
        if (!r->lost && r->n_given > 0 && now - r->heard_s > most) {
            r->lost = true;
            for (; r->n_given > 0; r->n_given--) {
                MEM_GROW(p->again, p->n_again, p->cap_again);
                p->again[p->n_again++] = r->given[r->n_given - 1];
            }
        }
        left += !r->lost;
        heard_s = fmax(heard_s, r->heard_s);
    }
    return left == 0 && now - heard_s < RANK_HOPE * most ? 1 : left;
}

/* ---- stopping ---- */

static bool all_stopped(const struct ranks *p)
{
    for (int i = 0; i < p->n; i++) {
        if (!p->peer[i].stopped && !p->peer[i].lost) {
            return false;
        }
    }
    return true;
}

/* What is being evaluated comes in, for a short while; w may be NULL. */
static void stop_ranks(struct ranks *p, struct pool_window *w)
{
    if (!p->stopping) {
        for (int i = 0; i < p->n; i++) {
            post_tell(&p->peer[i].word[1], i + 1, TAG_STOP, 0);
        }
    }
    p->stopping = true;
    double end_s = MPI_Wtime() + STOP_S;
    for (int idle = 0; !all_stopped(p) && MPI_Wtime() < end_s;) {
        idle = listen(p, w) > 0 ? 0 : idle + 1;
        if (idle > 0) {
            rank_nap(idle, RANK_NAP_S);
        }
    }
}

/* Ten times a second: who is lost? And now and then a rank that has nothing to do hears that rank 0 lives. Returns how many ranks are left. */
static int look_after(struct ranks *p)
{
    double now = MPI_Wtime();
    if (now - p->looked_s < LOOK_S) {
        return p->n;
    }
    p->looked_s = now;
    for (int i = 0; i < p->n && now - p->pinged_s > PING_S; i++) {
        if (!p->peer[i].lost) {
            post_tell(&p->peer[i].word[0], i + 1, TAG_PING, 0);
        }
    }
    p->pinged_s = now - p->pinged_s > PING_S ? now : p->pinged_s;
    return lose(p);
}

/* ---- the pool ---- */

static int work(struct pool *pool, struct pool_window *w, struct err *err)
{
    struct ranks *p = (struct ranks *)pool;
    for (int idle = 0;; idle++) {
        if (listen(p, w) > 0) {
            idle = 0;
        }
        if (p->stopping || w->stop(w->ctx)) {
            stop_ranks(p, w);
            return 0;
        }
        give(p, w);
        if (w->have[w->begin % w->room]) {
            return 0;
        }
        if (look_after(p) == 0) {
            return err_set(err, ERR_RESUME,
                           "none of %d ranks has answered for %.0f s; what was counted is stored: resume the study",
                           p->n, RANK_HOPE * ranks_patience(p));
        }
        rank_nap(idle, RANK_NAP_S);
    }
}

static void stats(const struct pool *pool, struct pool_stats *out)
{
    const struct ranks *p = (const struct ranks *)pool;
    double all_us = 1e6 * (MPI_Wtime() - p->start_s) * p->workers;
    *out = (struct pool_stats){
        .workers = p->workers, .ranks = p->n, .hosts = p->hosts, .busy = all_us > 0 ? p->sum_us / all_us : (double)NAN};
    for (int i = 0; i < p->n; i++) {
        out->cached += p->peer[i].totals.cached;
        out->memo_hits += p->peer[i].totals.memo_hits;
        out->memo_misses += p->peer[i].totals.memo_misses;
    }
}

static int free_ranks(struct pool *pool, struct err *err)
{
    struct ranks *p = (struct ranks *)pool;
    stop_ranks(p, NULL);
    for (int i = 0; i < p->n; i++) {
        mem_free(p->peer[i].given);
        for (int k = 0; k < RANK_POSTS; k++) {
            post_release(&p->peer[i].post[k]);
        }
        post_release(&p->peer[i].word[0]);
        post_release(&p->peer[i].word[1]);
    }
    int bad = workshop_close(&p->shop, err);
    strbuf_release(&p->heard);
    mem_free(p->again);
    mem_free(p->peer);
    mem_free(p);
    return bad;
}

static const struct pool_ops ops = {work, stats, free_ranks};

void rank_pool_set_patience(struct pool *pool, double fixed_s, double times)
{
    struct ranks *p = (struct ranks *)pool;
    p->patience_s = fixed_s;
    p->patience_times = times;
}

struct pool *rank_pool_new(const struct pool_request *r, struct err *err)
{
    struct ranks *p = mem_calloc(1, sizeof *p);
    int ranks;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    p->pool.ops = &ops;
    p->study = r->study;
    p->n = ranks - 1;
    p->peer = mem_calloc((size_t)p->n, sizeof *p->peer);
    rank_pool_set_patience(&p->pool, PATIENCE_S, PATIENCE_TIMES);
    for (int i = 0; i < p->n; i++) {
        p->peer[i].filling = -1;
        for (int k = 0; k < RANK_POSTS; k++) {
            post_init(&p->peer[i].post[k]);
        }
        post_init(&p->peer[i].word[0]);
        post_init(&p->peer[i].word[1]);
    }
    struct err why = ERR_INIT;
    if (ranks_meet(p, r, &why) < 0 || workshop_open(&p->shop, r, &why) < 0) {
        free_ranks(&p->pool, &(struct err)ERR_INIT);
        err_set(err, why.code, "%s", why.text);
        return NULL;
    }
    for (int i = 0; i < p->n; i++) {
        struct peer *peer = &p->peer[i];
        p->workers += peer->threads;
        peer->given = mem_calloc((size_t)(AHEAD_MAX * peer->threads), sizeof *peer->given);
    }
    int64_t room = (int64_t)ROOM_PER_WORKER * p->workers;
    p->pool.evaluator = p->shop.evaluator;
    p->pool.room = room < ROOM_MIN ? ROOM_MIN : room > ROOM_MAX ? ROOM_MAX : room;
    p->start_s = MPI_Wtime();
    return &p->pool;
}
