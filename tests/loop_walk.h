/* The truth for small operators: walks the loop nest of a mapping step by step, keeps for every instance of every level the set of words
 * that it holds, and counts each word that moves. Knows no formula; shares no code with the closed form. */
#ifndef TESTS_WALK_H
#define TESTS_WALK_H

#include "costmodel/count.h"

#define WALK_WORDS 2048    /* most elements of a tensor */
#define WALK_INSTANCES 256 /* most instances of a level, and MACs */

/* What becomes of the output's sums at a level. A sum that comes from inside, or leaves for the outer side, is done when by then every product of
 * its word has been added to it: the walk counts them, MAC by MAC. */
struct walk_sum {
    int64_t came, came_done; /* over the network below the level, kept there or not */
    int64_t left, left_done; /* drains; the outermost level has none */
    int64_t words;           /* different ones that came, of each instance */
};

struct walk_sums {
    struct walk_sum all[HW_LEVELS], origin[HW_LEVELS]; /* over all instances; of the first one */
};

/* Fills totals over all instances and the counts of the first instance of each level (`adds` and `forwards` of the latter are 0; tiles are not
 * filled in either, and of finished sums `sums` tells, which may be NULL). Bit l of `links`: operands are handed on between the children of level l
 * (count_forward.h). Returns 0, or -1 when the operator is too large. */
int walk(const struct einsum *e, const struct mapping *m, uint32_t links, struct counts *all, struct counts *origin,
         struct walk_sums *sums);

#endif
