/* Counts to joules and seconds. Equations (docs/model.md):
 *
 *   accesses = instances * ceil(count / (instances * elements of a word))      per level, tensor and action
 *   storage  = sum (reads + drains) * read_pj + (fills + updates) * write_pj   per physical word
 *   network  = words * bits * pJ/bit/hop * (hops along X + hops along Y) + adds * partial bits * pJ/bit
 *   leakage  = chip's leakage power * cycles / clock
 *   cycles   = max(lock-step steps, max over levels and ports of bits of the busiest instance / bandwidth)
 *
 * as Accelergy rolls energies up (METHODS-operator 4.4) and Timeloop bounds latency (4.3), but with every sum billed
 * when it is read to be sent outwards (drains), and in bits. A word that several children along an axis want travels the
 * whole axis once; else it travels the mean distance. */
#include "costmodel/cost.h"

#include "costmodel/packing.h"
#include "costmodel/stalls.h"
#include "costmodel/systolic.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const char *const fidelity_names[] = {"bandwidth", "stalls", "systolic", NULL};
_Static_assert(sizeof fidelity_names / sizeof *fidelity_names == FIDELITY_COUNT + 1, "a name for each fidelity");

/* Everything about one tensor at one level that prices its movement. */
struct port {
    struct packing packing;
    double bits; /* that one element takes of a port's bandwidth */
    int width;   /* bits of the element itself, on the network */
};

static struct port port_of(const struct accelerator *a, const struct einsum *e, const struct mapping *m, int l, int t)
{
    struct port p;
    p.width = mapping_bits(m, e, l, t);
    p.packing = packing_of(&a->level[l], p.width);
    p.bits = (double)a->level[l].word_bits * (double)p.packing.words / (double)p.packing.per_word;
    return p;
}

static double accesses(const struct port *p, int64_t count, int64_t instances)
{
    if (p->packing.per_word == 1) {
        return (double)count * (double)p->packing.words;
    }
    double n = (double)instances;
    return n * ceil((double)count / (n * (double)p->packing.per_word));
}

/* Hops of tensor t's words along one axis of the network below level l. */
static double hops(const struct level *level, const struct einsum *e, const struct mapping_level *ml, int t,
                   enum axis axis)
{
    for (int i = 0; i < ml->n_spatial; i++) {
        const struct spatial_loop *s = &ml->spatial[i];
        if (s->axis == axis && s->bound > 1 && !einsum_relevant(e, t, s->dim)) {
            return (double)(axis == AXIS_X ? level->fanout_x : level->fanout_y);
        }
    }
    return axis == AXIS_X ? level->hops_x : level->hops_y;
}

static void price_tensor(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                         const struct counts *n, int l, int t, struct cost *out)
{
    const struct level *level = &a->level[l];
    const struct tensor_count *c = &n->level[l].tensor[t];
    struct tensor_cost *tc = &out->level[l].tensor[t];
    int64_t instances = n->level[l].instances;
    struct port p = port_of(a, e, m, l, t);
    double read = accesses(&p, c->reads, instances) + accesses(&p, c->drains, instances);
    double write = accesses(&p, c->fills, instances) + accesses(&p, c->updates, instances);
    tc->tile = c->tile;
    tc->reads = c->reads;
    tc->fills = c->fills;
    tc->updates = c->updates;
    tc->drains = c->drains;
    tc->network_words = c->words;
    tc->reduction_adds = c->adds;
    tc->accesses = read + write;
    tc->energy_pj = read * level->read_pj + write * level->write_pj;
    double distance = hops(level, e, &m->level[l], t, AXIS_X) + hops(level, e, &m->level[l], t, AXIS_Y);
    tc->network_pj = (double)c->words * p.width * level->hop_pj_per_bit * distance +
                     (double)c->adds * e->tensor[t].partial_bits * level->add_pj_per_bit;
    out->storage_pj += tc->energy_pj;
    out->network_pj += tc->network_pj;
}

/* Cycles that the ports of the busiest instance need. */
static double port_cycles(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                          const struct counts *n, int l, enum accounting accounting, double instances)
{
    const struct level *level = &a->level[l];
    double steps = (double)n->compute_cycles;
    double read = 0, write = 0; /* bits a step */
    for (int t = 0; t < e->n_tensors; t++) {
        const struct tensor_count *c = &n->level[l].tensor[t];
        struct port p = port_of(a, e, m, l, t);
        read += (double)(c->reads + c->drains) / instances * p.bits / steps;
        write += (double)(c->fills + c->updates) / instances * p.bits / steps;
    }
    double need = read / level->read_bits_per_cycle;
    need = fmax(need, write / level->write_bits_per_cycle);
    need = fmax(need, (read + write) / level->shared_bits_per_cycle);
    if (accounting != ACCOUNTING_EXACT) { /* Timeloop's roundings, to the cycle */
        double slow = fmin(1, level->read_bits_per_cycle / read);
        slow = fmin(slow, level->write_bits_per_cycle / write);
        slow = fmin(slow, level->shared_bits_per_cycle / (read + write));
        return ceil(steps / slow);
    }
    return ceil(need * steps * (1 - 1e-12)); /* a whole quotient stays whole */
}

