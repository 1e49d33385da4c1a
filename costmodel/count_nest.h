/* A mapping's loops in one list, and along one dimension the few kinds of tiles that its loops make: what the closed form of count_fetch.c
 * and count_diagonal.c is built from. Internal to costmodel. */
#ifndef COSTMODEL_COUNT_NEST_H
#define COSTMODEL_COUNT_NEST_H

#include "costmodel/mapping.h"

#define NEST_LOOPS (HW_LEVELS * 3 * EINSUM_DIMS)
#define NEST_DIM_LOOPS (HW_LEVELS * 3)
#define MAC_LEVEL (-1) /* the child of the innermost level */

struct nest_loop {
    int dim;
    int level;
    bool temporal;
    int64_t bound;  /* >= 2 */
    int64_t stride; /* product of the bounds of the loops of the same dimension inside */
};

struct nest {
    const struct einsum *e;
    int n_levels;
    int n_loops;
    struct nest_loop loop[NEST_LOOPS];                      /* outermost first, bounds of 1 left out */
    int n_of[EINSUM_DIMS], of[EINSUM_DIMS][NEST_DIM_LOOPS]; /* a dimension's loops, outermost first */
    uint32_t spatial[EINSUM_DIMS];                          /* bit l: a spatial loop over the dimension at level l */
    int above[HW_LEVELS + 1];                               /* [c + 1]: loops at levels above c (the first so many) */
    int64_t extent[HW_LEVELS + 1][EINSUM_DIMS]; /* [c + 1]: nominal extent of a tile of level c; 1 for the MAC */
    int64_t tiles[HW_LEVELS + 1][EINSUM_DIMS];  /* [c + 1]: of the whole dimension, the last one short */
    bool perfect;
};

/* Which spatial loops a question looks at; the others stay at their first iteration. */
struct nest_view {
    int child;  /* loops above this level */
    int merged; /* spatial loops at levels child+1..merged that do not move the tensor are one: multicast, reduction */
    int origin; /* spatial loops at levels above this one stay at 0; n_levels: all run */
    uint32_t relevant; /* bit d: dimension d moves the tensor */
};

/* Equal positions of one dimension's outer loops: `count` of them, where the tile at the first step of the inner temporal loops has
 * `first` elements along the dimension, and at their last one, `shift` further on, `last`. */
struct run {
    int64_t count, shift, first, last;
};

struct runs {
    int n;
    struct run run[NEST_DIM_LOOPS + 2];
};

void nest_init(struct nest *n, const struct einsum *e, const struct mapping *m);
static inline bool nest_runs_loop(const struct nest_view *v, const struct nest_loop *loop)
{
    return loop->temporal || (loop->level <= v->origin && (loop->level > v->merged || (v->relevant >> loop->dim & 1)));
}

/* Whether all of the dimension's loops above the child are outer ones that run: each of its tiles has one position. */
static inline bool nest_all_run(const struct nest *n, const struct nest_view *v, int dim, int cut)
{
    uint32_t above = n->spatial[dim] & ~0u << (v->child + 1), run = ~0u;
    if (!(v->relevant >> dim & 1)) {
        run &= ~0u << (v->merged + 1);
    }
    if (v->origin < n->n_levels) {
        run &= (1u << (v->origin + 1)) - 1;
    }
    return cut >= n->above[v->child + 1] && (above & ~run) == 0;
}

/* The positions of dimension `dim` when the temporal loops before loop[cut] are outer ones. O(loops). */
void nest_runs(const struct nest *n, const struct nest_view *v, int dim, int cut, struct runs *out);
int64_t runs_total(const struct runs *r);

/* Sums over the positions of the dimensions of one rank: extents of the new tiles, and of what the tiles before them held of those. */
struct nest_sum {
    int64_t fresh, kept;
};

/* Several children on a diagonal of one rank, imperfect factors: by enumeration, where a word that one of them lacks is fetched once for all
 * with the same place. tick: index of the temporal loop that has just moved on; TICK_FIRST: the first tiles; TICK_MAC: every step of the
 * MACs. ERR_DATA when the diagonal is too wide. */
#define TICK_FIRST (-1)
#define TICK_MAC (-2)
int nest_diagonal(const struct nest *n, const struct nest_view *v, int tensor, int rank, int tick, struct nest_sum *out,
                  struct err *err);

/* How far the tile of `child` moves along each rank of the tensor when loop[loop] ticks and the temporal loops inside it wrap, from their last
 * iteration, or from their second (Timeloop's extrapolation). */
void nest_move(const struct nest *n, int tensor, int loop, int child, bool extrapolate, int64_t move[EINSUM_RANKS]);

/* Words that one instance of `child` takes in by Timeloop's rules; perfect factors. O(ticks^2 * log bounds). */
int64_t nest_timeloop(const struct nest *n, int tensor, int child, bool extrapolate);

#endif
