/* Inside the mapper: one operator on one accelerator, reduced to the numbers that the
 * search reads in its inner loops. Dimensions of bound 1 are dropped; what is left is
 * numbered 0..nd-1 ("compact dimensions"). Levels are the accelerator's, 0 innermost.
 *
 * For perfect factors the key formula (docs/model.md) loses all outer products: with
 * e = extents of the tile of tensor t at level c,
 *
 *     words fetched into all instances of c  =  X(t,c)  =  MACs * V_t(e) / |e| * h / R
 *
 * where R is the product of the run of loops above c, innermost first, that t does not
 * depend on (its tile stays), and h <= 1 what a sliding window keeps. Neither the spatial
 * factors nor the loops further out occur. So the energy of a mapping is a sum of terms
 * that each depend on two neighbouring tiles: the search is over chains of tiles. */
#ifndef COSTMODEL_MAPPER_SEARCH_H
#define COSTMODEL_MAPPER_SEARCH_H

#include "costmodel/mapper.h"

#define MP_DIMS EINSUM_DIMS
#define MP_TENSORS EINSUM_TENSORS

struct mp_rank {
    int n_terms;
    int dim[EINSUM_TERMS]; /* compact */
    double coef[EINSUM_TERMS];
};

struct mp_tensor {
    uint32_t relevant; /* bit d: depends on compact dimension d */
    uint32_t sliding;  /* bit d: d stands in a rank of several terms */
    int n_ranks;
    struct mp_rank rank[EINSUM_RANKS];
    bool output;
    enum tensor_role role;
};

/* One element of a tensor at a level: energies, bits that it takes of a port, on a network,
 * and of the capacity. Where zeros are known the first four are the least that a mapping
 * makes of them: all mappings that these do not rule out are priced by cost_evaluate(). */
struct mp_width {
    double read_pj, write_pj, port_bits, bits, hold_bits;
};
enum { MP_NARROW, MP_WIDE }; /* an output's finished sum, a partial one; operands: equal */

struct mp_problem {
    const struct accelerator *a;
    const struct einsum *e;
    int n_levels, nd, nt, out;
    int dim[MP_DIMS]; /* the einsum's dimension */
    int64_t bound[MP_DIMS];
    struct mp_tensor tensor[MP_TENSORS];
    uint32_t reduction; /* bit d: compact dimension d does not move the output */
    int n_stay;         /* sets of tensors that some dimension does not move */
    uint32_t stay[MP_DIMS];
    bool one_axis; /* as in mapper_options */
    bool drains;   /* sums that leave a level are billed when they are read */
    double macs, volume_out;
    struct mp_width width[HW_LEVELS][MP_TENSORS][2];
    double capacity[HW_LEVELS]; /* bits that one instance's tiles may fill */
    int64_t lanes;              /* of one MAC unit */
    double mac_pj;
    double leak_pj_per_cycle;
    bool sparse; /* zeros are known */
    bool
        fixed; /* and what passes does not hang on tiles and orders, so that one order can be better than another for all */
    double step_share; /* of steps that are not skipped */
};

/* Spatial factors of every level, by axis, and what follows from them. */
struct mp_spatial {
    int64_t f[HW_LEVELS][2][MP_DIMS];     /* [level][axis][dim], >= 1 */
    int64_t s[HW_LEVELS][MP_DIMS];        /* both axes */
    int64_t inner[HW_LEVELS][MP_DIMS];    /* product of s over levels <= l */
    int64_t rest[MP_DIMS];                /* temporal iterations, ceil */
    double padded_macs;                   /* with ceil: >= macs */
    double cycles;                        /* product of rest */
    double score;                         /* order of trying: smaller first */
    double share[HW_LEVELS][MP_TENSORS];  /* most that multicast or reduction divides words by */
    double hop_pj[HW_LEVELS][MP_TENSORS]; /* network energy of one bit that leaves the level */
    double instances[HW_LEVELS];          /* used: product of fans of outer levels */
    bool partial_above[HW_LEVELS];        /* a spatial reduction further out: sums at the level are partial */
    bool partial;                         /* a temporal reduction loop somewhere */
};

