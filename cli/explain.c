#include "cli/explain.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/breakdown.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORST 8

static const char *quantity(double v, struct dim dim, char *buf, size_t size)
{
    struct strbuf t = STRBUF_INIT;
    quantity_print(v, dim, &t);
    snprintf(buf, size, "%s", strbuf_str(&t));
    strbuf_release(&t);
    return buf;
}

static double op_energy(const struct accelerator *a, const struct op_cost *o)
{
    double sum = o->mac_pj + o->vector_pj;
    for (int l = 0; l < a->n_levels; l++) {
        for (int t = 0; t < TENSOR_ROLE_COUNT; t++) {
            sum += o->storage_pj[l][t] + o->network_pj[l][t];
        }
    }
    return sum;
}

static int find_layer(const struct evaluation_detail *d, const char *layer, struct err *err)
{
    int i = layer != NULL ? network_find_op(d->network, layer) : -1;
    if (layer == NULL || i >= 0) {
        return i;
    }
    const char **names = mem_calloc((size_t)d->network->n_ops + 1, sizeof *names);
    for (int k = 0; k < d->network->n_ops; k++) {
        names[k] = d->network->op[k].name;
    }
    const char *near = suggest(layer, names, d->network->n_ops);
    mem_free(names);
    return err_set(err, ERR_USAGE,
                   near ? "no operator '%s'; did you mean '%s'?"
                        : "no operator '%s' (`dovetail workload MODEL --operators` lists them)",
                   layer, near) -
           1;
}

static void print_accelerator(const struct accelerator *a)
{
    char buf[64];
    printf("\naccelerator  %s, %lld core%s at %s", a->name, (long long)a->cores, a->cores == 1 ? "" : "s",
           quantity(a->clock_hz, DIM_FREQUENCY, buf, sizeof buf));
    printf(", %s", quantity(a->voltage_v, DIM_VOLTAGE, buf, sizeof buf));
    printf(", %s\n", quantity(a->area_mm2 * 1e-6, DIM_AREA, buf, sizeof buf));
    printf("  %-8s %10s %8s %9s %11s %11s  %s\n", "level", "size", "count", "fan-out", "read pJ", "write pJ", "source");
    for (int l = a->n_levels - 1; l >= 0; l--) {
        const struct level *v = &a->level[l];
        printf("  %-8s %10s %8lld %4lldx%-4lld %11.4g %11.4g  %s\n", v->name,
               v->capacity_bits == INT64_MAX ? "-" : quantity((double)v->capacity_bits, DIM_DATA, buf, sizeof buf),
               (long long)v->instances, (long long)v->fanout_x, (long long)v->fanout_y, v->read_pj, v->write_pj,
               v->source);
    }
    const struct mac *m = &a->mac;
    printf("  %-8s %7dx%-2d %8lld %9s %11.4g %11s  %s\n", "MAC", m->w_bits, m->a_bits, (long long)m->instances, "",
           m->mul_pj + m->add_pj, "", m->source);
    printf("  %-8s %10s %8lld %9s %11.4g %11s  %s\n", "vector", "", (long long)(a->vector.lanes * a->cores), "",
           a->vector.op_pj, "", a->vector.source);
    printf("  (energies a physical word of %d", a->level[0].word_bits);
    for (int l = 1; l < a->n_levels; l++) {
        printf(", %d", a->level[l].word_bits);
    }
    printf(" bits, innermost first; MAC: a product and its accumulation)\n");
    for (int l = a->n_levels - 1; l >= 0; l--) {
        const struct level *v = &a->level[l];
        if (v->hop_pj_per_bit > 0) {
            printf("  network below %-8s %.4g pJ a bit and hop  %s%s\n", v->name, v->hop_pj_per_bit, v->network_source,
                   v->links ? "; links between neighbours" : "");
        }
    }
    printf("  technology %s\n", a->source);
}

