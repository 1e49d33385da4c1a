/* Zeros as expected values: against tensors drawn at random and encoded, walked and counted, and against the dense model. */
#include "costmodel/sparse.h"

#include "base/strbuf.h"
#include "costmodel/cost_kernel.h"
#include "costmodel/mapper.h"
#include "experiments/timeloop.h"
#include "hw/template.h"
#include "sw/network.h"
#include "tests/check_sparse.h"
#include "tests/random_mapping.h"
#include "tests/run_suite.h"
#include "tests/sparseloop_runs.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cost_options exact = {ACCOUNTING_EXACT, FIDELITY_BANDWIDTH};
static const uint32_t weights_bit = 1u << TENSOR_WEIGHTS, inputs_bit = 1u << TENSOR_INPUTS;

static double uniform(struct rng *r)
{
    return ((double)rng_below(r, 1 << 30) + 0.5) / (double)(1 << 30);
}

START_TEST(formats_are_what_encoders_need)
{
    struct sparse_tally t;
    check_sparse_formats(&t);
    printf("formats: %d means of %d random matrices each; worst %.1f standard errors off\n", t.means, t.draws, t.worst);
    ck_assert_int_ge(t.means, 50);
    ck_assert(t.worst < 5);
}
END_TEST

START_TEST(passing_is_the_mean_of_a_walk)
{
    struct sparse_tally t;
    check_sparse_passing(200, &t);
    printf("passing: %d mappings (%d of tiles), %d draws each; worst mean %.1f standard errors off\n", t.means, t.tiles,
           t.draws, t.worst);
    fflush(stdout);
    ck_assert_int_gt(t.tiles, 50);
    ck_assert(t.worst < 5);
}
END_TEST

/* Its densities are fixed, so what it counts is our expected value but for the rounding. */
START_TEST(published_runs_of_sparseloop)
{
    struct sparseloop_row row[SPARSELOOP_ROWS];
    ck_assert_int_eq(sparseloop_rows(row), SPARSELOOP_ROWS);
    for (int i = 0; i < SPARSELOOP_ROWS; i++) {
        ck_assert_msg(fabs(row[i].ours - row[i].published) < 1 + 1e-6 * row[i].published, "%s, %s: %g, Sparseloop %g",
                      row[i].run, row[i].what, row[i].ours, row[i].published);
    }
    printf("Sparseloop: %d counts and cycles of 5 published runs equal\n", SPARSELOOP_ROWS);
}
END_TEST

static void matrix(struct einsum *e, int64_t rows, int64_t columns, double density)
{
    einsum_matmul(e, "m", 1, rows, 3, columns, true, 16, 16, 16);
    e->tensor[1].density = density; /* inputs: rows x columns */
    ck_assert_int_eq(e->tensor[1].role, TENSOR_INPUTS);
}

START_TEST(metadata_by_hand)
{
    struct einsum e;
    struct sparse_element x;
    matrix(&e, 10, 20, 0.25); /* coordinates: 4 and 5 bits; pointers into 200 elements: 8 bits a row of 20 */
    struct level level = {.word_bits = 32, .sparse[TENSOR_INPUTS] = {SPARSE_COO, 0, false, 0, 0}};
    int rank = e.tensor[1].n_ranks - 1;
    ck_assert_int_eq(e.bound[e.tensor[1].rank[rank].term[0].dim], 1); /* columns of the product's image: 1 */
    ck_assert(sparse_element(&level, &e, 1, 16, &x));
    ck_assert_double_eq_tol(x.meta_bits, 0.25 * 9, 1e-12);
    ck_assert_double_eq_tol(x.words, 0.25 / 2 + 0.25 * 9 / 32, 1e-12);
    ck_assert_double_eq_tol(x.wire_bits, 0.25 * (16 + 9), 1e-12);
    ck_assert_double_eq_tol(x.hold_bits, 16 + 9, 1e-12); /* worst: no zeros */
    level.sparse[TENSOR_INPUTS] = (struct level_sparse){SPARSE_CSR, 6, true, 0, 0};
    e.tensor[1].n_ranks = 2;
    e.tensor[1].rank[0].n_terms = e.tensor[1].rank[1].n_terms = 1;
    e.tensor[1].rank[0].term[0].dim = einsum_dim(&e, "P");
    e.tensor[1].rank[1].term[0].dim = einsum_dim(&e, "C");
    ck_assert(sparse_element(&level, &e, 1, 16, &x));
    ck_assert_double_eq_tol(x.meta_bits, 0.25 * 6 + 8 / 20.0, 1e-12);
    ck_assert_double_eq_tol(x.hold_bits, 0.25 * 16 + x.meta_bits, 1e-12);
    e.tensor[1].density = 1;
    ck_assert(!sparse_element(&level, &e, 1, 16, &x)); /* nothing known: stored as it is */
}
END_TEST

