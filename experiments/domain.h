/* The domain of one key of `space:`, read from its five forms into levels or a real interval:
 *
 *   [4, 8, 16]                            a choice; ordered when numeric
 *   {values: [4, 8], when: glb >= 128KiB} the same with modifiers
 *   {range: [200MHz, 1GHz], step: 100MHz} steps; without `step` every integer of an integer parameter, else a real interval (`log: true`)
 *   {pow2: [16KiB, 1MiB]}                 doublings
 *   modifiers: when: EXPRESSION, per: network | block | layer */
#ifndef EXPERIMENTS_DOMAIN_H
#define EXPERIMENTS_DOMAIN_H

#include "base/expr.h"
#include "base/schema.h"

/* What values are legal: of a template's parameter, or of a software variable. */
struct domain_type {
    const char *name; /* for messages */
    enum value_kind kind;
    struct dim dim;            /* number */
    bool integer;              /* number: whole values only */
    double min, max;           /* number: legal range, inclusive */
    const char *const *labels; /* choice: [n_labels] */
    int n_labels;
};

struct domain {
    bool real; /* an interval lo..hi, else levels */
    bool log;
    double lo, hi;
    double *level; /* [n], increasing for numbers; owned (mem_free) */
    int64_t n;
    const struct node *when;     /* scalar with the condition, or NULL */
    int per;                     /* enum per */
    const struct node *per_node; /* where `per` stands, or NULL */
};

/* Returns 0, or -1 with every error in d. */
int domain_read(const struct node *node, const struct domain_type *type, struct domain *out, struct diags *d);
/* One value of the type: a number with unit in range, or a label (its index). */
int domain_value(const struct node *node, const struct domain_type *type, double *out, struct diags *d);

const struct schema *domain_schema(void);

#endif