/* `leak_pj`: NAN for an operator, since leakage is of the whole network. */
static void print_breakdown(const struct accelerator *a, double storage[][TENSOR_ROLE_COUNT],
                            double network[][TENSOR_ROLE_COUNT], double mac_pj, double vector_pj, double leak_pj)
{
    double total = mac_pj + vector_pj + (leak_pj >= 0 ? leak_pj : 0);
    for (int l = 0; l < a->n_levels; l++) {
        for (int t = 0; t < TENSOR_ROLE_COUNT; t++) {
            total += storage[l][t] + network[l][t];
        }
    }
    char buf[64];
    printf("\n  %-8s %-9s %12s %7s %12s %7s\n", "level", "tensor", "storage", "", "network", "");
    for (int l = a->n_levels - 1; l >= 0; l--) {
        for (int t = 0; t < TENSOR_ROLE_COUNT; t++) {
            if (storage[l][t] + network[l][t] <= 0) {
                continue;
            }
            printf("  %-8s %-9s %12s %6.1f%%", a->level[l].name, tensor_role_names[t],
                   quantity(storage[l][t] * 1e-12, DIM_ENERGY, buf, sizeof buf), 100 * storage[l][t] / total);
            printf(" %12s %6.1f%%\n", quantity(network[l][t] * 1e-12, DIM_ENERGY, buf, sizeof buf),
                   100 * network[l][t] / total);
        }
    }
    printf("  %-18s %12s %6.1f%%\n", "MACs", quantity(mac_pj * 1e-12, DIM_ENERGY, buf, sizeof buf),
           100 * mac_pj / total);
    printf("  %-18s %12s %6.1f%%\n", "vector work", quantity(vector_pj * 1e-12, DIM_ENERGY, buf, sizeof buf),
           100 * vector_pj / total);
    if (leak_pj >= 0) {
        printf("  %-18s %12s %6.1f%%\n", "leakage", quantity(leak_pj * 1e-12, DIM_ENERGY, buf, sizeof buf),
               100 * leak_pj / total);
    }
}

static const char *binding_name(const struct accelerator *a, const struct op_cost *o)
{
    return o->binding < 0 ? "compute" : a->level[o->binding].name;
}

static void print_op(const struct evaluation_detail *d, int i, double total_pj)
{
    const struct op *op = &d->network->op[i];
    const struct op_cost *o = &d->cost->op[i];
    char e[64], t[64], where[32];
    double pj = op_energy(&d->accelerator, o);
    if (d->place[i].split == PLACE_CORE) {
        snprintf(where, sizeof where, "core%d", d->place[i].core);
    } else {
        snprintf(where, sizeof where, "%s", split_names[d->place[i].split]);
    }
    printf("  %-26s %12s %6.1f%% %12s %6.1f%%  %-9s %d/%d  %s\n", op->name,
           quantity(pj * 1e-12, DIM_ENERGY, e, sizeof e), 100 * pj / total_pj,
           quantity(o->cycles / d->accelerator.clock_hz, DIM_TIME, t, sizeof t), 100 * o->cycles / d->cost->cycles,
           binding_name(&d->accelerator, o), op->w_bits, op->a_bits, op->kind == OP_TENSOR ? where : "vector unit");
}

struct ranked {
    int op;
    double pj;
};

static int by_energy(const void *pa, const void *pb)
{
    const struct ranked *a = pa, *b = pb;
    return a->pj != b->pj ? (a->pj < b->pj ? 1 : -1) : a->op - b->op;
}

static void print_worst(const struct evaluation_detail *d)
{
    int n = d->network->n_ops;
    struct ranked *r = mem_calloc((size_t)n + 1, sizeof *r);
    double total = 0;
    for (int i = 0; i < n; i++) {
        r[i] = (struct ranked){i, op_energy(&d->accelerator, &d->cost->op[i])};
        total += r[i].pj;
    }
    qsort(r, (size_t)n, sizeof *r, by_energy);
    printf("\n  %-26s %12s %7s %12s %7s  %-9s %s  %s\n", "dearest operators", "energy", "", "time", "", "bound by",
           "W/A", "runs on");
    for (int i = 0; i < n && i < WORST; i++) {
        print_op(d, r[i].op, total);
    }
    mem_free(r);
}

int explain_print(const struct evaluation_detail *d, const char *layer, struct err *err)
{
    int only = find_layer(d, layer, err);
    if (only < -1) {
        return -1;
    }
    struct network_cost *c = d->cost;
    print_accelerator(&d->accelerator);
    if (only >= 0) {
        struct op_cost *o = &c->op[only];
        print_breakdown(&d->accelerator, o->storage_pj, o->network_pj, o->mac_pj, o->vector_pj, NAN);
        printf("\n");
        print_op(d, only, op_energy(&d->accelerator, o));
        return 0;
    }
    print_breakdown(&d->accelerator, c->storage_pj, c->network_pj, c->mac_pj, c->vector_pj, c->leak_pj);
    print_worst(d);
    if (c->unsplit_ops > 0) {
        printf("  note: %d operators have no such dimension to be split along and run on core 0\n", c->unsplit_ops);
    }
    return 0;
}

