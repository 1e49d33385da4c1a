/* Tensors drawn at random: encoded, and walked by every MAC of a mapping. Shares no formula with costmodel/sparse.c. */
#include "tests/check_sparse.h"

#include "costmodel/sparse.h"
#include "tests/random_mapping.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t operand_bits = 1u << TENSOR_WEIGHTS | 1u << TENSOR_INPUTS;

static double uniform(struct rng *r)
{
    return ((double)rng_below(r, 1 << 30) + 0.5) / (double)(1 << 30);
}

/* Mean and its standard error. */
struct mean {
    double n, sum, squares;
};

static void mean_add(struct mean *m, double x)
{
    m->n++;
    m->sum += x;
    m->squares += x * x;
}

/* Distance of the mean from `expected` in standard errors. */
static double mean_off(const struct mean *m, double expected)
{
    double mean = m->sum / m->n, var = fmax(0, m->squares / m->n - mean * mean);
    double error = sqrt(var / m->n) + 1e-9 * fabs(expected);
    return fabs(mean - expected) / error;
}

/* --- formats -------------------------------------------------------------------------- */

/* Entries of a stream in run-length code: a zero entry stands for itself and the `run - 1` zeros before it. */
static int encode_rlc(const bool *nonzero, int n, int run)
{
    int entries = 0, zeros = 0;
    for (int i = 0; i < n; i++) {
        zeros++;
        if (nonzero[i] || zeros == run) {
            entries++;
            zeros = 0;
        }
    }
    return entries;
}

static void matrix(struct einsum *e, int64_t rows, int64_t columns, double density)
{
    einsum_matmul(e, "m", 1, rows, 3, columns, true, 16, 16, 16);
    e->tensor[1].density = density; /* inputs: rows x columns */
}

void check_sparse_formats(struct sparse_tally *out)
{
    static const double densities[] = {0.02, 0.1, 0.35, 0.7, 0.97};
    static bool nonzero[40 * 60];
    struct rng r;
    rng_init(&r, 11, 0, RNG_TEST);
    *out = (struct sparse_tally){.draws = 400};
    for (int k = 0; k < 5; k++) {
        for (int run_bits = 1; run_bits <= 5; run_bits++) {
            struct einsum e;
            int64_t rows = 1 + (int64_t)rng_below(&r, 40), columns = 1 + (int64_t)rng_below(&r, 60);
            int n = (int)(rows * columns);
            struct mean entries = {0}, stored = {0};
            matrix(&e, rows, columns, densities[k]);
            for (int draw = 0; draw < out->draws; draw++) {
                int ones = 0;
                for (int i = 0; i < n; i++) {
                    nonzero[i] = uniform(&r) < densities[k];
                    ones += nonzero[i];
                }
                mean_add(&stored, ones);
                mean_add(&entries, encode_rlc(nonzero, n, 1 << run_bits));
            }
            struct level level = {.word_bits = 64, .sparse[TENSOR_INPUTS] = {SPARSE_RLC, run_bits, true, 0, 0}};
            struct sparse_element rlc, mask;
            sparse_element(&level, &e, 1, 16, &rlc);
            level.sparse[TENSOR_INPUTS].format = SPARSE_BITMASK;
            sparse_element(&level, &e, 1, 16, &mask);
            out->worst = fmax(out->worst, mean_off(&entries, rlc.entries * n));
            out->worst = fmax(out->worst, mean_off(&stored, mask.entries * n));
            out->means += 2;
        }
    }
}

/* --- gating and skipping: a walk over random zeros --------------------------------------- */

#define ELEMENTS 4096
#define PERIODS 4096
#define DRAWS 120

struct nest_walk {
    const struct einsum *e;
    const struct mapping *m;
    int level, child, tensor; /* words of the tensor between the two */
    uint32_t roles;           /* that they wait for */
    bool nonzero[EINSUM_TENSORS][ELEMENTS];
    bool met[PERIODS][EINSUM_TENSORS]; /* something but a zero, while the word stays and beside it */
    int periods;
    int64_t at[EINSUM_DIMS];
};

static int element(const struct nest_walk *w, int u)
{
    int64_t i = 0;
    for (int r = 0; r < w->e->tensor[u].n_ranks; r++) {
        const struct einsum_rank *rank = &w->e->tensor[u].rank[r];
        int64_t extent = 1, x = 0;
        for (int k = 0; k < rank->n_terms; k++) {
            extent += rank->term[k].coef * (w->e->bound[rank->term[k].dim] - 1);
            x += rank->term[k].coef * w->at[rank->term[k].dim];
        }
        i = i * extent + x;
    }
    if (i >= ELEMENTS) {
        abort();
    }
    return (int)i;
}

/* Visits every MAC. Loops outermost first; `stride` of each dimension at the loop; `period` numbers the stays of the tensor's tile, with
 * what stands side by side and takes the same words as one. */
