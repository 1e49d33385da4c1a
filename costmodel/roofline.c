/* Parallelism: along each axis of each fan-out what the dataflow's dimensions can fill, the last pass through them only partly.
 *
 * Words between a store of Z elements and what lies outside: each element once where the smallest tensor fits, else at least
 *
 *   2 MACs / sqrt(Z reuse)
 *
 * (Hong and Kung, STOC 1981, for products of matrices; Demmel and Dinh, arXiv:1802.06905, for convolutions, where an input is used for
 * `reuse` outputs of a sliding window), spread over the tensors by their sizes. A level's reads are what all stores inside one instance of it
 * ask together (words for several children are sent once), its fills what one instance asks alone. */
#include "costmodel/roofline.h"

#include "costmodel/packing.h"

#include <math.h>
#include <string.h>

struct roofline {
    const struct accelerator *a;
    const struct einsum *e;
    double macs, volume[EINSUM_TENSORS], all, reuse; /* elements of each tensor, of all; uses by a sliding window */
    double bits, least_bits;                         /* mean of an element; of the smallest tensor */
    double parallel, used[HW_LEVELS];                /* MACs a step; instances of each level at work */
};

static void measure(struct roofline *r)
{
    const struct einsum *e = r->e;
    double bits = 0;
    r->macs = (double)einsum_macs(e);
    r->reuse = 1;
    r->least_bits = HUGE_VAL;
    for (int t = 0; t < e->n_tensors; t++) {
        double box = 1;
        for (int d = 0; d < e->n_dims; d++) {
            box *= einsum_relevant(e, t, d) ? (double)e->bound[d] : 1;
        }
        r->volume[t] = (double)einsum_volume(e, t, e->bound);
        r->all += r->volume[t];
        r->reuse = fmax(r->reuse, box / r->volume[t]);
        double own = r->volume[t] * e->tensor[t].bits;
        bits += own;
        r->least_bits = fmin(r->least_bits, own);
    }
    r->bits = bits / r->all;
}

/* Children of an axis that work on average when the dimensions that it may unroll pass over it. */
static double filled(const struct einsum *e, int n, const char name[][8], int64_t fanout)
{
    double all = 1;
    for (int i = 0; i < n; i++) {
        int d = einsum_dim(e, name[i]);
        all *= d >= 0 ? (double)e->bound[d] : 1;
    }
    return n < 0 ? (double)fanout : all / ceil(all / (double)fanout);
}

static double cores_used(const struct roofline *r, int core_split)
{
    double cores = (double)r->a->cores, bound = core_split >= 0 ? (double)r->e->bound[core_split] : cores;
    return core_split == CORE_ONE ? 1 : core_split == CORE_ANY ? cores : bound / ceil(bound / cores);
}

static void unroll(struct roofline *r, int core_split, int64_t lanes)
{
    const struct accelerator *a = r->a;
    double n = 1;
    for (int l = a->n_levels - 1; l >= 0; l--) {
        r->used[l] = n;
        if (l == a->core_level) {
            n *= cores_used(r, core_split);
            continue;
        }
        n *= filled(r->e, a->dataflow.spatial[l].n_x, a->dataflow.spatial[l].x, a->level[l].fanout_x);
        n *= filled(r->e, a->dataflow.spatial[l].n_y, a->dataflow.spatial[l].y, a->level[l].fanout_y);
    }
    r->parallel = fmin(n * (double)lanes, r->macs);
}

/* How often each element crosses into a store of so many bits, on average. */
static double passes(const struct roofline *r, double store_bits)
{
    if (store_bits >= r->least_bits) {
        return 1;
    }
    double z = fmax(store_bits / r->bits, 1);
    return fmax(1, 2 * r->macs / sqrt(z * r->reuse) / r->all);
}

/* Bits that instances of levels 0..top hold within one instance of level `of`. */
static double store_bits(const struct accelerator *a, int top, int of)
{
    double bits = 0;
    for (int k = 0; k <= top; k++) {
        bits += (double)a->level[k].capacity_bits * (double)a->level[k].instances;
    }
    return bits / (double)a->level[of].instances;
}

static void add_level(const struct roofline *r, int l, struct op_cost *out)
{
    const struct level *v = &r->a->level[l];
    int top = r->a->n_levels - 1;
    double hops = v->hops_x + v->hops_y, read_bits = 0, write_bits = 0;
    /* Each MAC takes its operands from level 0, where nothing lies between. */
    double down = l > 0 ? passes(r, store_bits(r->a, l - 1, l)) : r->macs / sqrt(fmax(r->parallel / r->used[0], 1));
    double up = l < top ? passes(r, store_bits(r->a, l, l)) : 0;
    for (int t = 0; t < r->e->n_tensors; t++) {
        const struct einsum_tensor *tensor = &r->e->tensor[t];
        if (v->keep[tensor->role] == KEEP_NEVER) {
            continue;
        }
        struct packing p = packing_of(v, tensor->bits);
        double words = (double)p.words / (double)p.per_word, inner = l > 0 ? down * r->volume[t] : down;
        double outer = up * r->volume[t], read = tensor->output ? outer : inner;
        double write = tensor->output ? inner : outer;
        out->storage_pj[l][tensor->role] += words * (read * v->read_pj + write * v->write_pj);
        out->network_pj[l][tensor->role] += inner * tensor->bits * v->hop_pj_per_bit * hops;
        read_bits += read * words * v->word_bits;
        write_bits += write * words * v->word_bits;
        out->storage_bits[l][tensor->role] += (read + write) * words * v->word_bits;
    }
    double cycles = fmax(read_bits / v->read_bits_per_cycle, write_bits / v->write_bits_per_cycle);
    out->level_cycles[l] = fmax(cycles, (read_bits + write_bits) / v->shared_bits_per_cycle) / fmax(r->used[l], 1);
    if (l == top) {
        out->dram_bits = read_bits + write_bits;
    }
    if (out->level_cycles[l] > out->cycles) {
        out->cycles = ceil(out->level_cycles[l]);
        out->binding = l;
    }
}

int roofline_cost(const struct accelerator *a, const struct einsum *e, int core_split, struct op_cost *out,
                  struct err *err)
{
    struct roofline r = {.a = a, .e = e};
    int w_bits, a_bits;
    int64_t lanes;
    double pj;
    memset(out, 0, sizeof *out);
    mapping_operand_bits(e, &w_bits, &a_bits);
    if (mac_lanes(&a->mac, w_bits, a_bits, &lanes, &pj, err) < 0) {
        return -1;
    }
    measure(&r);
    unroll(&r, core_split, lanes);
    out->fits = 1;
    out->binding = -1;
    out->cores = core_split == CORE_ONE ? 1 : (int)a->cores;
    out->macs = einsum_macs(e);
    out->mac_pj = r.macs * pj;
    out->compute_cycles = out->cycles = ceil(r.macs / r.parallel);
    for (int l = 0; l < a->n_levels; l++) {
        add_level(&r, l, out);
    }
    out->mac_slots = out->cycles * (double)(a->mac.instances * lanes);
    return 0;
}