/* --- prices ------------------------------------------------------------------------------ */

static void random_rules(struct rng *r, struct accelerator *a)
{
    for (int l = 0; l < a->n_levels; l++) {
        for (int role = 0; role < TENSOR_ROLE_COUNT; role++) {
            uint32_t others = (weights_bit | inputs_bit) & ~(1u << role);
            a->level[l].sparse[role] =
                (struct level_sparse){.format = (enum sparse_format)rng_below(r, SPARSE_FORMAT_COUNT),
                                      .field_bits = (int)(1 + rng_below(r, 6)),
                                      .expected = rng_below(r, 2) == 0,
                                      .gate = others & (uint32_t)rng_below(r, 4),
                                      .skip = others & (uint32_t)rng_below(r, 4)};
        }
    }
    a->mac.gate = (uint32_t)rng_below(r, 4);
    a->mac.skip = (uint32_t)rng_below(r, 4);
}

/* Rules cost nothing where there are no zeros, and never more energy than none with gating and skipping alone. */
START_TEST(dense_is_dense)
{
    struct rng r;
    int saved = 0;
    for (int i = 0; i < 1000; i++) {
        rng_init(&r, 13, (uint64_t)i, RNG_TEST);
        struct einsum e;
        struct mapping m;
        struct accelerator a, knows;
        struct cost plain, same, less;
        struct err err = ERR_INIT;
        random_einsum(&r, (enum random_kind)(i % RANDOM_KIND_COUNT), 300, &e);
        random_mapping(&r, &e, (int)(2 + rng_below(&r, 4)), 24, rng_below(&r, 3) == 0, &m);
        random_accelerator(&r, &e, &m, &a);
        knows = a;
        random_rules(&r, &knows);
        struct cost_options how = {ACCOUNTING_EXACT, (enum fidelity)rng_below(&r, 2)};
        ck_assert_msg(cost_evaluate(&a, &e, &m, &how, &plain, &err) == 0, "%s", err.text);
        ck_assert_msg(cost_evaluate(&knows, &e, &m, &how, &same, &err) == 0, "%s", err.text);
        ck_assert(memcmp(&plain.energy_pj, &same.energy_pj, sizeof(double)) == 0);
        ck_assert(memcmp(&plain.cycles, &same.cycles, sizeof(double)) == 0);
        for (int l = 0; l < a.n_levels; l++) {
            for (int role = 0; role < TENSOR_ROLE_COUNT; role++) {
                knows.level[l].sparse[role].format = SPARSE_NONE;
            }
        }
        for (int t = 0; t < e.n_tensors; t++) {
            e.tensor[t].density = 0.05 + 0.9 * uniform(&r);
        }
        ck_assert_msg(cost_evaluate(&knows, &e, &m, &how, &less, &err) == 0, "%s", err.text);
        ck_assert(less.mac_pj <= plain.mac_pj);
        ck_assert(how.fidelity != FIDELITY_BANDWIDTH || less.cycles <= plain.cycles);
        ck_assert(less.network_pj <= plain.network_pj * (1 + 1e-12));
        saved += less.energy_pj < plain.energy_pj;
    }
    ck_assert_int_gt(saved, 500);
    printf("dense: 1000 machines with rules price operators without zeros bit by bit like those without; with zeros %d "
           "cost less\n",
           saved);
}
END_TEST

