/* Best mappings for the operators of a network, or for one of them: what `dovetail map` prints. */
#ifndef EXPERIMENTS_MAP_RUN_H
#define EXPERIMENTS_MAP_RUN_H

#include "costmodel/mapper.h"
#include "experiments/pricing.h"

struct map_request {
    struct pricing_request what;   /* layer NULL: every distinct operator; mapping and its options are not used */
    struct mapper_options options; /* core_split CORE_ANY unless the caller knows better */
    const char *const *rule;       /* [n_rules] of the user, map_constraint.h */
    int n_rules;
    bool pareto; /* the (energy, latency) set instead of the best by a goal */
};

struct map_line {
    char name[64]; /* the first operator of this kind */
    int count;     /* operators of the network that are equal to it */
    struct einsum einsum;
    bool found;
    char why[512];               /* not found: the capacity or constraint, where, by how much */
    struct mapper_result result; /* unless pareto */
    struct mapper_front front;   /* pareto */
    double seconds;              /* wall clock */
};

struct map_answer {
    struct accelerator accelerator;
    struct map_line *line; /* [n], in the network's order */
    int n;
};

/* All errors of the input in d, then -1. An operator without a mapping is a line, not an error. Runs on all threads; the answer does not
 * depend on their number. Release with map_answer_release(). */
int map_run(const struct map_request *r, struct map_answer *out, struct diags *d);
void map_answer_release(struct map_answer *a);

#endif
