/* The best orders of the loops of one level. When loop j of level u ticks, all loops inside
 * it wrap: those of inner levels, whatever their order, and those of its own level that
 * stand inside. So what a tick fetches depends on the SET of loops inside, not on their
 * order, and the words that level u's loops cause are a sum over its loops, each term known
 * from the set inside: orders of different levels do not interact, and within a level the
 * best order is found over subsets, 2^m m steps instead of m! (Held and Karp, 1962).
 * Internal to the mapper. */
#ifndef COSTMODEL_MAPPER_ORDER_H
#define COSTMODEL_MAPPER_ORDER_H

#include "costmodel/mapper_search.h"

struct mp_loops { /* temporal loops of one level with more than one iteration */
    int m;
    int dim[MP_DIMS];
    double n[MP_DIMS];
    double step[MP_DIMS]; /* positions that one iteration moves on */
    double all;           /* product of n */
};

/* One tensor at one keeper, seen from the loops of one level above it. */
struct mp_tick {
    double weight;
    double volume;   /* of the tile */
    uint32_t moves;  /* loops that move a rank of one term */
    uint32_t slides; /* loops that move a rank of several terms */
    bool closed;     /* inner levels move a rank of one term */
    int n_slide;     /* ranks of several terms */
    double extent[EINSUM_RANKS];
    double start[EINSUM_RANKS];         /* inner levels wrap back by so much, as a negative number */
    double step[EINSUM_RANKS][MP_DIMS]; /* loop j moves the rank on by so much */
    double back[EINSUM_RANKS][MP_DIMS]; /* and wraps back by so much */
};

/* `extent`: of the keeper's tile, per dimension; `wrap`: positions that the temporal loops
 * between keeper and level run. */
void mp_tick_init(struct mp_tick *k, const struct mp_tensor *t, const struct mp_loops *l, const double *extent,
                  const double *wrap);

/* Least sum over ticks of weight * new words, over all orders in which the loops of
 * `inner_first` (bits) stand inside all others. */
double mp_order_min(const struct mp_loops *l, const struct mp_tick *ticks, int n_ticks, uint32_t inner_first);

#define MP_PAIRS (HW_LEVELS * MP_TENSORS)
struct mp_label { /* an order, and the new words of each tick without weight */
    double words[MP_PAIRS];
    uint8_t order[MP_DIMS]; /* innermost first */
    int next;               /* in its list, -1 ends */
};

struct mp_labels {
    struct mp_label *label;
    int n, cap;
    int head[1 << MP_DIMS];
};

/* All orders that are not dominated in the words of every tick, or simply all; returns the head of a list
 * in `out`. */
int mp_order_pareto(const struct mp_loops *l, const struct mp_tick *ticks, int n_ticks, uint32_t inner_first, bool all,
                    struct mp_labels *out);

#endif
