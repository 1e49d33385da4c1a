/* Words that neighbours hand on (level.links): of the words that a tile lacks when it moves on, those of a sliding window are what the
 * next instance along X or Y held in the step before, and need not come from the level outside again.
 *
 * The rule. Instances of the level next inside of a network with links that keep an operand ask a neighbour, one place further along one axis
 * below the same instance, when all that they lack was in its tile in the step before. Instances at one place of the tensor, which
 * a multicast serves together, do so when each of them has such a neighbour; else all are served from outside. A neighbour reads what it
 * hands on (tensor_count.forwards), over one hop; the receiver fills it as it would have done.
 *
 * By Timeloop's rules (4cf6d4c) what an instance lacks must equal what the neighbour took in in the step before, each instance with such a
 * neighbour is served by it, unless that leaves as many words to be sent from outside as before, and the reads for neighbours are counted as
 * reads.
 *
 * MACs hold no words, so none are handed on between them. Only operands with a rank of two dimensions slide by less than a tile and the
 * way to a neighbour, and only those are looked at. Imperfect factors: nothing is handed on (more traffic than there is). */
#ifndef COSTMODEL_COUNT_FORWARD_H
#define COSTMODEL_COUNT_FORWARD_H

#include "costmodel/count.h"

/* Bits of the levels whose networks have links. */
uint32_t count_links(const struct accelerator *a);
/* Takes what neighbours hand on out of counts of count_words(), COUNT_ALL, by the same accounting; bit l of `links`: the network below level l.
 * ERR_DATA when more children are linked than are looked at, or Timeloop's rules want more than 2^22 steps. Allocates nothing.
 * O(levels * tensors * loops * children along the axes). */
int count_forward(const struct einsum *e, const struct mapping *m, uint32_t links, enum accounting accounting,
                  struct counts *io, struct err *err);

#endif
