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
#ifndef COSTMODEL_MAPPER_PROBLEM_H
#define COSTMODEL_MAPPER_PROBLEM_H

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
    uint32_t
        sliding; /* bit d: d moves along a rank of more than one term, or by less than the tile */
    int n_ranks;
    struct mp_rank rank[EINSUM_RANKS];
    bool output;
    enum tensor_role role;
};

/* One element of a tensor at a level: energies, bits of port and capacity that it takes. */
struct mp_width {
    double read_pj, write_pj, port_bits;
    double bits; /* on a network */
};
enum { MP_NARROW, MP_WIDE };

struct mp_problem {
    const struct accelerator *a;
    const struct einsum *e;
    int n_levels, nd, nt, out;
    int dim[MP_DIMS]; /* the einsum's dimension */
    int64_t bound[MP_DIMS];
    struct mp_tensor tensor[MP_TENSORS];
    uint32_t reduction; /* bit d: compact dimension d does not move the output */
    double macs, volume_out;
    struct mp_width width[HW_LEVELS][MP_TENSORS]
                         [2];   /* [NARROW]: finished sums; operands: both equal */
    double capacity[HW_LEVELS]; /* bits that one instance's tiles may fill */
    int64_t lanes;              /* of one MAC unit */
    double mac_pj;
    double leak_pj_per_cycle;
};

/* Spatial factors of every level, by axis, and what follows from them. */
struct mp_spatial {
    int64_t f[HW_LEVELS][2][MP_DIMS];  /* [level][axis][dim], >= 1 */
    int64_t s[HW_LEVELS][MP_DIMS];     /* both axes */
    int64_t inner[HW_LEVELS][MP_DIMS]; /* product of s over levels <= l */
    int64_t rest[MP_DIMS];             /* temporal iterations, ceil */
    double padded_macs;                /* with ceil: >= macs */
    double cycles;                     /* product of rest */
    double score;                      /* order of trying: smaller first */
    double share[HW_LEVELS]
                [MP_TENSORS]; /* multicast (or reduction) factor, fan / distinct */
    double hop_pj[HW_LEVELS]
                 [MP_TENSORS]; /* network energy of one bit that leaves the level */
    bool partial_above
        [HW_LEVELS]; /* a spatial reduction further out: sums at the level are not finished */
    bool partial;                /* a temporal reduction loop somewhere */
    double instances[HW_LEVELS]; /* used: product of fans of outer levels */
};

/* 0, or -1 with ERR_DATA when operands are too wide. */
int mp_problem_init(struct mp_problem *p, const struct accelerator *a,
                    const struct einsum *e, struct err *err);
double mp_volume(const struct mp_tensor *t, const double *extent);
/* Fills what follows from f. */
void mp_spatial_finish(const struct mp_problem *p, struct mp_spatial *s);
/* Bits that the tiles kept by `keep` at level l take; wide: sums are not finished. */
double mp_tile_bits(const struct mp_problem *p, int l, uint32_t keep, bool wide,
                    const double *extent);
/* Spatial candidates, best first; at most max. core_split as in mapper_options, not -2. */
int mp_spatial_candidates(const struct mp_problem *p, int core_split,
                          const uint32_t *keep, struct mp_spatial *out, int max);

/* Tiles: at each level the temporal iterations inside it, per dimension (product over
 * levels <= l), and the tensor that is stationary under the loops of the level. */
struct mp_chain {
    int64_t tau[HW_LEVELS][MP_DIMS];
    int stationary[HW_LEVELS]; /* tensor; -1: any order */
    int window[HW_LEVELS];     /* sliding dimension to put innermost in its group; -1 */
};

struct mp_best { /* the incumbent */
    bool found;
    double value; /* by goal */
    double energy_pj, cycles;
    struct mp_spatial spatial;
    uint32_t keep[HW_LEVELS];
    struct mp_chain chain;
};

double mp_goal(enum goal goal, double energy_pj, double cycles);
/* Searches the chains of tiles for given spatial factors and keep masks; betters `best`
 * where it can. `budget`: pairs of tiles looked at, counted down. Returns false when not
 * even the smallest tiles fit. */
bool mp_chain_search(const struct mp_problem *p, const struct mp_spatial *s,
                     const uint32_t *keep, enum goal goal, struct mapper_work *w,
                     int64_t *budget, struct mp_best *best);
void mp_build(const struct mp_problem *p, const struct mp_best *best,
              struct mapping *m);

#endif