/* A matrix product, sums by hand: 4 x 6 (inputs) times 6 x 5, weights in the inner level. */
START_TEST(prices_by_hand)
{
    struct einsum e;
    struct mapping m;
    struct accelerator a;
    struct rng r;
    struct cost c;
    struct err err = ERR_INIT;
    einsum_matmul(&e, "m", 1, 4, 5, 6, true, 8, 8, 8);
    rng_init(&r, 1, 2, RNG_TEST);
    memset(&m, 0, sizeof m);
    m.n_levels = 2;
    m.level[1].keep = 7;
    m.level[0].keep = 1; /* weights */
    m.level[0].n_temporal = 2;
    m.level[0].temporal[0] = (struct loop){einsum_dim(&e, "K"), 5};
    m.level[0].temporal[1] = (struct loop){einsum_dim(&e, "C"), 6};
    m.level[1].n_temporal = 1;
    m.level[1].temporal[0] = (struct loop){einsum_dim(&e, "P"), 4};
    random_accelerator(&r, &e, &m, &a);
    for (int l = 0; l < 2; l++) {
        a.level[l].word_bits = 8;
        a.level[l].read_pj = l == 0 ? 1 : 100;
        a.level[l].write_pj = l == 0 ? 2 : 200;
        a.level[l].hop_pj_per_bit = a.level[l].add_pj_per_bit = 0;
        a.level[l].read_bits_per_cycle = a.level[l].write_bits_per_cycle = a.level[l].shared_bits_per_cycle = 8;
    }
    a.level[0].sparse[TENSOR_WEIGHTS].skip = inputs_bit;
    a.level[1].sparse[TENSOR_WEIGHTS].format = SPARSE_BITMASK;
    a.mac.gate = inputs_bit;
    e.tensor[0].density = 0.5;
    e.tensor[1].density = 0.25;
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &c, &err), 0);
    /* 120 weight reads, a quarter of which meets an input; 30 fills. DRAM: 30 weights of 4 + 1 bits. */
    ck_assert_double_eq_tol(c.level[0].tensor[0].energy_pj, 30 + 2 * 30, 1e-9);
    ck_assert_double_eq_tol(c.level[1].tensor[0].energy_pj, 30 * (0.5 + 1 / 8.0) * 100, 1e-9);
    ck_assert_double_eq_tol(c.working_macs, 30, 1e-9);
    ck_assert_double_eq_tol(c.mac_pj, 30 * (a.mac.mul_pj + a.mac.add_pj), 1e-9);
    ck_assert_int_eq(c.compute_cycles, 120); /* gated MACs take their step */
    ck_assert_double_eq_tol(c.level[0].cycles, 60, 1e-9);
    ck_assert_double_eq_tol(c.level[0].tensor[0].passing, 0.25, 1e-12);
    ck_assert_double_eq_tol(c.level[1].tensor[0].tile_bits, 30 * 5, 1e-9);
    ck_assert_double_eq_tol(c.level[1].tensor[0].tile_meta_bits, 30, 1e-9);
    a.mac.skip = inputs_bit; /* then no step, and nothing is asked for */
    ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &c, &err), 0);
    ck_assert_int_eq(c.compute_cycles, 30);
    double outputs = c.level[1].tensor[2].energy_pj;
    ck_assert_double_eq_tol(outputs, 0.25 * (100 * 100 + 120 * 200), 1e-6); /* 100 reads of sums, 120 updates */
}
END_TEST

