/* The least energy of the levels inside a tile, for every tile at once. Internal to the mapper; method and proof in
 * mapper_inner.c and docs/mapper.md. */
#ifndef COSTMODEL_MAPPER_INNER_H
#define COSTMODEL_MAPPER_INNER_H

#include "costmodel/mapper_chain.h"

/* Tables of one case, or false when its lattice is too large for them. */
bool inner_init(const struct chain *c);
/* Levels 0 .. l-1 are in the tables: adds level l (its tiles that fit, what its transfers cost at least). */
void inner_add_level(const struct chain *c, int l);
/* Least energy of the transfers into all levels: no chain of tiles costs less (without the constant part). */
double inner_root(const struct chain *c);
/* Fills the heap of level l with the tiles that may gain: their bounds hold levels 0 .. l. */
void inner_collect(const struct chain *c, int l);
/* Least energy of the transfers into levels 0 .. l-1, the tiles of levels l and further out being chosen. */
double inner_rest(const struct chain *c, int l);

#endif
