/* The tiles that one level may hold: temporal iterations inside the level, per dimension a
 * divisor of all of them; and the memory of the search. Internal to the mapper. */
#ifndef COSTMODEL_MAPPER_LATTICE_H
#define COSTMODEL_MAPPER_LATTICE_H

#include "costmodel/mapper_order.h"

#include <stddef.h>

enum {
    MP_DIVISORS = 128,
    MP_FAST_NODES = 768,
    MP_COVERS = 32,
    MP_INNER_NODES = 1 << 16,
    MP_STATES = 128,
    MP_SLIDE = 256
};

struct mp_node {
    double bound_pj;     /* least energy of this level's transfers */
    uint32_t fits;       /* covers (one prime more) that fit as well */
    bool grown;          /* fits is known */
    uint8_t at[MP_DIMS]; /* index in the dimension's divisors */
};

struct mp_key {
    double pj;
    int i;
};

struct mp_level_nodes { /* a heap gives the nodes in the order of their bounds, as they are asked for */
    struct mp_node *node;
    struct mp_key *heap;
    int *sorted;
    int n_heap, n_sorted, cap;
};

/* Tables of mapper_inner.c: energies (pJ) and cycles of one or two ports at every node of the lattice, n numbers a slot. */
struct mp_state {
    uint8_t from[MP_TENSORS]; /* innermost keeper of which the tensor is open; HW_LEVELS: closed */
    uint8_t sealed;           /* 1: the last keeper of the output took in finished sums only */
    int slot;
};

struct mp_states {
    struct mp_state state[MP_STATES];
    int n;
};

enum { MP_PORTS = 2, MP_MEASURES = 1 + MP_PORTS }; /* energy, cycles of each port */
enum { MP_TABLES = 1 + 2 * MP_PORTS };             /* energy; for each port: its cycles, energy and cycles weighed */

/* What is minimised: a weighed sum of measures. */
struct mp_table {
    double weight[MP_MEASURES];
    struct mp_states states[HW_LEVELS + 1]; /* at a level, before its own tensors open */
    int key[HW_LEVELS];                     /* slot: least of levels 0 .. l with this tile at l */
};

enum mp_fit { MP_NO_FIT, MP_FITS_SEALED, MP_FITS }; /* a tile fits: not; if no partial sums arrive; anyway */

struct mp_inner {
    double *pool;
    size_t cap;
    int n, n_slots, n_tables;
    bool overflow; /* more states than there is room for: the tables are not complete */
    bool dead;     /* the inner levels alone cost too much: the tables are not complete */
    int stride[MP_DIMS];
    struct mp_table table[MP_TABLES];
    int untimed_slots;                   /* those that do not depend on the port */
    int words[2][HW_LEVELS][MP_TENSORS]; /* slot: words of moved and stays */
    /* slots of the transfers of a tensor into a level: when the loop right above moves it, and when as many as may stand there do not */
    int moved[MP_MEASURES][HW_LEVELS][MP_TENSORS], stays[MP_MEASURES][HW_LEVELS][MP_TENSORS];
    double slide[MP_TENSORS][EINSUM_RANKS][2][MP_SLIDE]; /* of chain_slide() */
    bool slides[MP_TENSORS][EINSUM_RANKS];
    uint8_t *fits[HW_LEVELS]; /* by node; enum mp_fit; of the outermost level: a reduction loop is left outside */
    int fits_cap[HW_LEVELS];
};

struct mapper_work {
    int64_t rest[MP_DIMS]; /* what the tables are made for */
    bool thinned;
    int n_div[MP_DIMS];
    int64_t div[MP_DIMS][MP_DIVISORS];
    int32_t times[MP_DIMS][MP_DIVISORS][MP_DIVISORS]; /* div[j] / div[i]; 0: not whole */
    double loops[MP_DIMS][MP_DIVISORS];               /* rest / div */
    int n_covers;
    struct {
        int dim;
        int64_t prime;
    } cover[MP_COVERS];
    int8_t cover_at[MP_COVERS][MP_DIVISORS]; /* index of div * prime; -1 */
    struct mp_level_nodes level[HW_LEVELS];
    struct mp_labels labels;
    struct mp_inner inner;
};

/* Divisor tables for iterations rest[nd]. `exact`: all divisors; else as many as make a
 * lattice of at most MP_FAST_NODES nodes. False when a dimension has too many divisors. */
bool mp_lattice_init(struct mapper_work *w, int nd, const int64_t *rest, bool exact);

/* Moves the next node by its bound from the heap to the sorted ones; false: none is left. */
bool mp_pop_node(struct mp_level_nodes *v);
/* The k-th node of a level by its bound, or NULL. */
static inline struct mp_node *mp_nth_node(struct mapper_work *w, int l, int k)
{
    struct mp_level_nodes *v = &w->level[l];
    while (v->n_sorted <= k) {
        if (!mp_pop_node(v)) {
            return NULL;
        }
    }
    return &v->node[v->sorted[k]];
}
/* Room for one more node at level l. */
void mp_level_reserve(struct mapper_work *w, int l, int n);
/* Makes a heap of the n nodes of level l. */
void mp_level_heap(struct mapper_work *w, int l, int n);

#endif
