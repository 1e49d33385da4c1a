/* Rules of the user for `dovetail map`, on top of the template's: they narrow what the mapper may choose, so what it proves is the best of
 * the mappings that keep to them.
 *
 *     GLB.keep=weights,inputs    held there           GLB.x=K,C     only these dimensions over the columns below; none: no dimension
 *     GLB.bypass=outputs         not held there       GLB.y=none    likewise over the rows
 *     stationary=weights         stays in the innermost level while its parent's loops run */
#ifndef EXPERIMENTS_MAP_CONSTRAINT_H
#define EXPERIMENTS_MAP_CONSTRAINT_H

#include "base/diag.h"
#include "hw/accelerator.h"
#include "sw/einsum.h"

/* Narrows *a by rule[n]. What contradicts the template, or names what is not there, is an error: all of them in d, then -1. A dimension
 * must be one of the operators op[n_ops]. */
int map_constrain(struct accelerator *a, const char *const *rule, int n, const struct einsum *const *op, int n_ops,
                  struct diags *d);

#endif
