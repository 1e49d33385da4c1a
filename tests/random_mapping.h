/* Random small operators and legal mappings of them, biased to corners: what the cost model's tests run over. */
#ifndef TESTS_RANDOM_MAPPING_H
#define TESTS_RANDOM_MAPPING_H

#include "base/rng.h"
#include "costmodel/mapping.h"

enum random_kind {
    RANDOM_CONV,
    RANDOM_STRIDED,
    RANDOM_DILATED,
    RANDOM_GROUPED,
    RANDOM_DEPTHWISE,
    RANDOM_MATMUL,
    RANDOM_BATCHED,
    RANDOM_LARGE_STEP, /* stride beyond the kernel, unequal along the axes */
    RANDOM_KIND_COUNT
};
extern const char *const random_kind_names[];

/* At most `macs` multiply-accumulates. */
void random_einsum(struct rng *r, enum random_kind kind, int64_t macs, struct einsum *e);
/* Legal loops and keeps; at most `units` MACs in parallel; imperfect: bounds that need not divide. */
void random_mapping(struct rng *r, const struct einsum *e, int levels, int64_t units, bool imperfect,
                    struct mapping *m);
/* An accelerator on which it fits: fan-outs as used, capacities unbounded, energies all different. */
void random_accelerator(struct rng *r, const struct einsum *e, const struct mapping *m, struct accelerator *a);

#endif