static void add_stalls(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                       const struct counts *one, const double *instances, struct cost *out)
{
    struct stalls s;
    stalls_of(a, e, m, one, instances, &s);
    double steps = (double)one->compute_cycles, before = out->cycles;
    for (int l = 0; l < m->n_levels; l++) {
        if (ceil(steps + s.stall[l]) > out->cycles) {
            out->cycles = ceil(steps + s.stall[l]);
            out->binding = l;
        }
    }
    out->stall_cycles = out->cycles - before;
    out->load_cycles = ceil(s.load);
    out->drain_cycles = ceil(s.drain);
    out->cycles += out->load_cycles + out->drain_cycles;
}

static int price_cycles(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                        const struct counts *n, const struct cost_options *opt, struct cost *out, struct err *err)
{
    double instances[HW_LEVELS];
    struct counts busiest;
    const struct counts *origin = n;
    if (!n->perfect) {
        if (count_words(e, m, COUNT_ORIGIN, ACCOUNTING_EXACT, &busiest, err) != 0) {
            return -1;
        }
        origin = &busiest;
    }
    out->compute_cycles = n->compute_cycles;
    out->cycles = (double)n->compute_cycles;
    out->binding = -1;
    for (int l = 0; l < m->n_levels; l++) {
        instances[l] = n->perfect ? (double)n->level[l].instances : 1;
        out->level[l].cycles = port_cycles(a, e, m, origin, l, opt->accounting, instances[l]);
        if (out->level[l].cycles > out->cycles) {
            out->cycles = out->level[l].cycles;
            out->binding = l;
        }
    }
    if (opt->fidelity == FIDELITY_STALLS) {
        add_stalls(a, e, m, origin, instances, out);
    }
    if (opt->fidelity == FIDELITY_SYSTOLIC) {
        if (systolic_skew(a, e, m, origin, instances, &out->skew_cycles, err) != 0) {
            return -1;
        }
        double steps = (double)n->compute_cycles + out->skew_cycles;
        if (steps >= out->cycles) {
            out->cycles = steps;
            out->binding = -1;
        }
    }
    return 0;
}

/* Least words of tensor t that any mapping must move: those that some MAC touches, at least. */
static double compulsory(const struct einsum *e, int t)
{
    double words = 1;
    for (int r = 0; r < e->tensor[t].n_ranks; r++) {
        const struct einsum_rank *rank = &e->tensor[t].rank[r];
        double extent = 1;
        for (int i = 0; i < rank->n_terms; i++) {
            extent += (double)(e->bound[rank->term[i].dim] - 1);
        }
        words *= extent;
    }
    return words;
}

static int check_invariants(const struct einsum *e, const struct mapping *m, const struct cost *c, struct err *err)
{
    if (c->macs != einsum_macs(e)) {
        return err_set(err, ERR_BUG, "operator '%s': %lld MACs counted of %lld", e->name, (long long)c->macs,
                       (long long)einsum_macs(e));
    }
    if (!isfinite(c->energy_pj) || c->energy_pj < 0 || !isfinite(c->cycles) || c->cycles < 1 ||
        c->utilization > 1 + 1e-9) {
        return err_set(err, ERR_BUG, "operator '%s': energy %g pJ, %g cycles, utilization %g", e->name, c->energy_pj,
                       c->cycles, c->utilization);
    }
    for (int l = 0; l < m->n_levels; l++) {
        for (int t = 0; t < e->n_tensors; t++) {
            const struct tensor_cost *tc = &c->level[l].tensor[t];
            if (tc->reads < 0 || tc->fills < 0 || tc->updates < 0 || tc->drains < 0 || tc->network_words < 0 ||
                tc->reduction_adds < 0) {
                return err_set(err, ERR_BUG, "operator '%s': a negative count of '%s'", e->name, e->tensor[t].name);
            }
        }
    }
    for (int t = 0; t < e->n_tensors; t++) {
        const struct tensor_cost *tc = &c->level[m->n_levels - 1].tensor[t];
        int64_t moved = e->tensor[t].output ? tc->updates : tc->reads;
        if ((double)moved < compulsory(e, t)) {
            return err_set(err, ERR_BUG, "operator '%s': '%s' moves %lld words of %g", e->name, e->tensor[t].name,
                           (long long)moved, compulsory(e, t));
        }
    }
    return 0;
}

int cost_evaluate(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                  const struct cost_options *opt, struct cost *out, struct err *err)
{
    struct counts n;
    int w_bits, a_bits;
    int64_t lanes;
    double pj_per_mac;
    assert(m->n_levels == a->n_levels);
    memset(out, 0, sizeof *out);
    mapping_operand_bits(e, &w_bits, &a_bits);
    if (mac_lanes(&a->mac, w_bits, a_bits, &lanes, &pj_per_mac, err) != 0 ||
        count_words(e, m, COUNT_ALL, opt->accounting, &n, err) != 0 || price_cycles(a, e, m, &n, opt, out, err) != 0) {
        return -1;
    }
    out->fidelity = opt->fidelity;
    out->macs = n.macs;
    for (int l = 0; l < m->n_levels; l++) {
        out->level[l].instances_used = n.level[l].instances;
        for (int t = 0; t < e->n_tensors; t++) {
            price_tensor(a, e, m, &n, l, t, out);
        }
    }
    out->mac_pj = (double)n.macs * pj_per_mac;
    out->leak_pj = a->leak_w * 1e12 * (out->cycles / a->clock_hz);
    out->energy_pj = out->mac_pj + out->storage_pj + out->network_pj + out->leak_pj;
    double units = (double)a->mac.instances * (double)lanes;
    out->utilization = (double)n.macs / (units * out->cycles);
    return check_invariants(e, m, out, err);
}