static void visit(struct nest_walk *w, int l, int i, int period, int64_t *stride)
{
    if (l < 0) {
        for (int u = 0; u < w->e->n_tensors; u++) {
            w->met[period][u] |= w->nonzero[u][element(w, u)];
        }
        w->periods = period + 1 > w->periods ? period + 1 : w->periods;
        return;
    }
    const struct mapping_level *ml = &w->m->level[l];
    if (i == ml->n_temporal + ml->n_spatial) {
        visit(w, l - 1, 0, period, stride);
        return;
    }
    bool temporal = i < ml->n_temporal;
    int d = temporal ? ml->temporal[i].dim : ml->spatial[i - ml->n_temporal].dim;
    int64_t bound = temporal ? ml->temporal[i].bound : ml->spatial[i - ml->n_temporal].bound;
    bool moves = einsum_relevant(w->e, w->tensor, d), apart = false;
    if (temporal && l > w->child) { /* the tile stays unless this loop, or one inside, moves it: then it comes back */
        apart = moves || w->child < 0;
        for (int v = l; v > w->child && !apart; v--) {
            for (int k = v == l ? i + 1 : 0; k < w->m->level[v].n_temporal; k++) {
                const struct loop *in = &w->m->level[v].temporal[k];
                apart = apart || (in->bound > 1 && einsum_relevant(w->e, w->tensor, in->dim));
            }
        }
    } else if (!temporal) {
        apart = l > w->level || (l > w->child && moves);
    }
    stride[d] /= bound;
    int64_t before = w->at[d];
    for (int64_t k = 0; k < bound; k++) {
        w->at[d] = before + k * stride[d];
        visit(w, l, i + 1, apart ? (int)(period * bound + k) : period, stride);
    }
    w->at[d] = before;
    stride[d] *= bound;
}

static double walked_share(struct nest_walk *w, struct rng *r)
{
    int64_t stride[EINSUM_DIMS];
    for (int u = 0; u < w->e->n_tensors; u++) {
        for (int64_t i = 0; i < einsum_volume(w->e, u, w->e->bound); i++) {
            w->nonzero[u][i] = uniform(r) < w->e->tensor[u].density;
        }
    }
    memset(w->met, 0, sizeof w->met);
    w->periods = 0;
    for (int d = 0; d < w->e->n_dims; d++) {
        stride[d] = w->e->bound[d];
        w->at[d] = 0;
    }
    visit(w, w->m->n_levels - 1, 0, 0, stride);
    double pass = 0;
    for (int p = 0; p < w->periods; p++) {
        bool all = true;
        for (int u = 0; u < w->e->n_tensors; u++) {
            bool waits = !w->e->tensor[u].output && u != w->tensor && (w->roles >> w->e->tensor[u].role & 1);
            all = all && (!waits || w->met[p][u]);
        }
        pass += all;
    }
    return pass / w->periods;
}

void check_sparse_passing(int n, struct sparse_tally *out)
{
    static struct nest_walk w;
    struct rng r;
    *out = (struct sparse_tally){.draws = DRAWS};
    for (int i = 0; i < n; i++) {
        rng_init(&r, 12, (uint64_t)i, RNG_TEST);
        struct einsum e;
        struct mapping m;
        struct accelerator a;
        random_einsum(&r, (enum random_kind)(i % RANDOM_KIND_COUNT), 200, &e);
        for (int t = 0; t < e.n_tensors; t++) {
            e.tensor[t].density = 0.05 + 0.9 * uniform(&r);
        }
        random_mapping(&r, &e, (int)(2 + rng_below(&r, 3)), 12, false, &m);
        random_accelerator(&r, &e, &m, &a);
        int t = (int)rng_below(&r, e.n_tensors), level = m.n_levels - 1;
        while (level > 0 && (!(m.level[level].keep >> t & 1) || rng_below(&r, 2))) {
            level--;
        }
        level = m.level[level].keep >> t & 1 ? level : m.n_levels - 1;
        enum tensor_role role = e.tensor[t].role;
        uint32_t others = operand_bits & ~(1u << role);
        a.level[level].sparse[role].gate = others & (uint32_t)(1 + rng_below(&r, 3));
        a.level[level].sparse[role].skip = others & (uint32_t)rng_below(&r, 4);
        w = (struct nest_walk){.e = &e, .m = &m, .level = level, .child = level - 1, .tensor = t};
        while (w.child >= 0 && !(m.level[w.child].keep >> t & 1)) {
            w.child--;
        }
        w.roles = a.level[level].sparse[role].gate | a.level[level].sparse[role].skip;
        struct sparse_share s = sparse_passing(&a, &e, &m, level, t);
        struct mean mean = {0};
        for (int draw = 0; draw < DRAWS; draw++) {
            mean_add(&mean, walked_share(&w, &r));
        }
        double off = mean_off(&mean, s.energy);
        if ((1 - s.energy) * DRAWS * w.periods < 50) { /* rare: the draws' own spread says little */
            off = fabs(mean.sum / DRAWS - s.energy) / sqrt((s.energy * (1 - s.energy) + 1e-9) / DRAWS);
        }
        out->worst = fmax(out->worst, off);
        out->means++;
        out->tiles += w.child >= 0;
        if (off >= 5) {
            printf("mapping %d (%s): %s from level %d passes %g, walked %g\n", i,
                   random_kind_names[i % RANDOM_KIND_COUNT], e.tensor[t].name, level, s.energy, mean.sum / mean.n);
        }
    }
}
