/* Diagonals under imperfect factors. Children of one instance whose sums along a rank coincide (kernel row r and output row p with equal
 * p + r) work on words with the same start; the last ones may be shorter, may not work, or may hold another tile from the step before.
 * A word leaves once for all of them that lack it. This is rare and small, so the positions are enumerated: for each position of
 * the loops outside, the children in between are sorted by place, and in each place the intervals that they ask for united. */
#include "costmodel/count_nest.h"

#include <stdlib.h>
#include <string.h>

#define MEMBERS 4096

struct member {
    int64_t place;  /* children with equal places are served together */
    int64_t fresh;  /* extent of the new tile */
    int64_t lo, hi; /* of it held already, [lo, hi) */
};

struct digit {
    int term; /* of the rank */
    int64_t bound, stride;
    int64_t from;   /* 1 for the loop that ticks */
    int64_t weight; /* of an index in the place: stride * coef, spread so that levels do not mix */
};

struct walk {
    const struct einsum_rank *rank;
    int64_t bound[EINSUM_TERMS], tile[EINSUM_TERMS];
    int n_outer, n_between;
    struct digit outer[NEST_LOOPS], between[NEST_LOOPS];
    int n_inner;
    struct digit inner[NEST_LOOPS]; /* outermost first */
    int tick_term;                  /* -1: the loop that ticks is not of this rank */
    int64_t tick_move;
    bool first; /* the first tiles: nothing held */
};

static int walk_init(struct walk *w, const struct nest *n, const struct nest_view *v, int tensor, int rank, int tick)
{
    memset(w, 0, sizeof *w);
    w->rank = &n->e->tensor[tensor].rank[rank];
    w->tick_term = -1;
    w->first = tick < 0;
    int64_t spread = 1, span = 0;
    int level = n->n_levels;
    for (int k = 0; k < w->rank->n_terms; k++) {
        w->bound[k] = n->e->bound[w->rank->term[k].dim];
        w->tile[k] = n->extent[v->child + 1][w->rank->term[k].dim];
    }
    for (int i = 0; i < n->above[v->child + 1]; i++) {
        const struct nest_loop *loop = &n->loop[i];
        int k = 0;
        while (k < w->rank->n_terms && w->rank->term[k].dim != loop->dim) {
            k++;
        }
        if (k == w->rank->n_terms || !nest_runs_loop(v, loop)) {
            continue;
        }
        struct digit d = {k, loop->bound, loop->stride, 0, 0};
        if (!loop->temporal && loop->level <= v->merged) {
            if (loop->level != level) {
                level = loop->level;
                spread *= span + 1;
                span = 0;
            }
            int64_t step = loop->stride * w->rank->term[k].coef;
            span += step * (loop->bound - 1);
            d.weight = step * spread;
            w->between[w->n_between++] = d;
        } else if (!loop->temporal || tick == TICK_MAC || i < tick) {
            w->outer[w->n_outer++] = d;
        } else if (i == tick) {
            d.from = 1;
            w->tick_term = k;
            w->tick_move = loop->stride;
            w->outer[w->n_outer++] = d;
        } else {
            if (w->tick_term == k) {
                w->tick_move -= (loop->bound - 1) * loop->stride;
            }
            w->inner[w->n_inner++] = d;
        }
    }
    return spread > INT64_MAX / (span + 1) ? -1 : 0;
}

/* The child at position at[]: false when it does not work. */
static bool member_at(const struct walk *w, const int64_t *at, struct member *out)
{
    int64_t left[EINSUM_TERMS], fresh = 1, last = 1, back = 0;
    for (int k = 0; k < w->rank->n_terms; k++) {
        left[k] = w->bound[k] - at[k];
        if (left[k] <= 0) {
            return false;
        }
    }
    for (int k = 0; k < w->rank->n_terms; k++) {
        int64_t coef = w->rank->term[k].coef, tile = w->tile[k];
        fresh += coef * ((left[k] < tile ? left[k] : tile) - 1);
        if (k == w->tick_term) {
            back -= coef * w->tick_move;
            last += coef * (tile - 1);
            continue;
        }
        int64_t rest = left[k], run = 0;
        for (int i = 0; i < w->n_inner; i++) {
            const struct digit *d = &w->inner[i];
            if (d->term == k) {
                int64_t most = (rest - 1) / d->stride;
                most = most < d->bound ? most : d->bound - 1;
                rest -= most * d->stride;
                run += most * d->stride;
            }
        }
        back += coef * run;
        last += coef * ((rest < tile ? rest : tile) - 1);
    }
    out->fresh = fresh;
    out->lo = back > 0 ? back : 0;
    out->hi = back + last < fresh ? back + last : fresh;
    if (w->first || out->hi <= out->lo) {
        out->lo = out->hi = 0;
    }
    return true;
}

