/* Counts to joules and seconds. Equations (docs/model.md):
 *
 *   accesses = instances * ceil(count / (instances * elements of a word))      per level, tensor and action
 *   storage  = sum (reads + drains) * read_pj + (fills + updates) * write_pj   per physical word
 *   network  = words * bits * pJ/bit/hop * (hops along X + hops along Y) + words over links * bits * pJ/bit/hop
 *            + adds * partial bits * pJ/bit
 *   leakage  = chip's leakage power * cycles / clock
 *   cycles   = max(lock-step steps, max over levels and ports of bits of the busiest instance / bandwidth)
 *
 * with an output's finished sums in its final width and the others in the accumulator's (tensor_count.finished), and every count times the
 * share of it that takes place and every element times what it takes where zeros are known (sparse.h);
 *
 * as Accelergy rolls energies up (METHODS-operator 4.4) and Timeloop bounds latency (4.3), but with every sum billed
 * when it is read to be sent outwards (drains), and in bits. Hops: level_hops(). */
#include "costmodel/cost.h"

#include "costmodel/count_forward.h"
#include "costmodel/packing.h"
#include "costmodel/sparse.h"
#include "costmodel/stalls.h"
#include "costmodel/systolic.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const char *const fidelity_names[] = {"bandwidth", "stalls", "systolic", "calibrated", NULL};
_Static_assert(sizeof fidelity_names / sizeof *fidelity_names == FIDELITY_COUNT + 1, "a name for each fidelity");

struct width {
    struct packing packing;
    double bits;      /* that one element takes of a port's bandwidth */
    double wire_bits; /* of the element itself, on the network */
};

/* Everything about one tensor at one level that prices its movement. */
struct port {
    struct width each; /* of an output: a partial sum */
    struct width done; /* of an output: a finished one */
    bool compressed;   /* then `element` holds */
    struct sparse_element element;
    struct sparse_share inner, outer; /* of the words to and from the next keeper inside, outside */
};

struct ports {
    struct port port[HW_LEVELS][EINSUM_TENSORS];
    struct sparse_share macs;
    bool sparse;
};

static struct width width_of(const struct level *l, int bits)
{
    struct packing p = packing_of(l, bits);
    return (struct width){p, (double)l->word_bits * (double)p.words / (double)p.per_word, bits};
}

static void port_of(const struct accelerator *a, const struct einsum *e, int l, int t, struct port *p)
{
    const struct einsum_tensor *tensor = &e->tensor[t];
    p->each = width_of(&a->level[l], tensor->output ? tensor->partial_bits : tensor->bits);
    p->done = width_of(&a->level[l], tensor->bits);
    p->compressed = false;
    p->inner = p->outer = (struct sparse_share){1, 1};
}

static void add_zeros(const struct accelerator *a, const struct einsum *e, const struct mapping *m, struct ports *ports)
{
    ports->macs = sparse_macs(a, e);
    for (int t = 0; t < e->n_tensors; t++) {
        struct sparse_share inside = {1, 1};
        for (int l = m->n_levels - 1; l >= 0; l--) {
            struct port *p = &ports->port[l][t];
            p->compressed =
                mapping_finished(m, e, l, t) && sparse_element(&a->level[l], e, t, e->tensor[t].bits, &p->element);
            if (p->compressed) {
                p->each.bits = p->done.bits = p->element.port_bits;
                p->each.wire_bits = p->done.wire_bits = p->element.wire_bits;
            }
            p->outer = inside;
            if (m->level[l].keep >> t & 1) {
                inside = sparse_passing(a, e, m, l, t);
            }
            p->inner = inside; /* a level that is passed by wires the words of the keeper outside */
        }
    }
}

static void ports_of(const struct accelerator *a, const struct einsum *e, const struct mapping *m, struct ports *out)
{
    for (int l = 0; l < m->n_levels; l++) {
        for (int t = 0; t < e->n_tensors; t++) {
            port_of(a, e, l, t, &out->port[l][t]);
        }
    }
    out->macs = (struct sparse_share){1, 1};
    out->sparse = sparse_any(a, e);
    if (out->sparse) {
        add_zeros(a, e, m, out);
    }
}

static double accesses(const struct port *p, const struct width *w, double count, int64_t instances)
{
    double n = (double)instances;
    if (p->compressed) {
        return count * p->element.words;
    }
    if (w->packing.per_word == 1) {
        return count * (double)w->packing.words;
    }
    return n * ceil(count / (n * (double)w->packing.per_word));
}

/* Finished sums among updates or drains, where they differ from others. */
static int64_t finished(const struct einsum *e, int t, const struct tensor_count *c, int64_t among)
{
    return e->tensor[t].bits != e->tensor[t].partial_bits && among > 0 ? c->finished : 0;
}

/* Updates or drains, a finished sum as the share of a partial one that it takes. */
static double as_partial(const struct einsum *e, int t, const struct tensor_count *c, const struct port *p, int64_t n)
{
    int64_t done = finished(e, t, c, n);
    return (double)(n - done) + (double)done * (p->done.bits / p->each.bits);
}

