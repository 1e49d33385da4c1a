/* The entries of a Timeloop mapping as they are written, before loops are made of them. Internal to the reader of mappings. */
#ifndef EXPERIMENTS_TIMELOOP_NEST_H
#define EXPERIMENTS_TIMELOOP_NEST_H

#include "experiments/timeloop_read.h"

/* What one entry of type temporal or spatial says. */
struct timeloop_nest {
    const struct node *node;       /* NULL: nothing */
    int64_t factor[EINSUM_DIMS];   /* 0: what is left */
    int64_t residual[EINSUM_DIMS]; /* 0: not stated */
    struct mark mark[EINSUM_DIMS];
    int order[EINSUM_DIMS]; /* innermost first */
    int64_t split;
};

struct timeloop_entries {
    struct timeloop *t;
    struct timeloop_nest temporal[HW_LEVELS];
    struct timeloop_nest spatial[TIMELOOP_ARRAYS];
    const struct node *kept[HW_LEVELS]; /* the dataspace entry */
    struct diags *d;
};

/* One entry of the list; 0, or -1 with errors. */
int timeloop_read_entry(struct timeloop_entries *r, const struct node *entry);

#endif
