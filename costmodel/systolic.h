/* The third latency fidelity, for arrays whose operands step from neighbour to neighbour: each fold fills and drains the array. */
#ifndef COSTMODEL_SYSTOLIC_H
#define COSTMODEL_SYSTOLIC_H

#include "costmodel/cost.h"

/* Cycles that the wave front adds to the lock-step ones: folds * (rows + columns - 2). `one` and `instances` as for stalls_of(). A fold is a
 * tile of the tensor that stays in the array: the dataflow's stationary one, else of those kept inside it the one that changes least. ERR_DATA when no level fans out or no
 * tensor stays inside the fan-out. */
int systolic_skew(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                  const struct counts *one, const double *instances, double *cycles, struct err *err);

#endif