/* The mapper's optimum is no worse than what random mappings cost, and the kernel's prices are cost_evaluate()'s. */
START_TEST(mapper_with_zeros)
{
    struct rng r;
    struct mapper_work *work = mapper_work_new();
    int proven = 0, beaten = 0, tried = 0;
    for (int i = 0; i < 60; i++) {
        rng_init(&r, 14, (uint64_t)i, RNG_TEST);
        struct einsum e;
        struct mapping m, first;
        struct accelerator a;
        struct mapper_result best;
        struct err err = ERR_INIT;
        random_einsum(&r, (enum random_kind)(i % RANDOM_KIND_COUNT), 100, &e);
        for (int t = 0; t < e.n_tensors; t++) {
            e.tensor[t].density = 0.05 + 0.9 * uniform(&r);
        }
        random_mapping(&r, &e, 3, 8, false, &first);
        random_accelerator(&r, &e, &first, &a);
        for (int l = 0; l < a.n_levels; l++) {
            a.dataflow.spatial[l].n_x = a.dataflow.spatial[l].n_y = -1;
        }
        random_rules(&r, &a);
        for (int l = 1; l < a.n_levels && i % 3 != 0; l++) { /* only words for the MACs wait */
            for (int role = 0; role < TENSOR_ROLE_COUNT; role++) {
                a.level[l].sparse[role].gate = a.level[l].sparse[role].skip = 0;
            }
        }
        const struct mapper_options how = {
            .goal = (enum goal)(i % GOAL_COUNT), .effort = MAPPER_EXACT, .core_split = CORE_ANY};
        if (mapper_best(&a, &e, &how, work, &best, &err) != 0) {
            continue;
        }
        proven += best.proven;
        for (int k = 0; k < 100; k++) {
            struct cost c;
            random_mapping(&r, &e, 3, 8, false, &m);
            if (mapping_check(&m, &a, &e, NULL) != 0) {
                continue;
            }
            ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &c, &err), 0);
            bool better = mapper_value(how.goal, &c) < mapper_value(how.goal, &best.cost) * (1 - 1e-9);
            beaten += better && !best.proven;
            ck_assert_msg(!better || !best.proven, "operator %d: a random mapping beats the proven optimum", i);
            tried++;
        }
    }
    mapper_work_free(work);
    ck_assert_int_gt(proven, 5);
    printf("mapper: %d optima proven, %d random mappings tried, %d better than one that is not proven\n", proven, tried,
           beaten);
}
END_TEST

START_TEST(kernel_with_zeros)
{
    struct rng r;
    for (int i = 0; i < 200; i++) {
        rng_init(&r, 15, (uint64_t)i, RNG_TEST);
        struct einsum e;
        struct mapping m;
        struct accelerator a;
        struct cost_kernel k;
        struct cost c;
        struct err err = ERR_INIT;
        double bound[KERNEL_SLOTS], energy, cycles;
        const double *column[KERNEL_SLOTS];
        int n = 0;
        random_einsum(&r, (enum random_kind)(i % RANDOM_KIND_COUNT), 300, &e);
        e.tensor[i % 2].density = 0.3;
        random_mapping(&r, &e, 3, 12, false, &m);
        random_accelerator(&r, &e, &m, &a);
        random_rules(&r, &a);
        for (int l = 0; l < m.n_levels; l++) {
            for (int j = 0; j < m.level[l].n_temporal; j++) {
                bound[n++] = (double)m.level[l].temporal[j].bound;
            }
            for (int j = 0; j < m.level[l].n_spatial; j++) {
                bound[n++] = (double)m.level[l].spatial[j].bound;
            }
        }
        for (int s = 0; s < n; s++) {
            column[s] = &bound[s];
        }
        ck_assert_int_eq(cost_kernel_init(&k, &a, &e, &m, &err), 0);
        ck_assert_int_eq(cost_kernel_price(&k, 1, column, &energy, &cycles, &err), 0);
        ck_assert_int_eq(cost_evaluate(&a, &e, &m, &exact, &c, &err), 0);
        ck_assert_double_eq_tol(energy / c.energy_pj, 1, 1e-11);
        ck_assert_double_eq_tol(cycles / c.cycles, 1, 1e-11);
    }
}
END_TEST