/* Hops of tensor t's words on the network below level l. */
static double hops(const struct level *level, const struct einsum *e, const struct mapping_level *ml, int t)
{
    double same[2] = {1, 1};
    for (int i = 0; i < ml->n_spatial; i++) {
        const struct spatial_loop *s = &ml->spatial[i];
        if (!einsum_relevant(e, t, s->dim)) {
            same[s->axis == AXIS_Y] *= (double)s->bound;
        }
    }
    return level_wires(level, ml->keep >> t & 1) ? level_hops(level, same[0], same[1]) : 0;
}

static void price_tensor(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                         const struct counts *n, const struct ports *ports, int l, int t, struct cost *out)
{
    const struct level *level = &a->level[l];
    const struct tensor_count *c = &n->level[l].tensor[t];
    const struct port *p = &ports->port[l][t];
    struct tensor_cost *tc = &out->level[l].tensor[t];
    int64_t instances = n->level[l].instances;
    int64_t done_up = finished(e, t, c, c->updates), done_out = finished(e, t, c, c->drains);
    int64_t done_below = finished(e, t, c, c->words);
    double in = p->inner.energy, outer = p->outer.energy;
    double read = accesses(p, &p->each, (double)c->reads * in, instances) +
                  accesses(p, &p->each, (double)(c->drains - done_out) * outer, instances) +
                  accesses(p, &p->done, (double)done_out * outer, instances) +
                  accesses(p, &p->each, (double)c->forwards * outer, instances);
    double write = accesses(p, &p->each, (double)c->fills * outer, instances) +
                   accesses(p, &p->each, (double)(c->updates - done_up) * in, instances) +
                   accesses(p, &p->done, (double)done_up * in, instances);
    tc->tile = c->tile;
    tc->reads = c->reads;
    tc->fills = c->fills;
    tc->updates = c->updates;
    tc->drains = c->drains;
    tc->forwards = c->forwards;
    tc->network_words = c->words;
    tc->reduction_adds = c->adds;
    tc->accesses = read + write;
    tc->passing = p->inner.energy;
    tc->entries = p->compressed ? p->element.entries : 1;
    tc->tile_bits =
        (double)c->tile * (p->compressed ? p->element.port_bits : width_of(level, mapping_bits(m, e, l, t)).bits);
    tc->tile_meta_bits = p->compressed ? (double)c->tile * p->element.meta_bits : 0;
    tc->moved =
        ((double)(c->reads + c->updates) * in + (double)(c->drains + c->forwards + c->fills) * outer) * tc->entries;
    tc->energy_pj = read * level->read_pj + write * level->write_pj;
    double handed = l > 0 ? (double)n->level[l - 1].tensor[t].forwards : 0; /* from child to child, one hop */
    double up = (double)done_below * p->done.wire_bits + (double)(c->words - done_below) * p->each.wire_bits;
    double way = up * hops(level, e, &m->level[l], t) + handed * p->each.wire_bits;
    tc->network_pj =
        (way * level->hop_pj_per_bit + (double)c->adds * e->tensor[t].partial_bits * level->add_pj_per_bit) *
        p->inner.energy;
    out->storage_pj += tc->energy_pj;
    out->network_pj += tc->network_pj;
}

/* Cycles that the ports of the busiest instance need. */
static double port_cycles(const struct accelerator *a, const struct einsum *e, const struct counts *n,
                          const struct ports *ports, int l, const struct cost_options *opt, double instances)
{
    const struct level *level = &a->level[l];
    double steps = (double)n->compute_cycles * ports->macs.time;
    double read = 0, write = 0; /* bits a step */
    for (int t = 0; t < e->n_tensors; t++) {
        const struct tensor_count *c = &n->level[l].tensor[t];
        const struct port *p = &ports->port[l][t];
        double drains = as_partial(e, t, c, p, c->drains), updates = as_partial(e, t, c, p, c->updates);
        read += ((double)c->reads * p->inner.time + drains * p->outer.time) / instances * p->each.bits / steps;
        write += ((double)c->fills * p->outer.time + updates * p->inner.time) / instances * p->each.bits / steps;
    }
    double need = read / level->read_bits_per_cycle;
    need = fmax(need, write / level->write_bits_per_cycle);
    need = fmax(need, (read + write) / level->shared_bits_per_cycle);
    if (opt->accounting != ACCOUNTING_EXACT) { /* Timeloop's roundings, to the cycle */
        double slow = fmin(1, level->read_bits_per_cycle / read);
        slow = fmin(slow, level->write_bits_per_cycle / write);
        slow = fmin(slow, level->shared_bits_per_cycle / (read + write));
        return ceil(steps / slow);
    }
    return ceil(need * steps * (1 - 1e-12)); /* a whole quotient stays whole */
}

