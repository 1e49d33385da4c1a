/* Published: Accelergy-Project/timeloop-accelergy-exercises, ref-output of workspace/exercises/2021.isca/designs (01.2.2 gating, 01.2.3, 02.2.1,
 * 02.2.2) and workspace/example_designs/example_designs/sparseloop (04.2.1): actual scalar accesses of one instance, computes, cycles. Its densities
 * are fixed_structured, so its counts are our expected values, rounded. Left out: cycles where its gating takes steps away, which keeps the
 * energy of a step, not its time, and metadata, which it counts in words of its own. */
#include "tests/sparseloop_runs.h"

#include "costmodel/cost.h"
#include "costmodel/sparse.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum what { READS, FILLS, UPDATES, COMPUTES, CYCLES, CAPACITY };

struct machine {
    const char *name;
    struct einsum e;
    struct accelerator a;
    struct mapping m;
    struct cost c;
};

static void plain_machine(struct machine *x, const char *name, int levels)
{
    memset(&x->a, 0, sizeof x->a);
    memset(&x->m, 0, sizeof x->m);
    x->name = name;
    x->a.n_levels = x->m.n_levels = levels;
    x->a.clock_hz = 1e9;
    x->a.core_level = -1;
    x->a.cores = 1;
    x->a.mac = (struct mac){.instances = 1, .w_bits = 16, .a_bits = 16, .acc_bits = 16, .add_pj = 1};
    for (int l = 0; l < levels; l++) {
        x->a.level[l] = (struct level){.kind = LEVEL_SRAM,
                                       .capacity_bits = INT64_MAX,
                                       .buffering = 1,
                                       .instances = 1,
                                       .fanout_x = 1,
                                       .fanout_y = 1,
                                       .word_bits = 8,
                                       .read_pj = 1,
                                       .write_pj = 1,
                                       .read_bits_per_cycle = (double)INFINITY,
                                       .write_bits_per_cycle = (double)INFINITY,
                                       .shared_bits_per_cycle = (double)INFINITY};
        x->m.level[l].keep = 7;
    }
}

static void loop(struct machine *x, int level, const char *dim, int64_t bound)
{
    struct mapping_level *ml = &x->m.level[level];
    ml->temporal[ml->n_temporal++] = (struct loop){einsum_dim(&x->e, dim), bound};
}

static void fan(struct machine *x, int level, const char *dim, int64_t bound, enum axis axis)
{
    struct mapping_level *ml = &x->m.level[level];
    ml->spatial[ml->n_spatial++] = (struct spatial_loop){einsum_dim(&x->e, dim), bound, axis};
    *(axis == AXIS_X ? &x->a.level[level].fanout_x : &x->a.level[level].fanout_y) *= bound;
    for (int l = 0; l < level; l++) {
        x->a.level[l].instances *= bound;
    }
    x->a.mac.instances *= bound;
}

/* A is the inputs, B the weights; dimensions M, N, K are P, K, C. */
static void product(struct machine *x, int64_t m, int64_t n, int64_t k, double a, double b)
{
    einsum_matmul(&x->e, "product", 1, m, n, k, true, 8, 8, 8);
    x->e.tensor[0].density = b;
    x->e.tensor[1].density = a;
}

static int price(struct machine *x)
{
    const struct cost_options exact = {ACCOUNTING_EXACT, FIDELITY_BANDWIDTH};
    struct err err = ERR_INIT;
    if (accelerator_check(&x->a, &err) != 0 || mapping_check(&x->m, &x->a, &x->e, &err) != 0 ||
        cost_evaluate(&x->a, &x->e, &x->m, &exact, &x->c, &err) != 0) {
        printf("%s: %s\n", x->name, err.text);
        return -1;
    }
    return 0;
}

struct list {
    struct sparseloop_row *row;
    int n;
};

/* Of one instance, as Sparseloop prints it. */
static void add(struct list *l, const struct machine *x, const char *text, enum what what, int level, int tensor,
                double published)
{
    const struct level_cost *v = &x->c.level[level];
    const struct tensor_cost *t = &v->tensor[tensor];
    double per = t->entries / (double)v->instances_used, outside = 1;
    for (int u = x->a.n_levels - 1; u > level; u--) {
        outside = x->m.level[u].keep >> tensor & 1 ? x->c.level[u].tensor[tensor].passing : outside;
    }
    double ours = what == READS      ? (double)t->reads * t->passing * per
                  : what == UPDATES  ? (double)t->updates * t->passing * per
                  : what == FILLS    ? (double)t->fills * outside * per
                  : what == CAPACITY ? (double)t->tile * t->entries
                  : what == COMPUTES ? x->c.working_macs
                                     : x->c.cycles;
    l->row[l->n++] = (struct sparseloop_row){x->name, text, published, ours};
}

enum { B, A, Z };
static const uint32_t on_a = 1u << TENSOR_INPUTS, on_b = 1u << TENSOR_WEIGHTS;

