/* Timeloop's rules for what a tile that moves must fetch, for cross-checks (Timeloop 4cf6d4c; found by comparison with its runs, see
 * docs/validation.md). Its tiles are the same boxes, but a tile keeps what it shares with the one before only if it moves along one
 * rank and by the same vector as the last time that it moved; any other move fetches all and forgets the vector. Perfect factors only.
 *
 * The remembered vector is the state of a small machine. One sweep of the loops 1..j (1 innermost) takes each state to another at some cost:
 *   sweep_j = sweep_{j-1}, then n_j - 1 times (tick j, sweep_{j-1}),
 * a composition that is taken to its power by squaring. Timeloop's default run saves that work in another way: it simulates the iterations
 * 0 and 1 of each loop only and counts the latter n_j - 1 times, so that outer loops see a tile that has moved on by one step instead
 * of n_j - 1. That is wrong when two loops move one rank; ACCOUNTING_TIMELOOP_DEFAULT does the same. */
#include "costmodel/count_nest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define STATES (HW_LEVELS * EINSUM_DIMS + 1)

struct sweep {
    int64_t words[STATES]; /* fetched when it starts in this state */
    int state[STATES];     /* in which it ends */
};

struct machine {
    int n_ticks, n_ranks, n_states;
    int64_t bound[STATES];
    int64_t move[STATES][EINSUM_RANKS];
    int state[STATES]; /* that stands for the move of this tick: equal moves are one state; 0: nothing remembered */
    int64_t extent[EINSUM_RANKS], volume;
};

static void add_move(struct machine *m, const struct nest *n, int tensor, int loop, int child, bool extrapolate)
{
    int k = m->n_ticks++;
    assert(k < STATES - 1);
    m->bound[k] = n->loop[loop].bound;
    memset(m->move[k], 0, sizeof m->move[k]);
    nest_move(n, tensor, loop, child, extrapolate, m->move[k]);
    m->state[k] = m->n_states;
    for (int i = 0; i < k; i++) {
        if (memcmp(m->move[i], m->move[k], sizeof m->move[k]) == 0) {
            m->state[k] = m->state[i];
        }
    }
    m->n_states += m->state[k] == m->n_states;
}

static struct sweep tick(const struct machine *m, int k)
{
    struct sweep s = {{0}, {0}};
    int moved = 0;
    int64_t shared = 1;
    for (int r = 0; r < m->n_ranks; r++) {
        int64_t keep = m->extent[r] - llabs(m->move[k][r]);
        moved += m->move[k][r] != 0;
        shared *= keep > 0 ? keep : 0;
    }
    for (int i = 0; i < m->n_states; i++) {
        if (moved == 0) {
            s.words[i] = 0;
            s.state[i] = i;
        } else if (moved == 1 && (i == 0 || i == m->state[k])) {
            s.words[i] = m->volume - shared;
            s.state[i] = m->state[k];
        } else {
            s.words[i] = m->volume;
            s.state[i] = 0;
        }
    }
    return s;
}

static struct sweep after(const struct machine *m, const struct sweep *a, const struct sweep *b)
{
    struct sweep s = {{0}, {0}};
    for (int i = 0; i < m->n_states; i++) {
        s.words[i] = a->words[i] + b->words[a->state[i]];
        s.state[i] = b->state[a->state[i]];
    }
    return s;
}

static struct sweep power(const struct machine *m, struct sweep s, int64_t n)
{
    struct sweep result = {{0}, {0}};
    for (int i = 0; i < m->n_states; i++) {
        result.words[i] = 0;
        result.state[i] = i;
    }
    for (; n > 0; n >>= 1) {
        if (n & 1) {
            result = after(m, &result, &s);
        }
        s = after(m, &s, &s);
    }
    return result;
}

int64_t nest_timeloop(const struct nest *n, int tensor, int child, bool extrapolate)
{
    struct machine m = {.n_states = 1};
    m.n_ranks = n->e->tensor[tensor].n_ranks;
    m.volume = 1;
    for (int r = 0; r < m.n_ranks; r++) {
        const struct einsum_rank *rank = &n->e->tensor[tensor].rank[r];
        m.extent[r] = 1;
        for (int i = 0; i < rank->n_terms; i++) {
            m.extent[r] += rank->term[i].coef * (n->extent[child + 1][rank->term[i].dim] - 1);
        }
        m.volume *= m.extent[r];
    }
    for (int i = n->above[child + 1] - 1; i >= 0; i--) {
        if (n->loop[i].temporal) {
            add_move(&m, n, tensor, i, child, extrapolate);
        }
    }
    struct sweep all = power(&m, (struct sweep){{0}, {0}}, 0);
    for (int k = 0; k < m.n_ticks; k++) {
        struct sweep t = tick(&m, k);
        struct sweep once = after(&m, &t, &all);
        if (extrapolate) {
            for (int i = 0; i < m.n_states; i++) {
                once.words[i] *= m.bound[k] - 1;
            }
        } else {
            once = power(&m, once, m.bound[k] - 1);
        }
        all = after(&m, &all, &once);
    }
    return m.volume + all.words[0];
}