/* Counts as the ports feel them, in elements as a dense machine has them; of the output as partial sums. */
static void felt_counts(const struct accelerator *a, const struct einsum *e, const struct ports *ports,
                        const struct counts *n, struct counts *out)
{
    *out = *n;
    out->compute_cycles = (int64_t)ceil((double)n->compute_cycles * ports->macs.time);
    for (int l = 0; l < a->n_levels; l++) {
        for (int t = 0; t < e->n_tensors; t++) {
            const struct port *p = &ports->port[l][t];
            struct tensor_count *c = &out->level[l].tensor[t];
            double dense =
                width_of(&a->level[l], e->tensor[t].output ? e->tensor[t].partial_bits : e->tensor[t].bits).bits;
            double size = p->each.bits / dense;
            c->tile = (int64_t)ceil((double)c->tile * size);
            c->reads = (int64_t)ceil((double)c->reads * size * p->inner.time);
            c->updates = (int64_t)ceil((double)c->updates * size * p->inner.time);
            c->fills = (int64_t)ceil((double)c->fills * size * p->outer.time);
            c->drains = (int64_t)ceil((double)c->drains * size * p->outer.time);
            c->finished = p->compressed ? 0 : (int64_t)((double)c->finished * fmin(p->inner.time, p->outer.time));
        }
    }
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

/* To a port a word for a neighbour is a read like others. */
static void reads_of_all(const struct counts *n, struct counts *out)
{
    *out = *n;
    for (int l = 0; l < HW_LEVELS; l++) {
        for (int t = 0; t < EINSUM_TENSORS; t++) {
            out->level[l].tensor[t].reads += n->level[l].tensor[t].forwards;
        }
    }
}

static int price_cycles(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                        const struct counts *n, const struct ports *ports, const struct cost_options *opt,
                        struct cost *out, struct err *err)
{
    double instances[HW_LEVELS];
    struct counts busiest, felt, read;
    const struct counts *origin = n;
    if (!n->even) {
        if (count_words(e, m, COUNT_ORIGIN, ACCOUNTING_EXACT, &busiest, err) != 0) {
            return -1;
        }
        origin = &busiest;
    } else if (n->perfect && count_links(a) != 0) {
        reads_of_all(n, &read);
        origin = &read;
    }
    out->compute_cycles = (int64_t)ceil((double)n->compute_cycles * ports->macs.time);
    out->cycles = (double)out->compute_cycles;
    out->binding = -1;
    for (int l = 0; l < m->n_levels; l++) {
        instances[l] = n->even ? (double)n->level[l].instances : 1;
        out->level[l].cycles = port_cycles(a, e, origin, ports, l, opt, instances[l]);
        if (out->level[l].cycles > out->cycles) {
            out->cycles = out->level[l].cycles;
            out->binding = l;
        }
    }
    if (ports->sparse) {
        felt_counts(a, e, ports, origin, &felt);
        origin = &felt;
    }
    if (opt->fidelity == FIDELITY_STALLS) {
        add_stalls(a, e, m, origin, instances, out);
    }
    if (opt->fidelity == FIDELITY_SYSTOLIC) {
        if (systolic_skew(a, e, m, origin, instances, &out->skew_cycles, err) != 0) {
            return -1;
        }
        double steps = (double)out->compute_cycles + out->skew_cycles;
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
            if (tc->reads < 0 || tc->fills < 0 || tc->updates < 0 || tc->drains < 0 || tc->forwards < 0 ||
                tc->network_words < 0 || tc->reduction_adds < 0) {
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

static int count_all(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                     enum accounting accounting, struct counts *out, struct err *err)
{
    uint32_t links = count_links(a);
    if (count_words(e, m, COUNT_ALL, accounting, out, err) != 0) {
        return -1;
    }
    return links != 0 ? count_forward(e, m, links, accounting, out, err) : 0;
}

int cost_evaluate(const struct accelerator *a, const struct einsum *e, const struct mapping *m,
                  const struct cost_options *opt, struct cost *out, struct err *err)
{
    struct counts n;
    struct ports ports;
    int w_bits, a_bits;
    int64_t lanes;
    double pj_per_mac;
    assert(m->n_levels == a->n_levels && opt->fidelity != FIDELITY_CALIBRATED);
    memset(out, 0, sizeof *out);
    mapping_operand_bits(e, &w_bits, &a_bits);
    ports_of(a, e, m, &ports);
    if (mac_lanes(&a->mac, w_bits, a_bits, &lanes, &pj_per_mac, err) != 0 ||
        count_all(a, e, m, opt->accounting, &n, err) != 0 || price_cycles(a, e, m, &n, &ports, opt, out, err) != 0) {
        return -1;
    }
    out->fidelity = opt->fidelity;
    out->macs = n.macs;
    for (int l = 0; l < m->n_levels; l++) {
        out->level[l].instances_used = n.level[l].instances;
        for (int t = 0; t < e->n_tensors; t++) {
            price_tensor(a, e, m, &n, &ports, l, t, out);
        }
    }
    out->working_macs = (double)n.macs * ports.macs.energy;
    out->mac_pj = out->working_macs * pj_per_mac;
    out->leak_pj = a->leak_w * 1e12 * (out->cycles / a->clock_hz);
    out->energy_pj = out->mac_pj + out->storage_pj + out->network_pj + out->leak_pj;
    double units = (double)a->mac.instances * (double)lanes;
    out->utilization = (double)n.macs * ports.macs.time / (units * out->cycles);
    return check_invariants(e, m, out, err);
}