static int dot_products(struct list *l)
{
    struct machine x;
    product(&x, 1, 1, 16, 0.25, 1);
    plain_machine(&x, "01.2.2 dot product, gating", 1);
    loop(&x, 0, "C", 16);
    x.a.level[0].sparse[TENSOR_WEIGHTS].gate = x.a.level[0].sparse[TENSOR_OUTPUTS].gate = on_a;
    x.a.mac.gate = on_a;
    if (price(&x) != 0) {
        return -1;
    }
    add(l, &x, "A reads", READS, 0, A, 16);
    add(l, &x, "B reads, gated by A", READS, 0, B, 4);
    add(l, &x, "Z updates, gated by A", UPDATES, 0, Z, 4);
    add(l, &x, "Z reads, gated by A", READS, 0, Z, 3);
    add(l, &x, "computes", COMPUTES, 0, 0, 4);
    add(l, &x, "cycles", CYCLES, 0, 0, 16);
    x.name = "01.2.3 dot product, A compressed, skipping";
    x.a.level[0].sparse[TENSOR_INPUTS].format = SPARSE_COO;
    x.a.level[0].sparse[TENSOR_WEIGHTS] = (struct level_sparse){.skip = on_a};
    x.a.level[0].sparse[TENSOR_OUTPUTS] = (struct level_sparse){.skip = on_a};
    x.a.mac.skip = on_a;
    if (price(&x) != 0) {
        return -1;
    }
    add(l, &x, "A reads", READS, 0, A, 4);
    add(l, &x, "A's tile", CAPACITY, 0, A, 4);
    add(l, &x, "B reads, skipped on A", READS, 0, B, 4);
    add(l, &x, "Z updates, skipped on A", UPDATES, 0, Z, 4);
    add(l, &x, "cycles", CYCLES, 0, 0, 4);
    return 0;
}

static int matrix_products(struct list *l)
{
    for (int tiled = 0; tiled < 2; tiled++) {
        struct machine x;
        product(&x, 8, 8, 8, 0.25, 0.5);
        plain_machine(&x, tiled ? "02.2.2 spMspM, tiled" : "02.2.1 spMspM", 2);
        if (tiled) {
            loop(&x, 1, "K", 4);
        }
        loop(&x, 0, "P", 8);
        loop(&x, 0, "C", 8);
        loop(&x, 0, "K", tiled ? 2 : 8);
        for (int v = 0; v < 2; v++) {
            x.a.level[v].sparse[TENSOR_INPUTS].format = x.a.level[v].sparse[TENSOR_WEIGHTS].format = SPARSE_CSR;
        }
        x.a.level[0].sparse[TENSOR_INPUTS].skip = on_b;
        x.a.level[0].sparse[TENSOR_WEIGHTS].skip = on_a;
        x.a.level[0].sparse[TENSOR_OUTPUTS].skip = on_a | on_b;
        x.a.mac.skip = on_a | on_b;
        if (price(&x) != 0) {
            return -1;
        }
        add(l, &x, "A reads, skipped on B", READS, 0, A, 64);
        add(l, &x, "B reads, skipped on A", READS, 0, B, 64);
        add(l, &x, "Z updates, skipped on both", UPDATES, 0, Z, 64);
        add(l, &x, "A fills", FILLS, 0, A, 16);
        add(l, &x, "B fills", FILLS, 0, B, 32);
        add(l, &x, "cycles", CYCLES, 0, 0, 64);
    }
    return 0;
}

/* AlexNet's third layer for four images on 13 x 12 PEs, spads that gate weights; inputs and outputs in DRAM by run lengths. */
static int eyeriss(struct list *l)
{
    static const struct conv_shape shape = {4, 1, 384, 256, 13, 13, 3, 3, 1, 1, 1, 1};
    enum { PSUM, WEIGHT, INPUT, GLB, DRAM, LEVELS };
    struct machine x;
    einsum_conv(&x.e, "conv", &shape, 16, 16, 16);
    plain_machine(&x, "04.2.1 Eyeriss-like, gating", LEVELS);
    x.e.tensor[1].density = 0.275;
    x.e.tensor[2].density = 104613.0 / 259584;
    x.m.level[PSUM].keep = 4;
    x.m.level[WEIGHT].keep = 1;
    x.m.level[INPUT].keep = 2;
    x.m.level[GLB].keep = 6;
    loop(&x, DRAM, "K", 6);
    loop(&x, DRAM, "C", 64);
    loop(&x, GLB, "N", 4);
    loop(&x, GLB, "P", 13);
    fan(&x, GLB, "Q", 13, AXIS_X);
    fan(&x, GLB, "K", 4, AXIS_Y);
    fan(&x, GLB, "S", 3, AXIS_Y);
    loop(&x, WEIGHT, "R", 3);
    loop(&x, WEIGHT, "C", 4);
    loop(&x, PSUM, "K", 16);
    x.a.level[DRAM].sparse[TENSOR_INPUTS] = (struct level_sparse){.format = SPARSE_RLC, .field_bits = 16};
    x.a.level[DRAM].sparse[TENSOR_OUTPUTS] = x.a.level[DRAM].sparse[TENSOR_INPUTS];
    x.a.level[WEIGHT].sparse[TENSOR_WEIGHTS].gate = on_a;
    x.a.mac.gate = on_a;
    if (price(&x) != 0) {
        return -1;
    }
    add(l, &x, "weight spad reads, gated by inputs", READS, WEIGHT, B, 1054311);
    add(l, &x, "buffer output updates", UPDATES, GLB, Z, 16613376);
    add(l, &x, "DRAM input reads, compressed", READS, DRAM, A, 380160);
    add(l, &x, "DRAM output updates, compressed", UPDATES, DRAM, Z, 104613);
    add(l, &x, "computes", COMPUTES, 0, 0, 164472423);
    return 0;
}

int sparseloop_rows(struct sparseloop_row out[SPARSELOOP_ROWS])
{
    struct list l = {out, 0};
    return dot_products(&l) != 0 || matrix_products(&l) != 0 || eyeriss(&l) != 0 ? -1 : l.n;
}
