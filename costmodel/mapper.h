/* The mapping of one operator on one accelerator, best by a goal, under the capacities in
 * bits and the accelerator's dataflow. Method, and proof of each pruning rule:
 * docs/mapper.md.
 *
 * Two ways to ask. MAPPER_FAST looks at the most promising spatial factors and bypasses, in
 * some 0.1 to 0.5 ms: for searches that ask millions of times. MAPPER_EXACT proves: no
 * mapping of its space is better. Its space: every tile, loop order, spatial factor and
 * bypass, with factors that divide their dimensions, along the dataflow's dimensions,
 * cores used as core_split says. MAPPER_FAST also tries spatial factors that do not divide
 * (7 rows on 8 columns) unless `perfect`. */
#ifndef COSTMODEL_MAPPER_H
#define COSTMODEL_MAPPER_H

#include "costmodel/cost.h"

enum goal { GOAL_ENERGY, GOAL_LATENCY, GOAL_EDP, GOAL_COUNT };
extern const char *const goal_names[]; /* "energy", "latency", "edp", NULL */

enum core_split { CORE_ONE = -1, CORE_ANY = -2 };
enum mapper_effort { MAPPER_FAST, MAPPER_EXACT };

struct mapper_options {
    enum goal goal; /* latency: of equally fast ones the one of least energy */
    enum mapper_effort effort;
    enum accounting accounting; /* 0: exact; the bounds stay below Timeloop's counts too */
    bool one_axis;              /* a dimension is unrolled along one axis of a level only, as in Timeloop's mappings */
    bool perfect;               /* only factors that divide their dimensions; always so when exact */
    bool
        imperfect; /* exact: factors that need not divide as well; all are priced, so for small operators or with a budget */
    int64_t
        budget; /* most pairs of tiles to look at; 0: MAPPER_BUDGET when fast, no limit when exact. Whatever it is, a
                       mapping is found where there is a plain one */
    int core_split; /* dimension to unroll over all cores; CORE_ONE; CORE_ANY: the mapper
                       chooses, one core among the choices */
};

#define MAPPER_BUDGET 6000

struct mapper_result {
    struct mapping mapping;
    struct cost cost;
    int64_t priced; /* complete mappings priced */
    int64_t looked; /* pairs of tiles looked at */
    double space;   /* mappings that the space holds (spatial x bypass x tiles x orders) */
    double bound;   /* no mapping of the space has a smaller value of the goal; 0: not known */
    bool proven;    /* the mapping's value is the bound */
};

/* The search's memory (1 MiB; exact searches up to some tens), for callers that map many operators: one for
 * each thread. */
struct mapper_work;
struct mapper_work *mapper_work_new(void);
void mapper_work_free(struct mapper_work *w);

/* 0; or -1 with ERR_NO when no mapping fits (the sentence names capacity or constraint,
 * where, by how much), ERR_DATA when operands are too wide. Deterministic: a pure function
 * of accelerator, operator and options; ties go to the first in a fixed order. `work` may
 * be NULL (then memory is taken and given back). */
int mapper_best(const struct accelerator *a, const struct einsum *e, const struct mapper_options *opt,
                struct mapper_work *work, struct mapper_result *out, struct err *err);

/* What a goal minimises, of a cost. */
double mapper_value(enum goal goal, const struct cost *c);

/* Mappings that no other one beats in both energy and cycles, by cycles. */
struct mapper_point {
    double energy_pj, cycles;
    struct mapping mapping;
};
struct mapper_front {
    struct mapper_point *point; /* [n] */
    int n, cap;
    bool proven;
};
/* The whole set (exact) or the part of it that the fast search meets; opt->goal is not
 * used. Errors as above; release with mapper_front_release(). */
int mapper_pareto(const struct accelerator *a, const struct einsum *e, const struct mapper_options *opt,
                  struct mapper_work *work, struct mapper_front *out, struct err *err);
void mapper_front_release(struct mapper_front *f);

#endif