static json_t *breakdown_json(const struct accelerator *a, double storage[][TENSOR_ROLE_COUNT],
                              double network[][TENSOR_ROLE_COUNT])
{
    json_t *rows = json_array();
    for (int l = a->n_levels - 1; l >= 0; l--) {
        for (int t = 0; t < TENSOR_ROLE_COUNT; t++) {
            json_array_append_new(rows, json_pack("{s:s, s:s, s:f, s:f}", "level", a->level[l].name, "tensor",
                                                  tensor_role_names[t], "storage_j", storage[l][t] * 1e-12, "network_j",
                                                  network[l][t] * 1e-12));
        }
    }
    return rows;
}

json_t *explain_json(const struct evaluation_detail *d, const char *layer, struct err *err)
{
    if (find_layer(d, layer, err) < -1) {
        return NULL;
    }
    const struct accelerator *a = &d->accelerator;
    json_t *levels = json_array(), *ops = json_array();
    for (int l = a->n_levels - 1; l >= 0; l--) {
        const struct level *v = &a->level[l];
        json_array_append_new(levels, json_pack("{s:s, s:I, s:f, s:f, s:i, s:s}", "name", v->name, "instances",
                                                (json_int_t)v->instances, "read_j", v->read_pj * 1e-12, "write_j",
                                                v->write_pj * 1e-12, "word_bits", v->word_bits, "source", v->source));
    }
    for (int i = 0; i < d->network->n_ops; i++) {
        const struct op *op = &d->network->op[i];
        struct op_cost *o = &d->cost->op[i];
        if (layer == NULL || strcmp(layer, op->name) == 0) {
            json_array_append_new(ops, json_pack("{s:s, s:f, s:f, s:f, s:f, s:s, s:i, s:i, s:o}", "name", op->name,
                                                 "energy_j", op_energy(a, o) * 1e-12, "energy_mac_j", o->mac_pj * 1e-12,
                                                 "energy_vector_j", o->vector_pj * 1e-12, "latency_s",
                                                 o->cycles / a->clock_hz, "bound_by", binding_name(a, o), "w_bits",
                                                 op->w_bits, "a_bits", op->a_bits, "energy",
                                                 breakdown_json(a, o->storage_pj, o->network_pj)));
        }
    }
    return json_pack("{s:s, s:f, s:o, s:s, s:o, s:f, s:f, s:f, s:o}", "accelerator", a->name, "clock_hz", a->clock_hz,
                     "levels", levels, "mac_source", a->mac.source, "energy",
                     breakdown_json(a, d->cost->storage_pj, d->cost->network_pj), "energy_mac_j",
                     d->cost->mac_pj * 1e-12, "energy_vector_j", d->cost->vector_pj * 1e-12, "energy_leakage_j",
                     d->cost->leak_pj * 1e-12, "operators", ops);
}

/* Cycles and energy are those that the evaluation counts for the operator, on all its cores: the mapper's own are of one. */
static int print_mapping(const struct evaluation_detail *d, int i, struct err *err)
{
    const struct op *op = &d->network->op[i];
    struct mapper_result r;
    if (breakdown_mapping(d, i, &r, err) < 0) {
        return -1;
    }
    struct strbuf t = STRBUF_INIT;
    char e[64];
    mapping_print(&r.mapping, &d->accelerator, &op->einsum, &t);
    printf("\n%s: %.6g cycles, %s, utilization %.1f %%\n%s", op->name, d->cost->op[i].cycles,
           quantity(op_energy(&d->accelerator, &d->cost->op[i]) * 1e-12, DIM_ENERGY, e, sizeof e),
           100 * r.cost.utilization, strbuf_str(&t));
    strbuf_release(&t);
    return 0;
}

static int add_mapping(const struct evaluation_detail *d, int i, json_t *list, struct err *err)
{
    const struct op *op = &d->network->op[i];
    struct mapper_result r;
    if (breakdown_mapping(d, i, &r, err) < 0) {
        return -1;
    }
    struct strbuf t = STRBUF_INIT;
    mapping_write(&r.mapping, &d->accelerator, &op->einsum, &t);
    json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:f, s:f}", "operator", op->name, "mapping", strbuf_str(&t),
                                          "cycles", d->cost->op[i].cycles, "energy_j",
                                          op_energy(&d->accelerator, &d->cost->op[i]) * 1e-12, "utilization",
                                          r.cost.utilization));
    strbuf_release(&t);
    return 0;
}

int explain_mappings(const struct evaluation_detail *d, const char *layer, json_t *list, struct err *err)
{
    int only = find_layer(d, layer, err);
    int bad = only < -1 ? -1 : 0;
    for (int i = 0; i < d->network->n_ops && !bad; i++) {
        if (d->network->op[i].kind == OP_TENSOR && (only < 0 || i == only)) {
            bad = list != NULL ? add_mapping(d, i, list, err) : print_mapping(d, i, err);
        }
    }
    return bad;
}
