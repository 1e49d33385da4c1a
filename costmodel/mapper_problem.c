/* Reduces an operator and an accelerator to what the search reads (mapper_search.h). */
#include "costmodel/mapper_search.h"

#include "costmodel/packing.h"
#include "costmodel/sparse.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static struct mp_width width_of(const struct level *v, int bits)
{
    struct packing k = packing_of(v, bits);
    double accesses = (double)k.words / (double)k.per_word;
    double port_bits = accesses * v->word_bits;
    return (struct mp_width){accesses * v->read_pj, accesses * v->write_pj, port_bits, bits, port_bits};
}

/* Takes off what zeros may save at most: words to the next level inside by the rules of this level, words to the one outside by that one's.
 * Sums that are not finished, and widths that the mapper takes for theirs, may be stored as they are. */
static void thin_out(const struct accelerator *a, const struct einsum *e, int l, int t, int bits, struct mp_width *w)
{
    struct sparse_element x;
    const struct level *v = &a->level[l];
    bool output = e->tensor[t].output;
    if (sparse_element(v, e, t, bits, &x)) {
        const struct mp_width y = {x.words * v->read_pj, x.words * v->write_pj, x.port_bits, x.wire_bits, x.hold_bits};
        *w = !output ? y
                     : (struct mp_width){fmin(w->read_pj, y.read_pj), fmin(w->write_pj, y.write_pj),
                                         fmin(w->port_bits, y.port_bits), fmin(w->bits, y.bits),
                                         fmin(w->hold_bits, y.hold_bits)};
    }
    struct sparse_share in = sparse_passing_least(a, e, l, t), out = {1, 1};
    for (int u = l + 1; u < a->n_levels; u++) {
        struct sparse_share s = sparse_passing_least(a, e, u, t);
        out.energy = fmin(out.energy, s.energy);
        out.time = fmin(out.time, s.time);
    }
    w->read_pj *= output ? fmin(in.energy, out.energy) : in.energy;
    w->write_pj *= output ? fmin(in.energy, out.energy) : out.energy;
    w->port_bits *= fmin(in.time, out.time);
    w->bits *= fmin(in.energy, out.energy); /* a level may be passed by */
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
    p->sparse = sparse_any(a, e);
    p->fixed = !p->sparse || sparse_passing_fixed(a, e);
    p->step_share = p->sparse ? sparse_macs(a, e).time : 1;
    p->volume_out = (double)einsum_volume(e, p->out, e->bound);
    for (int t = 0; t < p->nt; t++) {
        const struct einsum_tensor *et = &e->tensor[t];
        init_tensor(&p->tensor[t], et, compact);
        for (int l = 0; l < p->n_levels; l++) {
            p->width[l][t][MP_NARROW] = width_of(&a->level[l], et->bits);
            p->width[l][t][MP_WIDE] = width_of(&a->level[l], et->partial_bits);
            if (p->sparse) {
                thin_out(a, e, l, t, et->bits, &p->width[l][t][MP_NARROW]);
                thin_out(a, e, l, t, et->partial_bits, &p->width[l][t][MP_WIDE]);
            }
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
    int rc = mac_lanes(&a->mac, w_bits, a_bits, &p->lanes, &p->mac_pj, err);
    p->mac_pj *= p->sparse ? sparse_macs(a, e).energy : 1;
    return rc;
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
            bits += ceil(mp_volume(&p->tensor[t], extent) * p->width[l][t][wide].hold_bits);
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
