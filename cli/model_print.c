#include "cli/model_print.h"

#include "base/strbuf.h"
#include "base/units.h"
#include "cli/table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static const char *binding_of(const struct pricing *p)
{
    return p->cost.binding < 0 ? "compute" : p->accelerator.level[p->cost.binding].name;
}

static void say(const char *what, double value, struct dim dim)
{
    struct strbuf text = STRBUF_INIT;
    quantity_print(value, dim, &text);
    printf("  %-12s %s\n", what, strbuf_str(&text));
    strbuf_release(&text);
}

static void cell(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void cell(struct table *t, const char *fmt, ...)
{
    struct strbuf text = STRBUF_INIT;
    va_list args;
    va_start(args, fmt);
    strbuf_vaddf(&text, fmt, args);
    va_end(args);
    table_cell(t, strbuf_str(&text));
    strbuf_release(&text);
}

static void energy_cell(struct table *t, double pj)
{
    struct strbuf text = STRBUF_INIT;
    quantity_print(pj * 1e-12, DIM_ENERGY, &text);
    table_cell(t, strbuf_str(&text));
    strbuf_release(&text);
}

static void print_table(struct table *t)
{
    struct strbuf out = STRBUF_INIT;
    table_print(t, t->n_columns, false, &out);
    printf("\n%s", strbuf_str(&out));
    strbuf_release(&out);
    table_release(t);
}

static void columns(struct table *t, const char *const *titles)
{
    table_init(t);
    for (int i = 0; titles[i] != NULL; i++) {
        table_column(t, titles[i], i < 2 ? TABLE_LEFT : TABLE_RIGHT);
    }
}

/* Words that moved, in elements over all instances. */
static void print_traffic(const struct pricing *p)
{
    static const char *const titles[] = {"level",   "tensor", "bits",     "tile",   "reads",   "fills",
                                         "updates", "drains", "accesses", "energy", "network", NULL};
    struct table t;
    columns(&t, titles);
    for (int l = p->accelerator.n_levels - 1; l >= 0; l--) {
        for (int i = 0; i < p->einsum.n_tensors; i++) {
            const struct tensor_cost *c = &p->cost.level[l].tensor[i];
            bool kept = p->mapping.level[l].keep >> i & 1;
            cell(&t, "%s", p->accelerator.level[l].name);
            cell(&t, "%s", p->einsum.tensor[i].name);
            if (kept) {
                cell(&t, "%d", mapping_bits(&p->mapping, &p->einsum, l, i));
                cell(&t, "%lld", (long long)c->tile);
                cell(&t, "%lld", (long long)c->reads);
                cell(&t, "%lld", (long long)c->fills);
                cell(&t, "%lld", (long long)c->updates);
                cell(&t, "%lld", (long long)c->drains);
                cell(&t, "%.0f", c->accesses);
                energy_cell(&t, c->energy_pj);
            } else {
                cell(&t, "past");
                for (int k = 0; k < 7; k++) {
                    cell(&t, "-");
                }
            }
            energy_cell(&t, c->network_pj);
        }
    }
    print_table(&t);
    for (int l = 0; l < p->accelerator.n_levels; l++) {
        for (int i = 0; i < p->einsum.n_tensors; i++) {
            if (p->cost.level[l].tensor[i].forwards > 0) {
                printf("\nneighbours in %s hand on %lld words of %s\n", p->accelerator.level[l].name,
                       (long long)p->cost.level[l].tensor[i].forwards, p->einsum.tensor[i].name);
            }
        }
    }
}

/* What zeros make of it, where the accelerator knows them. */
static void print_zeros(const struct pricing *p)
{
    static const char *const titles[] = {"level",   "tensor",    "format",         "density", "entries",
                                         "passing", "tile bits", "metadata of it", "moved",   NULL};
    struct table t;
    columns(&t, titles);
    for (int l = p->accelerator.n_levels - 1; l >= 0; l--) {
        for (int i = 0; i < p->einsum.n_tensors; i++) {
            const struct tensor_cost *c = &p->cost.level[l].tensor[i];
            const struct einsum_tensor *tensor = &p->einsum.tensor[i];
            if (p->mapping.level[l].keep >> i & 1) {
                cell(&t, "%s", p->accelerator.level[l].name);
                cell(&t, "%s", tensor->name);
                cell(&t, "%s", sparse_format_names[p->accelerator.level[l].sparse[tensor->role].format]);
                cell(&t, "%.4g", mapping_finished(&p->mapping, &p->einsum, l, i) ? tensor->density : 1);
                cell(&t, "%.4g", c->entries);
                cell(&t, "%.4g", c->passing);
                cell(&t, "%.1f", c->tile_bits);
                cell(&t, "%.1f", c->tile_meta_bits);
                cell(&t, "%.1f", c->moved);
            }
        }
    }
    print_table(&t);
    printf(
        "\nexpected values: entries stored for an element, share of the words to the next level inside that pass (the "
        "others are gated or skipped), elements moved in all\n");
}

static void bandwidth_cell(struct table *t, double limit)
{
    if (isfinite(limit)) {
        cell(t, "%.4g", limit);
    } else {
        cell(t, "-");
    }
}

/* Levels: what is used, cycles that the ports need, and what an access costs. */
static void print_levels(const struct pricing *p)
{
    static const char *const titles[] = {"level", "source", "instances", "used", "cycles", "read bits/cycle",
                                         "write", "shared", "word",      "read", "write",  NULL};
    struct table t;
    columns(&t, titles);
    for (int l = p->accelerator.n_levels - 1; l >= 0; l--) {
        const struct level *v = &p->accelerator.level[l];
        const struct level_cost *c = &p->cost.level[l];
        cell(&t, "%s", v->name);
        cell(&t, "%s", v->source);
        cell(&t, "%lld", (long long)v->instances);
        cell(&t, "%lld", (long long)c->instances_used);
        cell(&t, "%.0f", c->cycles);
        bandwidth_cell(&t, v->read_bits_per_cycle);
        bandwidth_cell(&t, v->write_bits_per_cycle);
        bandwidth_cell(&t, v->shared_bits_per_cycle);
        cell(&t, "%d bit", v->word_bits);
        energy_cell(&t, v->read_pj);
        energy_cell(&t, v->write_pj);
    }
    const struct mac *m = &p->accelerator.mac;
    cell(&t, "MAC");
    cell(&t, "%s", m->source);
    cell(&t, "%lld", (long long)m->instances);
    cell(&t, "%.0f", (double)p->cost.macs / (double)p->cost.compute_cycles);
    cell(&t, "%lld", (long long)p->cost.compute_cycles);
    for (int k = 0; k < 3; k++) {
        cell(&t, "-");
    }
    cell(&t, "%dx%d", m->w_bits, m->a_bits);
    energy_cell(&t, p->cost.mac_pj / (double)p->cost.macs);
    cell(&t, "-");
    print_table(&t);
}

void model_print(const struct pricing *p, const struct cost_options *options, bool explain)
{
    const struct cost *c = &p->cost;
    struct strbuf text = STRBUF_INIT;
    if (explain) {
        mapping_print(&p->mapping, &p->accelerator, &p->einsum, &text);
        printf("%s\n", strbuf_str(&text));
        strbuf_reset(&text);
    }
    mapping_write(&p->mapping, &p->accelerator, &p->einsum, &text);
    printf("%s on %s, %lld MACs\n  %-12s %s%s\n", p->einsum.name, p->accelerator.name, (long long)c->macs, "mapping",
           strbuf_str(&text), p->mapped ? "  (the mapper's)" : "");
    strbuf_release(&text);
    say("energy", c->energy_pj * 1e-12, DIM_ENERGY);
    say("  MACs", c->mac_pj * 1e-12, DIM_ENERGY);
    say("  storage", c->storage_pj * 1e-12, DIM_ENERGY);
    say("  networks", c->network_pj * 1e-12, DIM_ENERGY);
    say("  leakage", c->leak_pj * 1e-12, DIM_ENERGY);
    say("latency", c->cycles / p->accelerator.clock_hz, DIM_TIME);
    printf("  %-12s %.0f, %lld of them compute, bound by %s\n", "cycles", c->cycles, (long long)c->compute_cycles,
           binding_of(p));
    if (c->fidelity == FIDELITY_STALLS) {
        printf("  %-12s %.0f stalled, %.0f first load, %.0f last drain\n", "", c->stall_cycles, c->load_cycles,
               c->drain_cycles);
    }
    if (c->fidelity == FIDELITY_SYSTOLIC) {
        printf("  %-12s %.0f for the array to fill and drain\n", "", c->skew_cycles);
    }
    if (c->working_macs < (double)c->macs) {
        printf("  %-12s %.0f of them, as expected with zeros\n", "MACs at work", c->working_macs);
    }
    printf("  %-12s %.1f%%\n  %-12s %s accounting, %s fidelity\n", "utilization", 100 * c->utilization, "by",
           accounting_names[options->accounting], fidelity_names[c->fidelity]);
    if (explain) {
        print_traffic(p);
        if (p->zeros) {
            print_zeros(p);
        }
        print_levels(p);
        printf("\ncounts are elements over all instances; 'past': the level does not keep the tensor\n");
    }
}

static json_t *tensor_json(const struct pricing *p, int l, int t)
{
    const struct tensor_cost *c = &p->cost.level[l].tensor[t];
    return json_pack(
        "{s:b, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "kept",
        (int)(p->mapping.level[l].keep >> t & 1), "bits", mapping_bits(&p->mapping, &p->einsum, l, t), "tile",
        (json_int_t)c->tile, "reads", (json_int_t)c->reads, "fills", (json_int_t)c->fills, "updates",
        (json_int_t)c->updates, "drains", (json_int_t)c->drains, "forwards", (json_int_t)c->forwards, "network_words",
        (json_int_t)c->network_words, "reduction_adds", (json_int_t)c->reduction_adds, "accesses", c->accesses,
        "energy_j", c->energy_pj * 1e-12, "network_j", c->network_pj * 1e-12, "entries", c->entries, "passing",
        c->passing, "tile_bytes", c->tile_bits / 8, "tile_metadata_bytes", c->tile_meta_bits / 8, "moved", c->moved);
}

json_t *model_json(const struct pricing *p, const struct cost_options *options)
{
    const struct cost *c = &p->cost;
    struct strbuf text = STRBUF_INIT;
    json_t *levels = json_object();
    mapping_write(&p->mapping, &p->accelerator, &p->einsum, &text);
    for (int l = p->accelerator.n_levels - 1; l >= 0; l--) {
        const struct level *v = &p->accelerator.level[l];
        json_t *tensors = json_object();
        for (int t = 0; t < p->einsum.n_tensors; t++) {
            json_object_set_new(tensors, p->einsum.tensor[t].name, tensor_json(p, l, t));
        }
        json_object_set_new(levels, v->name,
                            json_pack("{s:I, s:f, s:i, s:f, s:f, s:s, s:o}", "instances_used",
                                      (json_int_t)c->level[l].instances_used, "cycles", c->level[l].cycles, "word_bits",
                                      v->word_bits, "read_j", v->read_pj * 1e-12, "write_j", v->write_pj * 1e-12,
                                      "source", v->source, "tensors", tensors));
    }
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:b, s:s, s:s, s:I, s:f, s:I, s:f, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s, s:o}",
        "operator", p->einsum.name, "accelerator", p->accelerator.name, "mapping", strbuf_str(&text), "mapped",
        (int)p->mapped, "accounting", accounting_names[options->accounting], "fidelity", fidelity_names[c->fidelity],
        "macs", (json_int_t)c->macs, "working_macs", c->working_macs, "compute_cycles", (json_int_t)c->compute_cycles,
        "cycles", c->cycles, "bound_by", binding_of(p), "latency_s", c->cycles / p->accelerator.clock_hz, "utilization",
        c->utilization, "energy_j", c->energy_pj * 1e-12, "energy_mac_j", c->mac_pj * 1e-12, "energy_storage_j",
        c->storage_pj * 1e-12, "energy_network_j", c->network_pj * 1e-12, "energy_leakage_j", c->leak_pj * 1e-12,
        "mac_source", p->accelerator.mac.source, "levels", levels);
    strbuf_release(&text);
    return o;
}
