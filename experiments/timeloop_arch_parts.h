/* What the files that read an architecture share: timeloop_arch.c (the tree), timeloop_component.c (storage and compute units), timeloop_rules.c (their
 * constraints). */
#ifndef EXPERIMENTS_TIMELOOP_ARCH_PARTS_H
#define EXPERIMENTS_TIMELOOP_ARCH_PARTS_H

#include "experiments/timeloop_read.h"

struct timeloop_reader {
    struct timeloop_arch *a;
    struct timeloop_level found[HW_LEVELS]; /* outermost first */
    int n_found;
    bool has_mac;
    struct mark last; /* of the last node */
    struct diags *d;
};

bool timeloop_is_global(const char *key); /* technology, global_cycle_seconds */
int timeloop_read_global(struct timeloop_reader *r, const struct node *v);
void timeloop_warn_unused(struct timeloop_reader *r, const struct node *v);

/* Each returns 0, or -1 with errors. level and array may be NULL: there is none. */
int timeloop_read_constraints(struct timeloop_reader *r, const struct node *v, struct timeloop_level *level,
                              struct timeloop_array *array);
int timeloop_read_storage(struct timeloop_reader *r, const struct node *node, const char *name, const char *class,
                          struct timeloop_level **out);
int timeloop_read_mac(struct timeloop_reader *r, const struct node *node, const char *name);
bool timeloop_is_compute(const char *class);
bool timeloop_is_storage(const char *class);

#endif