/* --- files ------------------------------------------------------------------------------- */

#define HEAD                                                                                                           \
    "template: t\nparameters:\n  f: {type: choice, default: bitmask, values: [none, bitmask, csr]}\n"                  \
    "technology: 45nm\nclock: 100MHz\n"
#define LEVELS(sparse)                                                                                                 \
    "levels:\n  - {name: DRAM, class: dram, kind: LPDDR4, width: 64bit, bandwidth: 1GB/s" sparse                       \
    "}\n  - {name: RF, class: regfile, size: 1KiB, width: 16bit}\n"
#define MAC(more) "mac: {w_bits: 8, a_bits: 8, acc_bits: 32" more "}\n"

START_TEST(template_rules)
{
    static const char text[] =
        HEAD LEVELS(", sparse: {inputs: {format: f, occupancy: expected}, outputs: {gate: [weights, inputs]}, weights: "
                    "{format: rlc, field: 4bit, skip: inputs}}") MAC(", gate: inputs, skip: [weights]");
    struct diags d = DIAGS_INIT;
    struct err err = ERR_INIT;
    struct accelerator a;
    double values[] = {1};
    struct template *t = template_read("t.yaml", text, sizeof text - 1, &d);
    ck_assert_msg(t != NULL, "%s", d.n > 0 ? d.list[0].message : "");
    ck_assert_msg(template_build(t, values, &a, &err) == 0, "%s", err.text);
    const struct level_sparse *s = a.level[1].sparse;
    ck_assert_int_eq(s[TENSOR_INPUTS].format, SPARSE_BITMASK);
    ck_assert(s[TENSOR_INPUTS].expected && !s[TENSOR_WEIGHTS].expected);
    ck_assert_int_eq(s[TENSOR_WEIGHTS].format, SPARSE_RLC);
    ck_assert_int_eq(s[TENSOR_WEIGHTS].field_bits, 4);
    ck_assert_uint_eq(s[TENSOR_WEIGHTS].skip, inputs_bit);
    ck_assert_uint_eq(s[TENSOR_OUTPUTS].gate, weights_bit | inputs_bit);
    ck_assert_uint_eq(a.mac.gate, inputs_bit);
    ck_assert_uint_eq(a.mac.skip, weights_bit);
    struct strbuf with = STRBUF_INIT;
    accelerator_canonical(&a, &with);
    ck_assert(strstr(strbuf_str(&with), "sparse 1 weights: rlc 4 0 gate 0 skip 2") != NULL);
    strbuf_release(&with);
    template_free(t);
    diags_release(&d);
}
END_TEST

START_TEST(template_errors)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {HEAD LEVELS(", sparse: {input: {format: csr}}") MAC(""), "no tensor 'input'"},
        {HEAD LEVELS(", sparse: {inputs: {format: zip}}") MAC(""), "no format 'zip'"},
        {HEAD LEVELS(", sparse: {inputs: {gate: [inputs]}}") MAC(""), "inputs cannot wait for themselves"},
        {HEAD LEVELS(", sparse: {inputs: {gate: [outputs]}}") MAC(""), "no operand to wait for 'outputs'"},
        {HEAD LEVELS(", sparse: {inputs: {occupancy: most}}") MAC(""), "most"},
        {HEAD LEVELS(", sparse: inputs") MAC(""), "'sparse' is not a mapping"},
        {HEAD LEVELS("") MAC(", skip: [outputs]"), "no operand to wait for 'outputs'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct diags d = DIAGS_INIT;
        struct template *t = template_read("t.yaml", rows[i].text, strlen(rows[i].text), &d);
        ck_assert_msg(t == NULL && d.n > 0 && strstr(d.list[0].message, rows[i].says) != NULL, "row %zu: %s", i,
                      d.n > 0 ? d.list[0].message : "no error");
        diags_release(&d);
    }
    struct diags d = DIAGS_INIT;
    struct err err = ERR_INIT;
    struct accelerator a;
    double values[] = {1};
    static const char no_field[] = HEAD LEVELS(", sparse: {inputs: {format: rlc}}") MAC("");
    struct template *t = template_read("t.yaml", no_field, sizeof no_field - 1, &d);
    ck_assert_ptr_nonnull(t);
    ck_assert_int_eq(template_build(t, values, &a, &err), -1);
    ck_assert(strstr(err.text, "width of a run") != NULL);
    template_free(t);
    diags_release(&d);
}
END_TEST

