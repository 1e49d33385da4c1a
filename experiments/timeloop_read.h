/* Inside of the Timeloop readers: architecture and mapping have a file each, the problem is in sw/. */
#ifndef EXPERIMENTS_TIMELOOP_READ_H
#define EXPERIMENTS_TIMELOOP_READ_H

#include "experiments/timeloop.h"
#include "sw/timeloop_problem.h"

/* Each returns 0, or -1 after errors. */
int timeloop_read_arch(const struct node *arch, struct timeloop_arch *a, struct diags *d);
/* Adds the names of a list or text to `to`, [EINSUM_TENSORS]. */
int timeloop_names(const struct node *v, char to[][EINSUM_NAME], int *n, struct diags *d);
/* timeloop_sparse.c: sparse_optimizations of a level, of the compute unit. metadata_bits: of a rank that states none; 0: not known. */
int timeloop_read_zeros(const struct node *v, int64_t metadata_bits, struct timeloop_zeros *zeros, int *n,
                        struct diags *d);
int timeloop_read_mac_zeros(const struct node *v, struct timeloop_zeros *mac, struct diags *d);
/* Their keys of a template's level and mac. ERR_DATA when a template cannot say it. */
int timeloop_write_zeros(const struct timeloop_level *l, const struct einsum *e, struct strbuf *out, struct err *err);
int timeloop_write_mac_zeros(const struct timeloop_arch *a, const struct einsum *e, struct strbuf *out,
                             struct err *err);
/* The role of a data space: by the problem (may be NULL), else by its name; -1, ERR_DATA: neither tells. */
int timeloop_role(const struct einsum *e, const char *name, struct err *err);
int timeloop_read_mapping(const struct node *mapping, struct timeloop *t, struct diags *d);

/* Iterations of the last pass of a loop, as they follow from the bounds of the problem and of the loops inside. */
int64_t timeloop_residual(const struct timeloop *t, int level, bool spatial, int loop);

#endif
