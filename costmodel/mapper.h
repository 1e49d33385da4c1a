/* The mapping of one operator on one accelerator, best by a goal, under the capacities in
 * bits and the accelerator's dataflow. Method, and proof of each pruning rule:
 * docs/mapper.md. */
#ifndef COSTMODEL_MAPPER_H
#define COSTMODEL_MAPPER_H

#include "costmodel/cost.h"

enum goal { GOAL_ENERGY, GOAL_LATENCY, GOAL_EDP, GOAL_COUNT };
extern const char *const goal_names[]; /* "energy", "latency", "edp", NULL */

enum core_split { CORE_ONE = -1, CORE_ANY = -2 };

struct mapper_options {
    enum goal goal;
    int64_t budget; /* most pairs of tiles to look at; 0: MAPPER_BUDGET */
    int core_split; /* dimension to unroll over all cores; CORE_ONE; CORE_ANY: the mapper
                       chooses, one core among the choices */
};

#define MAPPER_BUDGET 6000

struct mapper_result {
    struct mapping mapping;
    struct cost cost;
    int64_t priced; /* mappings priced */
    bool proven;    /* the best of the whole space, not only of what was tried */
};

/* The search's memory (a few hundred KiB), for callers that map many operators: one for
 * each thread. */
struct mapper_work;
struct mapper_work *mapper_work_new(void);
void mapper_work_free(struct mapper_work *w);

/* 0; or -1 with ERR_NO when no mapping fits (the sentence names capacity or constraint,
 * where, by how much), ERR_DATA when operands are too wide. Deterministic: a pure function
 * of accelerator, operator and options; ties go to the first in a fixed order. `work` may
 * be NULL (then memory is taken and given back). Typically 0.1 to 0.5 ms. */
int mapper_best(const struct accelerator *a, const struct einsum *e,
                const struct mapper_options *opt, struct mapper_work *work,
                struct mapper_result *out, struct err *err);

#endif
