/* One operator on one accelerator by one mapping, from the files that a person has: what `dovetail model` prices. */
#ifndef EXPERIMENTS_PRICING_H
#define EXPERIMENTS_PRICING_H

#include "base/diag.h"
#include "costmodel/cost.h"

struct pricing_request {
    const char *arch;     /* template: a name, or a file */
    const char *workload; /* model: a name, or a file */
    const char *layer;    /* operator of it; NULL: the only one */
    const char *
        mapping; /* a file with `mapping:`, or the mapping itself ("DRAM K8 | RF C4"); NULL: the mapper's best by EDP */
    const char *const *set; /* [n_set] "name=value": parameters of the template */
    int n_set;
    int w_bits, a_bits, acc_bits; /* 0: the model's */
    const char *const
        *density; /* [n_density] "weights=0.4": share of non-zeros in the tensors of a role; others: the model's */
    int n_density;
    struct cost_options options;
};

struct pricing {
    struct accelerator accelerator;
    struct einsum einsum;
    struct mapping mapping;
    struct cost cost;
    bool mapped; /* by the mapper */
    bool zeros;  /* the accelerator makes something of the operator's zeros */
};

/* A mapping file is YAML with one key `mapping`: the text that mapping_write() gives, or a map from operators to such texts. All errors in
 * d, then -1. A template that cannot be built and a mapping that does not fit are errors too. */
int pricing_run(const struct pricing_request *r, struct pricing *out, struct diags *d);

/* The request's densities by role, 0 where it gives none. All errors in d, then -1. */
int pricing_density(const struct pricing_request *r, double out[TENSOR_ROLE_COUNT], struct diags *d);
/* The request's accelerator alone. All errors in d, then -1. */
int pricing_arch(const struct pricing_request *r, struct accelerator *out, struct diags *d);

#endif