#define MODEL(density)                                                                                                 \
    "dovetail: 1\nnetwork: n\nparams: {percent: 40}\ninput: [8, 1, 1]\nlayers:\n"                                      \
    "  - {name: a, linear: {k: 4}, density: " density "}\n  - {name: b, linear: {k: 4}}\n"

START_TEST(model_densities)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {MODEL("{weights: 1.5}"), "must lie in (0, 1]"},
        {MODEL("{weight: 0.5}"), "no tensor 'weight'"},
        {MODEL("0.5"), "not a mapping"},
        {MODEL("{weights: per / 100}"), "per"},
    };
    struct diags d = DIAGS_INIT;
    static const char good[] = MODEL("{weights: percent / 100, inputs: 0.5}");
    struct network *net = network_load_text("n.yaml", good, sizeof good - 1, NULL, 0, 1, &d);
    ck_assert_msg(net != NULL, "%s", d.n > 0 ? d.list[0].message : "");
    ck_assert_double_eq(net->op[0].einsum.tensor[0].density, 0.4);
    ck_assert_double_eq(net->op[0].einsum.tensor[1].density, 0.5);
    ck_assert_double_eq(net->op[0].einsum.tensor[2].density, 1);
    ck_assert_double_eq(net->op[1].einsum.tensor[0].density, 1);
    network_free(net);
    diags_release(&d);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        d = (struct diags)DIAGS_INIT;
        net = network_load_text("n.yaml", rows[i].text, strlen(rows[i].text), NULL, 0, 1, &d);
        ck_assert_msg(net == NULL && d.n > 0 && strstr(d.list[0].message, rows[i].says) != NULL, "row %zu: %s", i,
                      d.n > 0 ? d.list[0].message : "no error");
        diags_release(&d);
    }
}
END_TEST

/* --- Sparseloop's files -------------------------------------------------------------------- */

#define LEVEL(name, class, more)                                                                                       \
    "  - !Component\n    name: " name                                                                                  \
    "\n    class: " class "\n    attributes: {depth: 64, width: 16, datawidth: 16, shared_bandwidth: 4}\n"             \
                          "    sparse_optimizations: {" more "}\n"
#define ARCH(dram, spad, mac)                                                                                          \
    "architecture:\n  version: 0.4\n  nodes:\n" LEVEL("DRAM", "DRAM", dram)                                            \
        LEVEL("spad", "regfile",                                                                                       \
              spad) "  - !Component\n    name: mac\n    class: intmac\n    sparse_optimizations: {" mac "}\n"

static int import_arch(const char *text, struct strbuf *out, struct diags *d)
{
    char path[] = "/tmp/dovetail-sparse-XXXXXX";
    const char *const paths[] = {path};
    struct err err = ERR_INIT;
    static struct timeloop t;
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *f = fdopen(fd, "w");
    fputs(text, f);
    fclose(f);
    int rc = timeloop_read(paths, 1, &t, d);
    unlink(path);
    return rc == 0 ? timeloop_template(&t.arch, NULL, out, &err) : rc;
}

