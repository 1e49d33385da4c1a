/* Networks: one operator after the other, each on all cores or on one.
 *
 * Latency is that of one inference: operators run in order, each as fast as the whole machine lets it. Throughput is of inferences back
 * to back: operators on different cores overlap, so the busiest resource sets the pace: a core, or the ports of a level that the cores
 * share (the sum of what all operators ask of it). Activations go through the outermost level between operators.
 *
 * Vector work streams: every operand crosses from the outermost level once (it is read there, and written and read in each level on the
 * way in that is an SRAM), results go back the same way; the vector units of all cores that work on the operator share its operations.
 *
 * An operator alone on a core pays the hops between that core and the corner of the mesh where the shared level has its port: core
 * (x, y) of X times Y stands at (2x + 1) / X of the mean distance along x, likewise along y, so that the mean over the cores is the
 * template's figure. */
#include "costmodel/network_cost.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "costmodel/roofline.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct network_cost *network_cost_new(int n_ops)
{
    struct network_cost *c = mem_alloc(sizeof *c);
    c->op = mem_calloc((size_t)n_ops, sizeof *c->op);
    c->n_ops = n_ops;
    return c;
}

void network_cost_free(struct network_cost *c)
{
    if (c) {
        mem_free(c->op);
        mem_free(c);
    }
}

struct pricing {
    const struct accelerator *a;
    const struct network *net;
    const struct network_options *opt;
    struct memo *memo;
    struct mapper_work *work;
    struct strbuf text;
    struct hash machine; /* of all that is not the operator's */
    struct hash family;  /* of that without the outermost level's bandwidths */
};

/* --- tensor operators ----------------------------------------------------------------- */

static void from_mapping(const struct accelerator *a, const struct einsum *e, const struct mapper_result *best,
                         bool one_core, struct op_cost *out)
{
    const struct cost *c = &best->cost;
    int top = a->n_levels - 1;
    memset(out, 0, sizeof *out);
    out->fits = 1;
    out->cycles = c->cycles;
    out->compute_cycles = (double)c->compute_cycles;
    out->binding = c->binding;
    out->macs = c->macs;
    out->mac_slots = c->utilization > 0 ? (double)c->macs / c->utilization : 0;
    out->mac_pj = c->mac_pj;
    out->cores = one_core || a->core_level < 0 ? 1 : (int)c->level[a->core_level - 1].instances_used;
    for (int l = 0; l <= top; l++) {
        out->level_cycles[l] = c->level[l].cycles;
        for (int t = 0; t < e->n_tensors; t++) {
            const struct tensor_cost *tc = &c->level[l].tensor[t];
            enum tensor_role role = e->tensor[t].role;
            out->storage_pj[l][role] += tc->energy_pj;
            out->network_pj[l][role] += tc->network_pj;
            double bits = tc->accesses * a->level[l].word_bits;
            out->storage_bits[l][role] += bits;
            if (l == top) {
                out->dram_bits += bits;
            }
        }
    }
    /* Nothing is spatial among the cores: all words went the mean distance. */
    if (one_core && a->core_level >= 0) {
        const struct level *v = &a->level[a->core_level];
        double hops = v->hops_x + v->hops_y;
        for (int r = 0; r < TENSOR_ROLE_COUNT; r++) {
            double pj = out->network_pj[a->core_level][r];
            out->hop_pj[r] = hops > 0 ? pj / hops : 0;
            out->network_pj[a->core_level][r] = 0;
        }
    }
}

static struct hash operator_key(struct pricing *p, const struct hash *machine, const struct einsum *e, int core_split)
{
    strbuf_reset(&p->text);
    strbuf_add(&p->text, machine->byte, HASH_BYTES);
    strbuf_addf(&p->text, "split=%d\n", core_split);
    einsum_canonical(e, &p->text);
    return hash_bytes(strbuf_str(&p->text), p->text.len);
}

/* The best mapping by the operator's family, which is made when it is not known; false when the design is outside of it. */
static bool best_of_family(struct pricing *p, const struct einsum *e, const struct mapper_options *opt,
                           struct mapper_result *best)
{
    struct hash machine = p->family, key;
    struct mapper_family *f = mem_alloc(sizeof *f);
    machine.byte[0] ^= (uint8_t)(1 + opt->goal);
    key = operator_key(p, &machine, e, opt->core_split);
    bool known = memo_get(p->opt->families, key, f);
    if (!known && mapper_family_build(f, p->a, e, opt, p->work, NULL) == 0) {
        memo_put(p->opt->families, key, f);
        known = true;
    }
    known = known && mapper_family_best(f, p->a, &p->family, best);
    mem_free(f);
    return known;
}

