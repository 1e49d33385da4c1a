/* The mapping of one operator on one accelerator, best by a goal, under the capacities in bits and the accelerator's dataflow. */
#ifndef COSTMODEL_MAPPER_H
#define COSTMODEL_MAPPER_H

#include "costmodel/cost.h"

enum goal { GOAL_ENERGY, GOAL_LATENCY, GOAL_EDP, GOAL_COUNT };
extern const char *const goal_names[]; /* "energy", "latency", "edp", NULL */

struct mapper_options {
    enum goal goal;
    int64_t budget;          /* most mappings to price; 0: no limit */
    int core_split;          /* dimension to unroll over all cores; -1: run on one core; -2: the mapper chooses */
};

struct mapper_result {
    struct mapping mapping;
    struct cost cost;
    int64_t priced;          /* mappings priced */
    bool proven;             /* the best of the whole space, not only of what was tried */
};

/* 0; or -1 with ERR_NO when no mapping fits (the sentence names capacity or constraint, where, by how much), ERR_DATA when operands are too
 * wide. Deterministic: ties go to the first in a fixed order. */
int mapper_best(const struct accelerator *a, const struct einsum *e, const struct mapper_options *opt, struct mapper_result *out,
                struct err *err);

#endif
