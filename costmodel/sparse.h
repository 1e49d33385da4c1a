/* Zeros as expected values, in the words of Sparseloop (Wu, Tsai, Parashar, Sze, Emer, "Sparseloop: an analytical approach to sparse tensor
 * accelerator modeling", MICRO 2022): each element of a tensor is zero with probability 1 - density, independently of the others. What is
 * stored shrinks by the level's format, what moves by its gating and skipping, and so do the MACs. docs/model.md has the equations,
 * tests/test_sparse.c a walk over random zeros that they are the mean of. */
#ifndef COSTMODEL_SPARSE_H
#define COSTMODEL_SPARSE_H

#include "costmodel/mapping.h"

/* What one element of a tensor takes at a level, as expected; linear in the number of elements. */
struct sparse_element {
    double entries;   /* stored for it: below 1 where zeros are left out; run lengths may add some */
    double meta_bits; /* that say where they belong */
    double words;     /* physical words of an access */
    double port_bits; /* of a port's bandwidth */
    double wire_bits; /* of the network below */
    double hold_bits; /* of capacity */
};

/* False, and out is not set, when the level stores the tensor as it is: without a format, or as it has no zeros. Partial sums have none:
 * not to be asked of them. `bits`: of one element. */
bool sparse_element(const struct level *level, const struct einsum *e, int tensor, int bits,
                    struct sparse_element *out);

/* Shares of what a dense machine does, 0..1. */
struct sparse_share {
    double energy; /* of accesses that take place */
    double time;   /* of accesses whose time is not saved */
};
/* Of MACs. */
struct sparse_share sparse_macs(const struct accelerator *a, const struct einsum *e);
/* Of the words of tensor t that pass between `level`, which keeps it, and the next keeper inside (or the MACs). A word passes unless all
 * elements of an operand that it would meet while it stays inside are zero: for the MACs one (and those of its copies side by side), for a
 * tile the box of the loops that run while it stays. O(loops * operands). */
struct sparse_share sparse_passing(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                                   int level, int tensor);
/* The least that sparse_passing() gives for any mapping. */
struct sparse_share sparse_passing_least(const struct accelerator *a, const struct einsum *e, int level, int tensor);
/* Whether sparse_passing() hangs on nothing but the spatial loops and what is kept: only words on their way to MACs wait. */
bool sparse_passing_fixed(const struct accelerator *a, const struct einsum *e);
/* Whether the accelerator makes anything of the operator's zeros. False: all above are those of a dense machine. */
bool sparse_any(const struct accelerator *a, const struct einsum *e);

#endif