static int price_tensor(struct pricing *p, const struct op *op, int core_split, struct op_cost *out, struct err *err)
{
    struct mapper_options opt = {
        .goal = p->opt->goal, .effort = p->opt->effort, .budget = p->opt->budget, .core_split = core_split};
    bool family = p->opt->families && opt.effort == MAPPER_EXACT && opt.goal != GOAL_LATENCY && opt.budget == 0;
    struct mapper_result best;
    struct hash key = {{0}};
    if (p->opt->roofline) {
        return roofline_cost(p->a, &op->einsum, core_split, out, err);
    }
    if (p->memo) {
        key = operator_key(p, &p->machine, &op->einsum, core_split);
        if (memo_get(p->memo, key, out) && out->fits) {
            return 0;
        }
    }
    struct err why = ERR_INIT;
    if (!(family && best_of_family(p, &op->einsum, &opt, &best)) &&
        mapper_best(p->a, &op->einsum, &opt, p->work, &best, &why) < 0) {
        memset(out, 0, sizeof *out);
        return err_set(err, why.code, "operator '%s': %s", op->name, why.text);
    }
    from_mapping(p->a, &op->einsum, &best, core_split == CORE_ONE, out);
    if (p->memo) {
        memo_put(p->memo, key, out);
    }
    return 0;
}

/* Scales and zero points come with the weights through DRAM and SRAM, once for each time that these are fetched; where groups share a scale the
 * vector units bring their partial sums together. The mapper does not see either: room for scales on the chip is not asked for. */
static void add_scales(const struct accelerator *a, const struct op *op, struct op_cost *c)
{
    int top = a->n_levels - 1;
    const struct level *dram = &a->level[top];
    if (op->scale_share <= 0 && op->rescale_ops <= 0) {
        return;
    }
    double fetched = dram->read_pj > 0 ? c->storage_pj[top][TENSOR_WEIGHTS] / dram->read_pj * dram->word_bits : 0;
    double cycles = c->cycles, bits = fetched * op->scale_share;
    for (int l = 0; l <= top; l++) {
        if (l == top || a->level[l].kind == LEVEL_SRAM) {
            c->storage_pj[l][TENSOR_WEIGHTS] *= 1 + op->scale_share;
            c->network_pj[l][TENSOR_WEIGHTS] *= 1 + op->scale_share;
        }
    }
    c->hop_pj[TENSOR_WEIGHTS] *= 1 + op->scale_share;
    c->dram_bits += bits;
    c->level_cycles[top] += bits / dram->read_bits_per_cycle;
    c->vector_pj += (double)op->rescale_ops * a->vector.op_pj;
    double lanes = (double)(a->vector.lanes * c->cores), vector = ceil((double)op->rescale_ops / lanes);
    if (c->level_cycles[top] > c->cycles) {
        c->cycles = ceil(c->level_cycles[top]);
        c->binding = top;
    }
    if (vector > c->cycles) {
        c->cycles = vector;
        c->binding = -1;
    }
    c->mac_slots *= cycles > 0 ? c->cycles / cycles : 1;
}

/* --- vector work ------------------------------------------------------------------------ */

static void stream(const struct accelerator *a, enum tensor_role role, double bits, bool inwards, struct op_cost *out)
{
    int top = a->n_levels - 1;
    out->dram_bits += bits;
    for (int l = top; l >= 0; l--) {
        const struct level *v = &a->level[l];
        double words = bits / v->word_bits;
        if (l < top && v->kind != LEVEL_SRAM) {
            continue;
        }
        double pj = inwards ? v->read_pj : v->write_pj;
        if (l < top) {
            pj = v->read_pj + v->write_pj;
        }
        out->storage_pj[l][role] += words * pj;
        out->storage_bits[l][role] += l < top ? 2 * bits : bits;
        out->network_pj[l][role] += bits * v->hop_pj_per_bit * (v->hops_x + v->hops_y);
    }
}

