/* What the two lists of spatial factors share: mapper_spatial.c the promising ones, mapper_spatial_all.c all. Internal to the mapper. */
#ifndef COSTMODEL_MAPPER_SPATIAL_H
#define COSTMODEL_MAPPER_SPATIAL_H

#include "costmodel/mapper_search.h"

struct axis_choice {
    int64_t f[MP_DIMS];
    double rounds;
};

/* Bit d: the dataflow lets an axis of a level unroll compact dimension d. */
uint32_t mp_allowed_dims(const struct mp_problem *p, int level, int axis);
/* Hops of one word of a tensor below a level, for factors x and y of its axes. */
double mp_hops(const struct level *v, const struct mp_tensor *t, const int64_t *x, const int64_t *y, int nd);
/* How the level below which the cores are splits the operator over them. */
void mp_core_choice(const struct mp_problem *p, int core_split, struct axis_choice *x_axis, struct axis_choice *y_axis);

#endif
