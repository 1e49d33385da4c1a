/* How many words a mapping moves, exactly, by a closed form: equal to a walk of the loop nest (tests/loop_walk.h is that walk), perfect
 * factors or not.
 *
 * What is counted. An instance of a level holds of each tensor that the level keeps exactly its current tile, the box that the loops
 * inside span; while the loops outside move on, words that the old and the new tile share stay. An instance without work at a
 * step (the last iteration of an imperfect factor leaves it out) keeps what it has. Words that several children of one instance ask
 * for in the same step, because the spatial loops between them do not move the tensor or move it to the same place, leave once
 * (multicast); for the output the same words are summed on their way (spatial reduction). The first update of a word at an instance
 * needs no read, and the first visit of a tile of the output needs no fill.
 *
 * All counts are elements, summed over all instances of the level. */
#ifndef COSTMODEL_COUNT_H
#define COSTMODEL_COUNT_H

#include "costmodel/mapping.h"

struct tensor_count {
    int64_t tile;    /* elements of the largest tile of one instance; 0 when the level does not keep the tensor */
    int64_t reads;   /* towards the inner side: operands; output: sums read to be added to, here or further inside */
    int64_t fills;   /* writes that come from the outer side */
    int64_t updates; /* output: writes that come from the inner side */
    int64_t drains;  /* output: reads of sums that leave for the outer side; 0 by Timeloop's rules */
    int64_t
        finished; /* output: of the updates, of the drains, and of the words up on the network below: sums that are complete */
    int64_t forwards; /* operands: reads for a neighbour (count_forward.h); totals over all instances only */
    int64_t
        words; /* on the network below the level, whether it keeps the tensor or not: down, and for the output up and down */
    int64_t adds; /* output: additions in that network */
};

struct level_count {
    int64_t instances; /* that ever work */
    struct tensor_count tensor[EINSUM_TENSORS];
};

struct counts {
    int64_t macs;
    int64_t compute_cycles; /* steps in lock step: the busiest spatial instance sets the pace */
    bool perfect;           /* the loops' bounds multiply to the operator's bounds */
    bool even; /* do at least those of the dimensions that are spatial: all instances of a level do the same */
    struct level_count level[HW_LEVELS];
};

enum accounting {
    ACCOUNTING_EXACT, /* default: all overlap is kept, sums read for the outer side are billed */
    ACCOUNTING_TIMELOOP, /* Timeloop's rules: a tile keeps overlap only along a repeated move; those reads are not billed */
    ACCOUNTING_TIMELOOP_DEFAULT, /* the same with its extrapolation from the first two iterations of a loop, its default */
    ACCOUNTING_COUNT
};
extern const char *const accounting_names[]; /* "exact", "timeloop", "timeloop_default", NULL */

enum count_scope {
    COUNT_ALL,   /* totals over all instances */
    COUNT_ORIGIN /* the instance of each level that stands first along every spatial loop: the busiest one */
};

/* The mapping's loops must be legal (mapping_check()). Timeloop's rules hold for perfect factors, others are counted exactly. ERR_DATA when a count may leave int64, when the output has a rank that is not one
 * plain dimension, or when more than 4096 children share one operand diagonally under imperfect factors. Allocates nothing.
 * O(levels * tensors * loops * ranks) for perfect factors. */
int count_words(const struct einsum *e, const struct mapping *m, enum count_scope scope, enum accounting accounting,
                struct counts *out, struct err *err);

#endif