static void price_vector(const struct pricing *p, const struct op *op, int cores, struct op_cost *out)
{
    const struct accelerator *a = p->a;
    const struct network *net = p->net;
    const struct level *dram = &a->level[a->n_levels - 1];
    const struct activation *made = &net->act[op->output];
    double in, weights = (double)op->weights_read * NETWORK_BITS;
    memset(out, 0, sizeof *out);
    out->fits = 1;
    out->cores = cores;
    double read = 0;
    for (int i = 0; i < op->n_inputs; i++) { /* what it is fused to comes from the array, its result is that one's */
        read += i == op->fused_input - 1 ? 0 : (double)net->act[net->edge[op->first_input + i]].elements;
    }
    in = read * NETWORK_BITS;
    /* A cache keeps the rows of earlier steps: only this step's are written. */
    double made_bits = (double)made->elements * made->bits;
    if (op->vector == VECTOR_CACHE) {
        made_bits = (double)network_cache_bits(net, made) * read / (double)made->elements;
    }
    out->vector_pj = (double)op->vector_ops * a->vector.op_pj;
    stream(a, TENSOR_WEIGHTS, weights, true, out);
    stream(a, TENSOR_INPUTS, in, true, out);
    stream(a, TENSOR_OUTPUTS, made_bits, false, out);
    double lanes = (double)(a->vector.lanes * cores);
    double reads = (in + weights) / dram->read_bits_per_cycle;
    double writes = made_bits / dram->write_bits_per_cycle;
    double all = (in + weights + made_bits) / dram->shared_bits_per_cycle;
    double port = fmax(all, fmax(reads, writes));
    out->compute_cycles = op->vector_ops > 0 ? ceil((double)op->vector_ops / lanes) : 0;
    out->level_cycles[a->n_levels - 1] = port;
    out->binding = port > out->compute_cycles ? a->n_levels - 1 : -1;
    out->cycles = ceil(fmax(out->compute_cycles, port));
    out->mac_slots = out->cycles * (double)a->mac.instances;
}

/* --- placement --------------------------------------------------------------------------- */

static void add_hops(const struct accelerator *a, int core, struct op_cost *c)
{
    if (a->core_level < 0 || a->cores == 1) {
        return;
    }
    const struct level *v = &a->level[a->core_level];
    double x = (double)(core % v->fanout_x), y = (double)(core / v->fanout_x);
    double hops = v->hops_x * (2 * x + 1) / (double)v->fanout_x + v->hops_y * (2 * y + 1) / (double)v->fanout_y;
    for (int r = 0; r < TENSOR_ROLE_COUNT; r++) {
        c->network_pj[a->core_level][r] += c->hop_pj[r] * hops;
    }
}

/* The core that an operator runs on alone; -1: all share it. */
static int lone_core(const struct pricing *p, const struct op *op, const struct op_place *place, int *dim, int *unsplit)
{
    *dim = CORE_ONE;
    if (p->a->cores == 1) {
        return 0;
    }
    if (place->split == PLACE_CORE) {
        return place->core;
    }
    if (op->kind != OP_TENSOR) {
        return -1;
    }
    int d = op_split_dim(op, (enum split)place->split);
    if (d < 0) {
        ++*unsplit;
        return 0;
    }
    *dim = d;
    return -1;
}

static int price_op(struct pricing *p, int i, const struct op_place *place, struct network_cost *out, double *core_busy,
                    struct err *err)
{
    const struct op *op = &p->net->op[i];
    struct op_cost *c = &out->op[i];
    int dim;
    if (op->kind == OP_VIEW) {
        memset(c, 0, sizeof *c);
        return 0;
    }
    if (place->split == PLACE_CORE && (place->core < 0 || place->core >= p->a->cores)) {
        return err_set(err, ERR_DATA, "operator '%s' is placed on core %d of %lld", op->name, place->core,
                       (long long)p->a->cores);
    }
    int core = lone_core(p, op, place, &dim, &out->unsplit_ops);
    if (op->kind == OP_VECTOR) {
        price_vector(p, op, core < 0 ? (int)p->a->cores : 1, c);
    } else if (price_tensor(p, op, dim, c, err) < 0) {
        return -1;
    } else {
        add_scales(p->a, op, c);
        if (core >= 0) {
            add_hops(p->a, core, c);
        }
    }
    for (int k = 0; k < p->a->cores; k++) {
        core_busy[k] += core < 0 || core == k ? c->cycles : 0;
    }
    return 0;
}

