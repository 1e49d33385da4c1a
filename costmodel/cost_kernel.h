/* Many mappings a second: the numbers of cost_evaluate() for mappings that share one skeleton, that is the same loops in the same order, on
 * the same axes, with the same tensors kept, and differ in the loops' bounds (of which any may be 1). A search that walks through
 * tile sizes prepares a kernel for each order and hands it bounds by the thousand.
 *
 *     struct cost_kernel k;
 *     cost_kernel_init(&k, a, e, &skeleton, &err);
 *     cost_kernel_price(&k, n, bound, energy_pj, cycles);
 *
 * Eight mappings go through at once, in the widest vector registers that the machine has, without branches or divisions; the bits of the
 * results do not depend on the machine. */
#ifndef COSTMODEL_COST_KERNEL_H
#define COSTMODEL_COST_KERNEL_H

#include "costmodel/cost.h"

#define KERNEL_SLOTS 96
#define KERNEL_LANES 8

/* A way to store an element: whole words a access, and what it takes of ports and wires. */
struct kernel_width {
    double words;     /* accesses of an element; below 1: several lie in a word */
    double port_bits; /* of bandwidth that an element takes */
    double wire_bits;
};

struct kernel_port {
    struct kernel_width whole, partial; /* of an output as final or partial sum; equal for operands */
    bool two;                           /* they differ */
};

/* A tensor with ranks of two dimensions or more, such as rows + kernel rows. */
#define KERNEL_SLIDES 2
enum { SLIDE_NONE = -2, SLIDE_PLAIN = -1 };
struct kernel_slide {
    int n_ranks, rank[KERNEL_SLIDES]; /* those ranks */
    int of_slot[KERNEL_SLOTS];        /* the loop moves this one of those ranks, or SLIDE_PLAIN, or SLIDE_NONE */
    double coef[KERNEL_SLOTS];
};

struct cost_kernel {
    struct accelerator a; /* copies */
    struct einsum e;
    struct mapping skeleton;
    int output;  /* tensor */
    bool singly; /* zeros are known, or neighbours hand words on: priced by cost_evaluate() */
    int n_slots;
    struct {
        int level, dim;
        int column; /* of the bounds, in the skeleton's order */
        bool temporal;
        bool strided; /* its stride is asked for */
        enum axis axis;
        uint32_t moves;                                  /* bit t: the loop moves tensor t */
    } slot[KERNEL_SLOTS];                                /* innermost first */
    int first[HW_LEVELS + 1], first_temporal[HW_LEVELS]; /* slots of a level: spatial ones, temporal ones */
    struct kernel_slide slide[EINSUM_TENSORS];
    int input_slot[KERNEL_SLOTS];             /* slot of the i-th loop in the skeleton's order */
    int rank_of[EINSUM_TENSORS][EINSUM_DIMS]; /* of the tensor that the dimension stands in; -1 */
    double coef[EINSUM_TENSORS][EINSUM_DIMS];
    bool slides[EINSUM_TENSORS];              /* has a rank of two dimensions or more */
    bool spatial[HW_LEVELS];                  /* has spatial loops */
    bool wired[HW_LEVELS][EINSUM_TENSORS];    /* words of the tensor pay for the network below */
    bool diagonal[HW_LEVELS][EINSUM_TENSORS]; /* two of them are spatial in this level */
    struct kernel_port port[HW_LEVELS][EINSUM_TENSORS];
    double inv_read[HW_LEVELS], inv_write[HW_LEVELS], inv_shared[HW_LEVELS];
    double mac_pj, leak_pj_per_cycle;
};

/* Copies what it needs. ERR_DATA when operands are too wide for the MAC, the output has a rank that is no plain dimension, or a tensor
 * more than two of those. The skeleton's
 * bounds are not looked at. */
int cost_kernel_init(struct cost_kernel *k, const struct accelerator *a, const struct einsum *e,
                     const struct mapping *skeleton, struct err *err);
/* Prices n mappings: bound[s][i] is the bound of loop s in mapping i, whole numbers, where loops are counted as the skeleton lists them:
 * levels from 0, in each the temporal ones and then the spatial ones. All must be legal. Imperfect factors and machines that know zeros or links
 * fall back to cost_evaluate() (some microseconds each). Energy and cycles equal cost_evaluate()'s to rounding (1e-12). Allocates nothing;
 * -1 with cost_evaluate()'s error. */
int cost_kernel_price(const struct cost_kernel *k, int n, const double *const *bound, double *energy_pj, double *cycles,
                      struct err *err);

#endif
