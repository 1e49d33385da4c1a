/* Reduces an operator and an accelerator to what the search reads (mapper_problem.h). */
#include "costmodel/mapper_problem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Words of a physical access: packed when narrow, several accesses when wide. */
static double accesses_per_element(int word_bits, int bits)
{
    if (bits > word_bits) {
        return ceil((double)bits / word_bits);
    }
    return 1.0 / (word_bits / bits);
}

static void init_tensor(struct mp_tensor *out, const struct einsum_tensor *t,
                        const int *compact)
{
    memset(out, 0, sizeof *out);
    out->output = t->output;
    out->role = t->role;
    for (int r = 0; r < t->n_ranks; r++) {
        struct mp_rank *k = &out->rank[out->n_ranks];
        for (int i = 0; i < t->rank[r].n_terms; i++) {
            int d = compact[t->rank[r].term[i].dim];
            if (d < 0) {
                continue;
            }
            k->dim[k->n_terms] = d;
            k->coef[k->n_terms++] = (double)t->rank[r].term[i].coef;
            out->relevant |= 1u << d;
        }
        if (k->n_terms > 1) {
            for (int i = 0; i < k->n_terms; i++) {
                out->sliding |= 1u << k->dim[i];
            }
        }
        out->n_ranks += k->n_terms > 0;
    }
}

int mp_problem_init(struct mp_problem *p, const struct accelerator *a,
                    const struct einsum *e, struct err *err)
{
    const struct einsum_tensor *w = NULL, *in = NULL;
    int compact[EINSUM_DIMS];
    memset(p, 0, sizeof *p);
    p->a = a;
    p->e = e;
    p->n_levels = a->n_levels;
    p->nt = e->n_tensors;
    p->out = einsum_output(e);
    for (int d = 0; d < e->n_dims; d++) {
        compact[d] = -1;
        if (e->bound[d] > 1) {
            compact[d] = p->nd;
            p->dim[p->nd] = d;
            p->bound[p->nd++] = e->bound[d];
        }
    }
    p->macs = (double)einsum_macs(e);
    p->volume_out = (double)einsum_volume(e, p->out, e->bound);
    for (int t = 0; t < p->nt; t++) {
        const struct einsum_tensor *et = &e->tensor[t];
        int bits = et->output ? et->partial_bits : et->bits;
        init_tensor(&p->tensor[t], et, compact);
        p->bits[t] = bits;
        p->tile_bits[t] = bits;
        w = et->role == TENSOR_WEIGHTS && !w ? et : w;
        in = et->role == TENSOR_INPUTS && !in ? et : in;
        for (int l = 0; l < p->n_levels; l++) {
            double n = accesses_per_element(a->level[l].word_bits, bits);
            p->read_pj[l][t] = n * a->level[l].read_pj;
            p->write_pj[l][t] = n * a->level[l].write_pj;
        }
    }
    for (int l = 0; l < p->n_levels; l++) {
        const struct level *v = &a->level[l];
        p->capacity[l] = v->capacity_bits == INT64_MAX
                             ? HUGE_VAL
                             : (double)(v->capacity_bits / v->buffering);
    }
    p->leak_pj_per_cycle = a->leak_w / a->clock_hz * 1e12;
    return mac_lanes(&a->mac, w ? w->bits : 1, in ? in->bits : 1, &p->lanes, &p->mac_pj,
                     err);
}

double mp_volume(const struct mp_tensor *t, const double *extent)
{
    double v = 1;
    for (int r = 0; r < t->n_ranks; r++) {
        const struct mp_rank *k = &t->rank[r];
        double x = 1;
        for (int i = 0; i < k->n_terms; i++) {
            x += k->coef[i] * (extent[k->dim[i]] - 1);
        }
        v *= x;
    }
    return v;
}

double mp_tile_bits(const struct mp_problem *p, uint32_t keep, const double *extent)
{
    double bits = 0;
    for (int t = 0; t < p->nt; t++) {
        if (keep >> t & 1) {
            bits += mp_volume(&p->tensor[t], extent) * (double)p->tile_bits[t];
        }
    }
    return bits;
}

double mp_goal(enum goal goal, double energy_pj, double cycles)
{
    switch (goal) {
    case GOAL_ENERGY:
        return energy_pj;
    case GOAL_LATENCY:
        return cycles;
    default:
        return energy_pj * cycles;
    }
}