/* --- totals --------------------------------------------------------------------------------- */

static void add_op(const struct accelerator *a, const struct op_cost *c, struct network_cost *out)
{
    double pj = c->mac_pj + c->vector_pj;
    out->cycles += c->cycles;
    out->macs += c->macs;
    out->mac_slots += c->mac_slots;
    out->mac_pj += c->mac_pj;
    out->vector_pj += c->vector_pj;
    out->dram_bits += c->dram_bits;
    for (int l = 0; l < a->n_levels; l++) {
        for (int r = 0; r < TENSOR_ROLE_COUNT; r++) {
            out->storage_pj[l][r] += c->storage_pj[l][r];
            out->network_pj[l][r] += c->network_pj[l][r];
            pj += c->storage_pj[l][r] + c->network_pj[l][r];
        }
    }
    out->energy_pj += pj;
    if (c->cycles > 0) {
        double w = pj * 1e-12 / (c->cycles / a->clock_hz) + a->leak_w;
        out->peak_power_w = w > out->peak_power_w ? w : out->peak_power_w;
    }
}

static void find_busiest(const struct accelerator *a, const struct network_cost *in, const double *core_busy,
                         struct network_cost *out)
{
    out->busiest_level = -1;
    for (int k = 0; k < a->cores; k++) {
        if (core_busy[k] > out->busiest_cycles) {
            out->busiest_cycles = core_busy[k];
            out->busiest_core = k;
        }
    }
    int first_shared = a->core_level < 0 ? a->n_levels - 1 : a->core_level;
    for (int l = first_shared; l < a->n_levels; l++) {
        double busy = 0;
        for (int i = 0; i < in->n_ops; i++) {
            busy += in->op[i].level_cycles[l];
        }
        if (busy > out->busiest_cycles) {
            out->busiest_cycles = busy;
            out->busiest_level = l;
        }
    }
}

static int finish(const struct pricing *p, const double *core_busy, struct network_cost *out, struct err *err)
{
    const struct accelerator *a = p->a;
    for (int i = 0; i < out->n_ops; i++) {
        add_op(a, &out->op[i], out);
    }
    find_busiest(a, out, core_busy, out);
    out->latency_s = out->cycles / a->clock_hz;
    out->throughput_hz = out->busiest_cycles > 0 ? a->clock_hz / out->busiest_cycles : 0;
    out->leak_pj = a->leak_w * out->latency_s * 1e12;
    out->energy_pj += out->leak_pj;
    out->power_w = out->latency_s > 0 ? out->energy_pj * 1e-12 / out->latency_s : 0;
    out->utilization = out->mac_slots > 0 ? (double)out->macs / out->mac_slots : 0;
    if (!isfinite(out->energy_pj) || !isfinite(out->cycles) || out->energy_pj < 0) {
        return err_set(err, ERR_BUG, "network '%s': energy %g pJ in %g cycles", p->net->name, out->energy_pj,
                       out->cycles);
    }
    return 0;
}

int network_cost_evaluate(const struct accelerator *a, const struct network *net, const struct op_place *place,
                          const struct network_options *opt, struct memo *memo, struct mapper_work *work,
                          struct network_cost *out, struct err *err)
{
    struct pricing p = {.a = a, .net = net, .opt = opt, .memo = memo, .work = work};
    struct op_cost *op = out->op;
    double *core_busy = mem_calloc((size_t)a->cores, sizeof *core_busy);
    int rc = 0;
    assert(out->n_ops == net->n_ops);
    memset(out, 0, sizeof *out);
    out->op = op;
    out->n_ops = net->n_ops;
    if (opt->families) {
        p.family = mapper_family_key(a);
    }
    if (memo) {
        strbuf_addf(&p.text, "goal=%s budget=%lld\n", goal_names[opt->goal], (long long)opt->budget);
        strbuf_adds(&p.text, opt->effort == MAPPER_EXACT ? "exact\n" : "");
        accelerator_canonical(a, &p.text);
        p.machine = hash_bytes(strbuf_str(&p.text), p.text.len);
    }
    for (int i = 0; i < net->n_ops && rc == 0; i++) {
        rc = price_op(&p, i, &place[i], out, core_busy, err);
    }
    if (rc == 0) {
        rc = finish(&p, core_busy, out, err);
    }
    strbuf_release(&p.text);
    mem_free(core_busy);
    return rc;
}
