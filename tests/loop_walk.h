/* The truth for small operators: walks the loop nest of a mapping step by step, keeps for every instance of every level the set of words
 * that it holds, and counts each word that moves. Knows no formula; shares no code with the closed form. */
#ifndef TESTS_WALK_H
#define TESTS_WALK_H

#include "costmodel/count.h"

#define WALK_WORDS 2048    /* most elements of a tensor */
#define WALK_INSTANCES 256 /* most instances of a level, and MACs */

/* Fills totals over all instances and the counts of the first instance of each level (`adds` and `forwards` of the latter are 0; tiles are not
 * filled in either). Bit l of `links`: operands are handed on between the children of level l (count_forward.h). Returns 0, or -1 when the
 * operator is too large. */
int walk(const struct einsum *e, const struct mapping *m, uint32_t links, struct counts *all, struct counts *origin);

#endif