/* Steps the index of a group of digits and the positions with it; false when it wraps. */
static bool step(const struct digit *digit, int n, int64_t *index, int64_t *at, int64_t *place)
{
    for (int i = n - 1; i >= 0; i--) {
        const struct digit *d = &digit[i];
        at[d->term] += d->stride;
        *place += d->weight;
        if (++index[i] < d->bound) {
            return true;
        }
        at[d->term] -= (d->bound - d->from) * d->stride;
        *place -= (d->bound - d->from) * d->weight;
        index[i] = d->from;
    }
    return false;
}

static int by_place(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    return x->place != y->place   ? (x->place < y->place ? -1 : 1)
           : x->fresh != y->fresh ? (x->fresh < y->fresh ? -1 : 1)
           : x->lo != y->lo       ? (x->lo < y->lo ? -1 : 1)
                                  : (x->hi > y->hi) - (x->hi < y->hi);
}

/* Words that members of one place, all starting at 0, lack: a word counts when one of them works on it and does not hold it. */
static int64_t asked(const struct member *m, int n, int64_t fresh)
{
    int64_t words = 0, x = 0;
    while (x < fresh) {
        int64_t next = fresh; /* the next place where any interval starts or ends */
        bool wanted = false;
        for (int i = 0; i < n; i++) {
            const int64_t ends[3] = {m[i].fresh, m[i].lo, m[i].hi};
            for (int k = 0; k < 3; k++) {
                next = ends[k] > x && ends[k] < next ? ends[k] : next;
            }
            wanted = wanted || (x < m[i].fresh && !(x >= m[i].lo && x < m[i].hi));
        }
        words += wanted ? next - x : 0;
        x = next;
    }
    return words;
}

static void add_places(struct member *m, int n, struct nest_sum *out)
{
    qsort(m, (size_t)n, sizeof *m, by_place);
    for (int i = 0; i < n;) {
        int j = i;
        int64_t fresh = 0;
        for (; j < n && m[j].place == m[i].place; j++) {
            fresh = m[j].fresh > fresh ? m[j].fresh : fresh;
        }
        out->fresh += fresh;
        out->kept += fresh - asked(m + i, j - i, fresh);
        i = j;
    }
}

int nest_diagonal(const struct nest *n, const struct nest_view *v, int tensor, int rank, int tick, struct nest_sum *out,
                  struct err *err)
{
    struct walk w;
    struct member member[MEMBERS];
    int64_t outer[NEST_LOOPS] = {0}, between[NEST_LOOPS] = {0};
    int64_t at[EINSUM_TERMS] = {0}, place = 0, unused = 0;
    *out = (struct nest_sum){0, 0};
    int rc = walk_init(&w, n, v, tensor, rank, tick);
    for (int i = 0; i < w.n_outer; i++) {
        outer[i] = w.outer[i].from;
        at[w.outer[i].term] += w.outer[i].from * w.outer[i].stride;
    }
    do {
        int members = 0;
        do {
            struct member m = {.place = place};
            if (!member_at(&w, at, &m)) {
                continue;
            }
            if (members == MEMBERS || rc != 0) {
                return err_set(err, ERR_DATA, "more than %d children share '%s' diagonally", MEMBERS,
                               n->e->tensor[tensor].name);
            }
            member[members++] = m;
        } while (step(w.between, w.n_between, between, at, &place));
        add_places(member, members, out);
    } while (step(w.outer, w.n_outer, outer, at, &unused));
    return 0;
}
