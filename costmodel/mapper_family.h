/* The best mappings of one operator on a family of designs: equal but for the bandwidth of the outermost level (DRAM), all of its ports
 * scaled alike. One answer costs a re-pricing instead of a search.
 *
 *     mapper_family_build(&f, a, e, &opt, work, &err);    some exact searches
 *     key = mapper_family_key(a);                         once a design
 *     mapper_family_best(&f, a, &key, &result);           in microseconds; false when the design is not of the family */
#ifndef COSTMODEL_MAPPER_FAMILY_H
#define COSTMODEL_MAPPER_FAMILY_H

#include "base/hash.h"
#include "costmodel/mapper.h"

#define FAMILY_PIECES 12

/* A mapping that is best while the outermost level is between `from` and `to` times as slow as in the design it was built for. */
struct family_piece {
    double from, to;
    double value_from, value_to, cycles_from; /* there */
    struct mapping mapping;
};

struct mapper_family {
    struct accelerator machine; /* that it was built for */
    struct hash key;            /* of it, bandwidths left out */
    struct einsum einsum;
    struct mapper_options opt;
    bool proven; /* every search was */
    int n;
    struct family_piece piece[FAMILY_PIECES]; /* by `from`, without overlap */
    int searches;                             /* that it took */
};

/* Covers designs whose outermost level is up to FAMILY_RANGE times as fast or as slow. opt->effort is MAPPER_EXACT. Errors as
 * mapper_best(). */
#define FAMILY_RANGE 64
int mapper_family_build(struct mapper_family *f, const struct accelerator *a, const struct einsum *e,
                        const struct mapper_options *opt, struct mapper_work *work, struct err *err);
/* Of all of a design that can change a cost, the outermost level's bandwidths left out. */
struct hash mapper_family_key(const struct accelerator *a);
/* Fills out->mapping, cost, proven and bound; true when `a`, whose key is `key`, belongs to the family and its bandwidth lies in a
 * piece. bound: no mapping has a smaller value. Where the outermost level sets the pace, the value may be above a search's by what one
 * cycle makes (and by a share of the leakage), and is not called proven. */
bool mapper_family_best(const struct mapper_family *f, const struct accelerator *a, const struct hash *key,
                        struct mapper_result *out);

#endif