/* 0, or -1 with ERR_DATA when operands are too wide. */
int mp_problem_init(struct mp_problem *p, const struct accelerator *a, const struct einsum *e, struct err *err);
double mp_volume(const struct mp_tensor *t, const double *extent);
/* Bits that the tiles kept by `keep` at level l take; wide: sums are not finished. */
double mp_tile_bits(const struct mp_problem *p, int l, uint32_t keep, bool wide, const double *extent);
double mp_goal(enum goal goal, double energy_pj, double cycles);

/* Fills what follows from f. */
void mp_spatial_finish(const struct mp_problem *p, struct mp_spatial *s);
/* Spatial candidates, best first; at most max. core_split as in mapper_options, not
 * CORE_ANY. Unless `perfect`, factors need not divide. */
int mp_spatial_candidates(const struct mp_problem *p, int core_split, bool perfect, const uint32_t *keep,
                          struct mp_spatial *out, int max);
/* Every spatial choice with factors that divide, one of those that cost the same; imperfect: with all factors. Caller
 * frees *out with mem_free(). */
int mp_spatial_all(const struct mp_problem *p, int core_split, bool imperfect, struct mp_spatial **out);
/* Drops spatial choices that an exchange of dimensions turns into one that stays; returns how many stay. */
int mp_spatial_drop_images(const struct mp_problem *p, struct mp_spatial *s, int n);
/* A reduction across cores is not offered. */
bool mp_may_split(const struct mp_problem *p, int compact_dim);

/* What was found: the mapping is complete, value and figures are the cost model's. */
struct mp_best {
    bool found;
    double value, energy_pj, cycles;
    int port; /* the one that asks for most cycles: 3 * level + read, write, shared */
    struct mapping mapping;
};

enum { MP_PAIR = 16 };

/* One search: keep masks and spatial factors change from call to call, the incumbent,
 * memory and limits stay. */
struct mp_search {
    const struct mp_problem *p;
    struct mapper_work *work;
    enum goal goal;
    enum accounting accounting;
    bool imperfect; /* factors that do not divide as well */
    bool exact;     /* no thinned lattices, no rule without a proof */
    int64_t budget; /* pairs of tiles that may still be looked at */
    bool dive;      /* chain searches look beyond their budget until each has a first complete chain */
    double space;   /* mappings of the spaces that were searched exactly */
    int64_t priced; /* mappings priced by the cost model */
    int64_t looked; /* pairs of tiles looked at */
    struct mp_best best;
    struct mapper_front *front; /* not NULL: the (energy, latency) set is asked, `best` is not used */
};

/* Bit t: how the level treats the role of tensor t. */
uint32_t mp_roles(const struct mp_problem *p, int level, enum keep how);
/* Visits every case (keep mask, spatial choice) that may gain. Where the budget ends
 * before, *open_bound falls to the least bound (by goal) of what was left out. */
void mp_exact_search(struct mp_search *m, int core_split, double *open_bound);

/* True when it is the new incumbent. */
bool mp_offer(struct mp_search *m, const struct mapping *map, double energy_pj, double cycles);
/* Whether energy and cycles that are lower bounds rule out any gain. */
bool mp_hopeless(const struct mp_search *s, double energy_pj, double cycles);
/* Least energy and cycles that any tiles leave for these spatial factors and keep masks: MACs, operand reads, every word
 * once over every link; leakage included. */
void mp_floor(const struct mp_problem *p, const struct mp_spatial *s, const uint32_t *keep, double *energy_pj,
              double *cycles);
/* Searches the chains of tiles. */
void mp_chain_search(struct mp_search *m, const struct mp_spatial *s, const uint32_t *keep);

/* Spatial loops of level l, as a mapping has them. */
void mp_add_spatial(const struct mp_problem *p, const struct mp_spatial *s, int l, struct mapping_level *v);
/* Imperfect factors: cuts the bounds of dimension d (the einsum's) until no outer iteration is empty. */
void mp_trim(const struct einsum *e, int d, struct mapping *m);
/* The mapping that asks for least room: tiles of one iteration, all loops outermost, nothing side by side but the cores' split, only what
 * must be kept. 0; -1 with the reason why it is not legal, or, where factors must divide, that this split does not. */
int mp_simplest(const struct mp_problem *p, int core_split, bool perfect, struct mapping *m, struct err *err);

/* Every tile and order with factors that need not divide. */
void mp_imperfect_search(struct mp_search *m, const struct mp_spatial *s, const uint32_t *keep);

#endif
