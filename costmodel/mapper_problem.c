/* Reduces an operator and an accelerator to what the search reads (mapper_search.h). */
#include "costmodel/mapper_search.h"

#include "costmodel/packing.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static struct mp_width width_of(const struct level *v, int bits)
{
    struct packing k = packing_of(v, bits);
    double accesses = (double)k.words / (double)k.per_word;
    return (struct mp_width){accesses * v->read_pj, accesses * v->write_pj, accesses * v->word_bits, bits};
}

static void init_tensor(struct mp_tensor *out, const struct einsum_tensor *t, const int *compact)
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

int mp_problem_init(struct mp_problem *p, const struct accelerator *a, const struct einsum *e, struct err *err)
{
    int w_bits, a_bits, compact[EINSUM_DIMS];
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
        init_tensor(&p->tensor[t], et, compact);
        for (int l = 0; l < p->n_levels; l++) {
            p->width[l][t][MP_NARROW] = width_of(&a->level[l], et->bits);
            p->width[l][t][MP_WIDE] = width_of(&a->level[l], et->partial_bits);
        }
    }
    for (int l = 0; l < p->n_levels; l++) {
        const struct level *v = &a->level[l];
        p->capacity[l] = v->capacity_bits == INT64_MAX ? HUGE_VAL : (double)(v->capacity_bits / v->buffering);
    }
    p->leak_pj_per_cycle = a->leak_w / a->clock_hz * 1e12;
    p->reduction = ((1u << p->nd) - 1) & ~p->tensor[p->out].relevant;
    for (int d = 0; d < p->nd; d++) {
        uint32_t stay = 0;
        int i = 0;
        for (int t = 0; t < p->nt; t++) {
            stay |= (uint32_t) !(p->tensor[t].relevant >> d & 1) << t;
        }
        while (i < p->n_stay && p->stay[i] != stay) {
            i++;
        }
        p->stay[i] = stay;
        p->n_stay += i == p->n_stay;
    }
    mapping_operand_bits(e, &w_bits, &a_bits);
    return mac_lanes(&a->mac, w_bits, a_bits, &p->lanes, &p->mac_pj, err);
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

double mp_tile_bits(const struct mp_problem *p, int l, uint32_t keep, bool wide, const double *extent)
{
    double bits = 0;
    for (int t = 0; t < p->nt; t++) {
        if (keep >> t & 1) {
            bits += ceil(mp_volume(&p->tensor[t], extent) * p->width[l][t][wide].port_bits);
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
