/* Inside of the Timeloop readers: architecture and mapping have a file each, the problem is in sw/. */
#ifndef EXPERIMENTS_TIMELOOP_READ_H
#define EXPERIMENTS_TIMELOOP_READ_H

#include "experiments/timeloop.h"
#include "sw/timeloop_problem.h"

/* Each returns 0, or -1 after errors. */
int timeloop_read_arch(const struct node *arch, struct timeloop_arch *a, struct diags *d);
int timeloop_read_mapping(const struct node *mapping, struct timeloop *t, struct diags *d);

#endif