START_TEST(files_of_sparseloop)
{
    static const char good[] = ARCH(
        "representation_format: {data_spaces: [{name: Inputs, ranks: [{format: UOP}, {format: RLE, "
        "metadata_word_bits: 4}]}, {name: Weights, ranks: [{format: UOP}, {format: CP}]}]}",
        "action_optimization: [{type: gating, options: [{target: Weights, condition_on: [Inputs]}]}, {type: skipping, "
        "options: [{target: Outputs, condition_on: [Inputs, Weights]}]}]",
        "compute_optimization: [{type: gating, options: [{condition_on: [Weights]}]}]");
    struct strbuf out = STRBUF_INIT;
    struct diags d = DIAGS_INIT;
    ck_assert_int_eq(import_arch(good, &out, &d), 0);
    static const char *const says[] = {
        "sparse: {inputs: {format: rlc, occupancy: expected, field: 4bit}, weights: {format: csr,",
        "sparse: {weights: {gate: [inputs]}, outputs: {skip: [inputs, weights]}}",
        "gate: [weights, inputs], skip: [inputs, weights]}",
    };
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        ck_assert_msg(strstr(strbuf_str(&out), says[i]) != NULL, "no '%s' in\n%s", says[i], strbuf_str(&out));
    }
    struct template *t = template_read("imported.yaml", out.buf, out.len, &d);
    ck_assert_msg(t != NULL, "%s", d.list[d.n - 1].message);
    template_free(t);
    strbuf_release(&out);
    diags_release(&d);
    static const char by_level[] = /* the width of a run's length where the rank does not say */
        "architecture:\n  nodes:\n  - !Component\n    name: DRAM\n    class: DRAM\n    attributes: {width: 16, "
        "datawidth: 16, "
        "metadata_datawidth: 5}\n    sparse_optimizations: {representation_format: {data_spaces: [{name: Inputs, "
        "ranks: "
        "[{format: RLE}]}]}}\n  - !Component\n    name: mac\n    class: intmac\n";
    out = (struct strbuf)STRBUF_INIT;
    d = (struct diags)DIAGS_INIT;
    ck_assert_int_eq(import_arch(by_level, &out, &d), 0);
    ck_assert_msg(strstr(strbuf_str(&out), "format: rlc, occupancy: expected, field: 5bit"), "%s", strbuf_str(&out));
    strbuf_release(&out);
    diags_release(&d);
    static const struct {
        const char *text, *says;
    } bad[] = {
        {ARCH("", "action_optimization: [{type: hopping}]", ""), "'type' is not understood"},
        {ARCH("", "action_optimization: [{type: gating, options: [{target: Weights}]}]", ""), "'condition_on'"},
        {ARCH("representation_format: {data_spaces: [{name: A, ranks: [{format: ZIP}]}]}", "", ""), "'ZIP'"},
        {ARCH("representation_format: {data_spaces: [{name: A, ranks: [{format: RLE}]}]}", "", ""), "width of a run"},
        {ARCH("zip: 1", "", ""), "'zip'"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        d = (struct diags)DIAGS_INIT;
        out = (struct strbuf)STRBUF_INIT;
        bool found = false;
        ck_assert_int_eq(import_arch(bad[i].text, &out, &d), -1);
        for (int k = 0; k < d.n; k++) {
            found = found || strstr(d.list[k].message, bad[i].says) != NULL;
        }
        ck_assert_msg(found, "row %zu: %s", i, d.n > 0 ? d.list[d.n - 1].message : "no error");
        diags_release(&d);
        strbuf_release(&out);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sparse");
    TCase *tc = tcase_create("sparse");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, formats_are_what_encoders_need);
    tcase_add_test(tc, published_runs_of_sparseloop);
    tcase_add_test(tc, metadata_by_hand);
    tcase_add_test(tc, passing_is_the_mean_of_a_walk);
    tcase_add_test(tc, dense_is_dense);
    tcase_add_test(tc, prices_by_hand);
    tcase_add_test(tc, mapper_with_zeros);
    tcase_add_test(tc, kernel_with_zeros);
    tcase_add_test(tc, template_rules);
    tcase_add_test(tc, template_errors);
    tcase_add_test(tc, model_densities);
    tcase_add_test(tc, files_of_sparseloop);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_NOFORK);
}
