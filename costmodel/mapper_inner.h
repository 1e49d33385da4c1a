/* The least energy of the levels inside a tile, for every tile at once. Internal to the mapper; method and proof in
 * mapper_walk.c and docs/mapper.md. */
#ifndef COSTMODEL_MAPPER_INNER_H
#define COSTMODEL_MAPPER_INNER_H

#include "costmodel/mapper_chain.h"

/* Makes the table of energies of one case; false when its lattice is too large for them. */
bool inner_init(struct chain *c);
/* Adds the tables of a port's cycles, and of the weighed sum of energy and these cycles. At most MP_PORTS. */
void inner_add_port(struct chain *c, int port);
/* True when no chain of tiles may gain. */
bool inner_root_hopeless(const struct chain *c);
/* Fills the heap of level l with the tiles that may gain: their bounds hold levels 0 .. l. */
void inner_collect(const struct chain *c, int l);
/* Whether no tiles of levels 0 .. l-1 may gain, those of levels l and further out being chosen; `w` holds the transfers into the latter. */
bool inner_hopeless(const struct chain *c, int l, const struct walk *w);

/* mapper_walk.c. A slot: a number for each node. */
double *inner_slot(const struct mapper_work *w, int i);
int inner_new_slot(struct mapper_work *w);
/* Energies of words at n nodes. */
void inner_price(int n, const struct link_price *price, const double *words, double *pj);
/* Makes a table of weighed measures, level by level from 0; those of the level are in their slots. */
void inner_walk_start(const struct chain *c, struct mp_table *table, const double *weight);
void inner_walk_level(const struct chain *c, struct mp_table *table, int l);

#endif
