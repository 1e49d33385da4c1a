/* experiments/timeloop: what is read, that a mapping comes back as it went, that the case says the same as the structs, and what is refused where. */
#include "base/mem.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "experiments/case.h"
#include "experiments/timeloop.h"
#include "hw/template.h"
#include "sw/import.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIXTURES "tests/fixtures/timeloop/"
static const char *const all[] = {FIXTURES "problem.yaml", FIXTURES "arch.yaml", FIXTURES "mapping.yaml"};

static struct timeloop t;

static void must_read(const char *const *paths, int n)
{
    struct diags d = DIAGS_INIT;
    int rc = timeloop_read(paths, n, &t, &d);
    ck_assert_msg(rc == 0, "%s: %s (line %d)", paths[n - 1], d.n ? d.list[0].message : "",
                  d.n ? d.list[0].mark.line : 0);
    diags_release(&d);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* Reads one text as a problem file. */
static int read_problem(const char *text, struct diags *d)
{
    char path[] = "/tmp/dovetail-timeloop-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    write_file(path, text);
    const char *const paths[] = {path};
    int rc = timeloop_read(paths, 1, &t, d);
    unlink(path);
    return rc;
}

START_TEST(problem)
{
    must_read(all, 1);
    ck_assert(t.has_problem && !t.has_arch && !t.has_mapping);
    const struct einsum *e = &t.einsum;
    ck_assert_str_eq(e->name, "conv_stride2");
    ck_assert_int_eq(e->n_dims, 6);
    ck_assert_int_eq(einsum_macs(e), 8 * 16 * 9 * 7 * 12);
    ck_assert_int_eq(e->n_tensors, 3);
    ck_assert_int_eq(einsum_output(e), 2);
    ck_assert_int_eq(e->tensor[0].role, TENSOR_WEIGHTS);
    ck_assert_int_eq(e->tensor[1].role, TENSOR_INPUTS);
    ck_assert_int_eq(einsum_volume(e, 1, e->bound), 8 * (3 + 2 * 6) * (3 + 2 * 11));
}
END_TEST

START_TEST(problem_forms)
{
    static const struct {
        const char *text;
        int64_t macs, inputs;
        int warnings;
    } cases[] = {
        {"problem: {shape: cnn-layer, instance: {C: 4, K: 8, N: 1, P: 5, Q: 6, R: 3, S: 2, Wstride: 2}}",
         4 * 8 * 5 * 6 * 3 * 2, 4 * (3 + 2 * 4) * (2 + 5), 0},
        {"problem: {shape: dw-cnn-layer, instance: {C: 4, P: 5, Q: 6, R: 3, S: 2}}", 4 * 5 * 6 * 3 * 2, 4 * 7 * 7, 0},
        {"problem: {C: 4, K: 8, P: 5, shape: cnn-layer}", 4 * 8 * 5, 4 * 5, 0},
        {"problem: {C: 4, K: 8, P: 5}", 4 * 8 * 5, 4 * 5, 1},
        {"problem: {C: 4, K: 8, P: 5, R: 3, Wdilation: 0}", 4 * 8 * 5 * 3, 4 * 5, 2},
        {"problem: {shape: {dimensions: M N K, data-spaces: [{name: A, projection: 'M K'}, {name: B, projection: [K, "
         "[N]]}, "
         "{name: Z, projection: [[[M]], [[N]]], read-write: True}]}, instance: {M: 2, N: 3, K: 5, H: 9}}",
         30, 15, 1},
        {"problem: {shape: {dimensions: [R, P], coefficients: [{name: s}], data_spaces: [{name: W, projection: [R]}, "
         "{name: I, projection: ['R + P*s']}, "
         "{name: O, projection: [P], read_write: true}]}, instance: {R: 3, P: '16', s: 4}}",
         48, 3 + 60, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diags d = DIAGS_INIT;
        int rc = read_problem(cases[i].text, &d);
        ck_assert_msg(rc == 0, "%s: %s", cases[i].text, d.n ? d.list[0].message : "");
        ck_assert_msg(einsum_macs(&t.einsum) == cases[i].macs, "%s", cases[i].text);
        ck_assert_int_eq(einsum_volume(&t.einsum, 1, t.einsum.bound), cases[i].inputs);
        ck_assert_msg(d.n_warnings == cases[i].warnings, "%s: %d warnings", cases[i].text, d.n_warnings);
        diags_release(&d);
    }
}
END_TEST

START_TEST(densities)
{
    struct diags d = DIAGS_INIT;
    ck_assert_int_eq(read_problem("problem: {shape: cnn-layer, instance: {C: 4, K: 8, densities: {Inputs: 0.5, "
                                  "Weights: {distribution: hypergeometric, density: 0.25}}}}",
                                  &d),
                     0);
    ck_assert_double_eq(t.einsum.tensor[0].density, 0.25);
    ck_assert_double_eq(t.einsum.tensor[1].density, 0.5);
    ck_assert_double_eq(t.einsum.tensor[2].density, 1);
    diags_release(&d);
}
END_TEST

START_TEST(include_and_merge)
{
    static const char *const good[] = {FIXTURES "layers/01.yaml"}, *const bad[] = {FIXTURES "layers/02.yaml"};
    must_read(good, 1);
    ck_assert_int_eq(einsum_macs(&t.einsum), 80 * 184 * 14);
    struct diags d = DIAGS_INIT;
    ck_assert_int_eq(timeloop_read(bad, 1, &t, &d), -1);
    ck_assert_str_eq(d.list[0].message, "'C': arithmetic is not read");
    ck_assert_str_eq(d.list[0].mark.source->name, bad[0]);
    ck_assert(d.list[0].mark.line == 4 && d.list[0].mark.col == 17);
    diags_release(&d);
}
END_TEST

START_TEST(architecture)
{
    must_read(all, 2);
    const struct timeloop_arch *a = &t.arch;
    ck_assert_int_eq(a->n_levels, 5);
    ck_assert_str_eq(a->level[4].name, "DRAM");
    ck_assert_str_eq(a->level[0].name, "SumSpad");
    ck_assert(a->level[3].fan_x == 12 && a->level[3].fan_y == 3);
    ck_assert(a->n_arrays == 2 && a->array[1].above == 3 && a->array[1].n_x == 2 && a->array[1].n_y == 2);
    ck_assert_double_eq(t.accelerator.clock_hz, 5e8);
    const struct level *buffer = &t.accelerator.level[3];
    ck_assert(buffer->capacity_bits == 4096 * 8 && buffer->word_bits == 8 && buffer->read_bits_per_cycle == 16);
    ck_assert(buffer->keep[TENSOR_WEIGHTS] == KEEP_NEVER && buffer->keep[TENSOR_INPUTS] == KEEP_ALWAYS);
    ck_assert(t.accelerator.level[1].keep[TENSOR_INPUTS] == KEEP_NEVER);
    ck_assert(t.accelerator.level[2].instances == 36 && t.accelerator.mac.instances == 36);
    ck_assert(t.accelerator.level[4].capacity_bits == INT64_MAX && t.accelerator.level[4].shared_bits_per_cycle == 4);
}
END_TEST

/* The template is one that our own reader builds, with the same hierarchy in bits. */
START_TEST(template_builds)
{
    must_read(all, 2);
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;
    struct diags d = DIAGS_INIT;
    ck_assert_int_eq(timeloop_template(&t.arch, NULL, &text, &err), 0);
    char path[] = "/tmp/dovetail-template-XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    ck_assert_int_ge(fd, 0);
    close(fd);
    write_file(path, strbuf_str(&text));
    struct template *tpl = template_load(path, &d);
    unlink(path);
    ck_assert_msg(tpl != NULL, "%s\n%s", d.n ? d.list[0].message : "", strbuf_str(&text));
    static struct accelerator a;
    double values[1];
    ck_assert_msg(template_build(tpl, values, &a, &err) == 0, "%s", err.text);
    ck_assert_int_eq(a.n_levels, 5);
    for (int l = 0; l < 5; l++) {
        const struct timeloop_level *from = &t.arch.level[l];
        ck_assert_str_eq(a.level[l].name, from->name);
        ck_assert_int_eq(a.level[l].instances, t.accelerator.level[l].instances);
        ck_assert_int_eq(a.level[l].word_bits, from->width);
        ck_assert_msg(from->depth == 0 || a.level[l].capacity_bits == from->depth * from->width, "%s", from->name);
        ck_assert_mem_eq(a.level[l].keep, l < 4 ? t.accelerator.level[l].keep : a.level[l].keep,
                         sizeof a.level[l].keep);
        ck_assert_msg(l == 4 || a.level[l].read_pj > 0, "%s has no energy", from->name);
    }
    ck_assert_double_eq(a.level[3].read_bits_per_cycle, 128);
    ck_assert(a.mac.instances == 36 && a.mac.w_bits == 8 && a.mac.acc_bits == 16 && a.clock_hz == 5e8);
    ck_assert(a.dataflow.spatial[3].n_x == 3 && a.dataflow.spatial[3].n_y == 2);
    template_free(tpl);
    strbuf_release(&text);
    diags_release(&d);
}
END_TEST

START_TEST(mapping)
{
    must_read(all, 3);
    ck_assert(t.has_mapping);
    struct strbuf text = STRBUF_INIT;
    mapping_write(&t.mapping, &t.accelerator, &t.einsum, &text);
    ck_assert_str_eq(
        strbuf_str(&text),
        "DRAM M4 P7 | Buffer[-io] C4 Q2 X:Q6 Y:R3 X:M2 | InputSpad[-i-] | WeightSpad[w--] C2 S3 | SumSpad[--o] M2");
    strbuf_release(&text);
}
END_TEST

/* Padding apart. */
static bool same_mapping(const struct mapping *a, const struct mapping *b)
{
    bool same = a->n_levels == b->n_levels;
    for (int l = 0; l < a->n_levels && same; l++) {
        const struct mapping_level *x = &a->level[l], *y = &b->level[l];
        same = x->n_temporal == y->n_temporal && x->n_spatial == y->n_spatial && x->keep == y->keep;
        for (int i = 0; i < x->n_temporal && same; i++) {
            same = x->temporal[i].dim == y->temporal[i].dim && x->temporal[i].bound == y->temporal[i].bound;
        }
        for (int i = 0; i < x->n_spatial && same; i++) {
            same = x->spatial[i].dim == y->spatial[i].dim && x->spatial[i].bound == y->spatial[i].bound &&
                   x->spatial[i].axis == y->spatial[i].axis;
        }
    }
    return same;
}

/* The case that is written reads back as the structs, and its counts are priced. */
static void check_case(void)
{
    static struct case_problem p;
    struct strbuf line = STRBUF_INIT, answer = STRBUF_INIT;
    struct err err = ERR_INIT;
    timeloop_case(&t, "round trip", &line);
    ck_assert_msg(case_read(strbuf_str(&line), line.len, &p, &err) == 0, "%s: %s", err.text, strbuf_str(&line));
    ck_assert_int_eq(p.mapping.n_levels, t.mapping.n_levels);
    ck_assert(same_mapping(&p.mapping, &t.mapping));
    ck_assert_int_eq(einsum_macs(&p.einsum), einsum_macs(&t.einsum));
    for (int l = 0; l < t.mapping.n_levels; l++) {
        const struct level *a = &p.accelerator.level[l], *b = &t.accelerator.level[l];
        ck_assert(a->capacity_bits == b->capacity_bits && a->instances == b->instances && a->fanout_x == b->fanout_x &&
                  a->word_bits == b->word_bits);
        ck_assert(a->read_bits_per_cycle == b->read_bits_per_cycle &&
                  a->shared_bits_per_cycle == b->shared_bits_per_cycle);
    }
    ck_assert_int_eq(case_run(strbuf_str(&line), line.len, (enum accounting)0, &answer), 0);
    strbuf_release(&line);
    strbuf_release(&answer);
}

START_TEST(case_is_the_same)
{
    must_read(all, 3);
    check_case();
}
END_TEST

/* Writes the mapping in t as Timeloop's file, reads it, and compares. */
static void check_round_trip(const char *path)
{
    static struct mapping before;
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;
    before = t.mapping;
    ck_assert_msg(timeloop_mapping(&t.mapping, &t.arch, &t.einsum, &text, &err) == 0, "%s", err.text);
    write_file(path, strbuf_str(&text));
    const char *const paths[] = {all[0], all[1], path};
    struct diags d = DIAGS_INIT;
    int rc = timeloop_read(paths, 3, &t, &d);
    ck_assert_msg(rc == 0, "%s\n%s", d.n ? d.list[0].message : "", strbuf_str(&text));
    ck_assert_msg(same_mapping(&before, &t.mapping), "%s", strbuf_str(&text));
    strbuf_release(&text);
    diags_release(&d);
}

/* A random legal mapping: each dimension's bound divided over the loops, imperfectly at times; tiles may not fit, then another is tried. */
static bool random_mapping_of_t(struct rng *r)
{
    struct mapping *m = &t.mapping;
    const struct einsum *e = &t.einsum;
    struct err err = ERR_INIT;
    int64_t room[2][2] = {{6, 1}, {2, 3}}; /* of the two meshes */
    memset(m->level, 0, sizeof m->level);
    for (int l = 0; l < 5; l++) {
        m->level[l].keep = l == 4 ? 7 : l == 3 ? 6 : l == 2 ? 2 : l == 1 ? 1 : 4;
    }
    for (int i = 0; i < e->n_dims; i++) {
        int64_t left = e->bound[i];
        for (int l = 0; l < 4; l++) {
            int64_t f = 1 + rng_below(r, left < 4 ? left : 4);
            if (l != 3 && f > 1 && rng_below(r, 2)) {
                m->level[l].temporal[m->level[l].n_temporal++] = (struct loop){i, f};
                left = (left + f - 1) / f;
            }
        }
        int array = (int)rng_below(r, 2), axis = (int)rng_below(r, 2);
        int64_t f = 1 + rng_below(r, room[array][axis]);
        struct mapping_level *buffer = &m->level[3];
        if (f > 1 && f <= left && array == (buffer->n_spatial ? 1 : array)) {
            buffer->spatial[buffer->n_spatial++] = (struct spatial_loop){i, f, (enum axis)axis};
            room[array][axis] /= f;
            left = (left + f - 1) / f;
        }
        if (left > 1) {
            m->level[4].temporal[m->level[4].n_temporal++] = (struct loop){i, left};
        }
    }
    return mapping_check(m, &t.accelerator, e, &err) == 0;
}

/* Timeloop lists the loops of a mesh with those along x inside, so only such an order can be said in its format. */
static bool can_be_written(void)
{
    struct strbuf text = STRBUF_INIT;
    struct err err = ERR_INIT;
    bool good = timeloop_mapping(&t.mapping, &t.arch, &t.einsum, &text, &err) == 0;
    const struct mapping_level *buffer = &t.mapping.level[3];
    for (int i = 1; i < buffer->n_spatial; i++) {
        good = good && !(buffer->spatial[i - 1].axis == AXIS_X && buffer->spatial[i].axis == AXIS_Y);
    }
    strbuf_release(&text);
    return good;
}

START_TEST(mappings_round_trip)
{
    char path[] = "/tmp/dovetail-mapping-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    must_read(all, 3);
    check_round_trip(path);
    struct rng r;
    int checked = 0, tried = 0;
    rng_init(&r, 3, 0, RNG_TEST);
    for (; checked < 300 && tried < 100000; tried++) {
        if (random_mapping_of_t(&r) && can_be_written()) {
            check_round_trip(path);
            check_case();
            checked++;
        }
    }
    unlink(path);
    printf("checked %d random mappings\n", checked);
    ck_assert_int_eq(checked, 300);
}
END_TEST

/* An operator of a network is the einsum that a convolution of the same sizes has. */
static void check_conv(const struct op *op, const struct conv_shape *shape)
{
    struct strbuf a = STRBUF_INIT, b = STRBUF_INIT;
    static struct einsum want;
    einsum_conv(&want, "want", shape, NETWORK_BITS, NETWORK_BITS, NETWORK_ACC_BITS);
    einsum_canonical(&op->einsum, &a);
    einsum_canonical(&want, &b);
    ck_assert_str_eq(strbuf_str(&a), strbuf_str(&b));
    strbuf_release(&a);
    strbuf_release(&b);
}

START_TEST(networks)
{
    static const struct {
        const char *text;
        struct conv_shape shape;
    } cases[] = {
        {"problem: {shape: cnn-layer, instance: {N: 2, C: 4, K: 8, P: 5, Q: 6, R: 3, S: 2, Wstride: 2, Hdilation: 3}}",
         {2, 1, 8, 4, 5, 6, 3, 2, 2, 1, 1, 3}},
        {"problem: {shape: dw-cnn-layer, instance: {C: 4, P: 5, Q: 6, R: 3, S: 3}}",
         {1, 4, 1, 1, 5, 6, 3, 3, 1, 1, 1, 1}},
        {"problem: {shape: {dimensions: M N K, data_spaces: [{name: A, projection: 'M K'}, {name: Weights, projection: "
         "'K N'}, "
         "{name: Z, projection: 'M N', read_write: true}]}, instance: {M: 2, N: 3, K: 5}}",
         {1, 1, 3, 5, 2, 1, 1, 1, 1, 1, 1, 1}},
        {"problem: {shape: {dimensions: H M D T, data_spaces: [{name: Weights, projection: 'H D T'}, {name: Q, "
         "projection: 'H M D'}, "
         "{name: Z, projection: 'H M T', read_write: true}]}, instance: {H: 12, M: 7, D: 64, T: 9}}",
         {1, 12, 9, 64, 7, 1, 1, 1, 1, 1, 1, 1}},
        {"problem: {version: 0.3, shape: cnn_layer, instance: {C: 4, K: 8, P: 5, R: 3, Wstride: 0, densities: "
         "{Weights: "
         "{distribution: real-data, data_file_path: w.txt}}}}",
         {1, 1, 8, 4 * 3, 5, 1, 1, 1, 1, 1, 1, 1}},
    };
    char path[] = "/tmp/dovetail-problem-XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    ck_assert_int_ge(fd, 0);
    close(fd);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diags d = DIAGS_INIT;
        write_file(path, cases[i].text);
        struct network *net = network_load(path, NULL, 0, 1, &d);
        ck_assert_msg(net != NULL, "%s: %s", cases[i].text, d.n ? d.list[0].message : "");
        ck_assert_int_eq(net->n_ops, 1);
        check_conv(&net->op[0], &cases[i].shape);
        network_free(net);
        diags_release(&d);
    }
    unlink(path);
}
END_TEST

START_TEST(folder_is_a_network)
{
    char folder[] = "/tmp/dovetail-layers-XXXXXX", path[3][64];
    static const char *const text[] = {
        "problem: {shape: cnn-layer, instance: {C: 8, K: 4}}",
        "problem: {shape: cnn-layer, instance: {C: 3, K: 8, P: 4, densities: {Inputs: 0.5}}}",
        "problem: {shape: cnn-layer, instance: {N: 2}}",
    };
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < 3; i++) {
        snprintf(path[i], sizeof path[i], "%s/%s.yaml", folder, i == 0 ? "02" : i == 1 ? "01" : "03");
    }
    write_file(path[0], text[0]);
    write_file(path[1], text[1]);
    struct diags d = DIAGS_INIT;
    struct network *net = network_load(folder, NULL, 0, 3, &d);
    ck_assert_msg(net != NULL, "%s", d.n ? d.list[0].message : "");
    struct network_totals totals;
    network_totals(net, &totals);
    ck_assert(net->n_ops == 2 && net->n_blocks == 2 && net->batch == 3);
    ck_assert_str_eq(net->op[0].name, "01");
    ck_assert_int_eq(totals.macs, 3 * (3 * 8 * 4 + 8 * 4));
    ck_assert_double_eq(net->op[0].einsum.tensor[1].density, 0.5);
    network_free(net);
    write_file(path[2], text[2]);
    ck_assert_ptr_null(network_load(folder, NULL, 0, 1, &d));
    ck_assert_str_eq(d.list[0].message, "it has 2 samples, the network 1");
    for (int i = 0; i < 3; i++) {
        unlink(path[i]);
    }
    ck_assert_ptr_null(network_load(folder, NULL, 0, 1, &d));
    rmdir(folder);
    diags_release(&d);
}
END_TEST

START_TEST(no_operator_of_a_network)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"problem: {shape: {dimensions: A B, data_spaces: [{name: X, projection: 'A B'}, {name: Z, projection: 'A', "
         "read_write: true}]}, instance: {A: 2}}",
         "it has 2 tensors; an operator of a network reads two and writes one"},
        {"problem: {shape: {dimensions: A B C, data_spaces: [{name: Weights, projection: B}, {name: X, projection: 'A "
         "B'}, "
         "{name: Z, projection: 'C', read_write: true}]}, "
         "instance: {A: 2}}",
         "'A' makes it no convolution and no matmul"},
        {"problem: {shape: {dimensions: A B C, data_spaces: [{name: Weights, projection: B}, {name: X, projection: "
         "A+B+C}, "
         "{name: Z, projection: 'A C', read_write: true}]}, instance: {A: 2, B: 2, C: 2}}",
         "'C' makes it no convolution and no matmul"},
    };
    char path[] = "/tmp/dovetail-problem-XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    ck_assert_int_ge(fd, 0);
    close(fd);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diags d = DIAGS_INIT;
        write_file(path, cases[i].text);
        ck_assert_ptr_null(network_load(path, NULL, 0, 1, &d));
        ck_assert_str_eq(d.list[0].message, cases[i].message);
        diags_release(&d);
    }
    unlink(path);
}
END_TEST

START_TEST(refused_problems)
{
    static const struct {
        const char *text, *message;
        int line, col;
    } cases[] = {
        {"problem:\n  version: 0.5\n", "Timeloop v0.5 is not read", 2, 12},
        {"problem:\n  shape: cnn-layr\n", "the shape 'cnn-layr' is not known by name", 2, 10},
        {"problem:\n  shape: cnn-layer\n  instance: {C: 2*4}\n", "'C': arithmetic is not read", 3, 17},
        {"problem:\n  shape: cnn-layer\n  instance: {C: 0}\n", "'C' must be at least 1, not 0", 3, 17},
        {"problem:\n  shape: cnn-layer\n  instance: {}\n  denstities: {}\n",
         "'denstities' of the problem is not understood", 4, 3},
        {"problem:\n  shape: {dimensions: [A], data_spaces: [{name: X, projection: [[[B]]]}]}\n",
         "'B' is no dimension of the shape", 2, 66},
        {"problem:\n  shape: {dimensions: [A], data_spaces: [{name: X, projection: [[[A, s]]]}]}\n",
         "'s' is no coefficient of the shape", 2, 66},
        {"problem:\n  shape: {dimensions: [A, A], data_spaces: []}\n", "dimension 'A' is there twice", 2, 27},
        {"problem:\n  shape: {dimensions: [A]}\n", "a shape needs 'dimensions' and 'data_spaces'", 2, 3},
        {"problem:\n  shape: cnn-layer\n  instance: {densities: {Inputs: {distribution: banded, density: 0.5}}}\n",
         "'banded' is no value of 'distribution'", 3, 49},
        {"problem:\n  shape: cnn-layer\n  instance: {densities: {Input: 0.5}}\n",
         "'Input' of 'densities' is no data space of the shape", 3, 26},
        {"problem:\n  instance: {C: {{c}}}\n", "Jinja2 is not read", 2, 17},
        {"{% if x %}\n", "Jinja2 is not read", 1, 1},
        {"{{include_text('nowhere.yaml')}}\n", "cannot open '/tmp/nowhere.yaml': No such file or directory", 1, 1},
        {"- problem\n", "a Timeloop file has 'problem', 'architecture' or 'mapping' at its top", 1, 1},
        {"arch:\n  x: 1\n", "'arch' is CoSA's own form of an architecture", 1, 1},
        {"mapping:\n  - {target: DRAM, type: temporal}\n",
         "a mapping is read together with its problem and its architecture", 1, 1},
        {"architecture:\n  version: 0.2\n", "Timeloop v0.2 is not read", 2, 12},
        {"architecture:\n  subtree: []\n", "'subtree' is the form of Timeloop v0.2 and v0.3", 2, 3},
        {"architecture:\n  version: 0.4\n", "'nodes' is missing", 1, 1},
        {"architecture:\n  nodes: []\n", "the architecture has no storage", 1, 1},
        {"architecture:\n  nodes:\n  - !Component {name: B, class: SRAM, attributes: {depth: 8, width: 8, datawidth: "
         "8}}\n",
         "the architecture has no compute unit", 1, 1},
        {"architecture:\n  nodes:\n  - {name: B}\n", "'B': the tag '(none)' is not understood here", 3, 5},
        {"architecture:\n  nodes:\n  - !Fanout {name: B}\n", "'B': the tag '!Fanout' is not understood here", 3, 13},
        {"architecture:\n  nodes:\n  - !Component {name: B, class: wire}\n",
         "'B' of class 'wire' is neither storage nor compute", 3, 16},
        {"architecture:\n  nodes:\n  - !Component {name: B, clas: SRAM}\n", "'clas' of a node is not understood", 3,
         26},
        {"architecture:\n  nodes:\n  - !Component {name: B, class: SRAM, attributes: {depth: 4*4, width: 8, datawidth: "
         "8}}\n",
         "'depth': arithmetic is not read", 3, 59},
        {"architecture:\n  nodes:\n  - !Component {name: B, class: SRAM, attributes: {depth: 4, width: 20, datawidth: "
         "8}}\n",
         "'B': the width of 20 bits is not a whole number (up to 4096) of words of 8 bits", 3, 16},
        {"architecture:\n  nodes:\n  - !Component {name: B, class: SRAM, attributes: {sizeKB: 4}}\n",
         "attribute 'sizeKB' is not read", 3, 52},
        {"architecture:\n  nodes:\n  - !Container {name: B, spatial: {meshX: 4}}\n",
         "'B' has a mesh, but no storage is above it", 3, 26},
        {"architecture:\n  nodes:\n  - !Component {name: 'B[0..3]', class: SRAM}\n",
         "'B[0..3]' is no name that is read: letters, digits, '_', '-', '.' only", 3, 23},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diags d = DIAGS_INIT;
        ck_assert_msg(read_problem(cases[i].text, &d) == -1, "accepted:\n%s", cases[i].text);
        int e = 0;
        while (e < d.n - 1 && d.list[e].level != DIAG_ERROR) {
            e++;
        }
        ck_assert_str_eq(d.list[e].message, cases[i].message);
        ck_assert_msg(d.list[e].mark.line == cases[i].line && d.list[e].mark.col == cases[i].col, "%s at %d:%d",
                      cases[i].message, d.list[e].mark.line, d.list[e].mark.col);
        diags_release(&d);
    }
}
END_TEST

START_TEST(refused_mappings)
{
    static const struct {
        const char *text, *message;
        int line, col;
    } cases[] = {
        {"- {target: DRAN, type: temporal}", "'DRAN' is no storage of the architecture", 2, 12},
        {"- {target: Buffer, type: spatial}", "'Buffer' is no container or component with a mesh of the architecture",
         2, 12},
        {"- {target: DRAM, type: temporl}", "'temporl' is no value of 'type'", 2, 24},
        {"- {target: DRAM}", "an entry of the mapping needs 'target' and 'type'", 2, 3},
        {"- {target: DRAM, type: temporal, factor: [C=8]}", "'factor' of the mapping is not understood", 2, 34},
        {"- {target: DRAM, type: temporal, factors: [X=8]}", "'X' is no dimension of the problem", 2, 44},
        {"- {target: DRAM, type: temporal, factors: [C<=8]}", "the factor 'C<=8' is not understood", 2, 44},
        {"- {target: DRAM, type: temporal, factors: [C=-8]}", "the factor 'C=-8' is not understood", 2, 44},
        {"- {target: DRAM, type: temporal, permutation: CMX}", "'X' is no dimension of the problem", 2, 49},
        {"- {target: DRAM, type: temporal, permutation: CMC}", "'C' is there twice", 2, 49},
        {"- {target: DRAM, type: temporal, factors: [C=4]}", "the factors of 'C' multiply to 4, the problem has 8", 2,
         44},
        {"- {target: DRAM, type: temporal, factors: [C=0]}\n- {target: Buffer, type: temporal, factors: [C=0]}",
         "'C' has the factor 0 twice", 2, 44},
        {"- {target: DRAM, type: temporal}\n- {target: DRAM, type: temporal}", "a second entry of this type for 'DRAM'",
         3, 3},
        {"- {target: Buffer, type: dataspace, keep: [Weight]}\n- {target: DRAM, type: temporal, factors: [C=0, M=0, "
         "R=0, S=0, P=0, Q=0]}",
         "'Weight' is no data space of the problem", 2, 44},
        {"- {target: DRAM, type: temporal, factors: [C=0, M=0, R=0, S=0, P=0, Q=1]}\n- {target: column, type: spatial, "
         "factors: [Q=12]}",
         "the loops of 'column' along x need 12 instances, it has 6", 3, 45},
        {"- {target: DRAM, type: temporal, factors: [C=0, M=1, R=0, S=0, P=0, Q=0]}\n- {target: PE, type: spatial, "
         "factors: [M=2]}",
         "the factors of 'M' multiply to 2, the problem has 16", 3, 41},
        {"- {target: DRAM, type: temporal, factors: ['C=5,3', M=0, R=0, S=0, P=0, Q=0]}\n- {target: SumSpad, type: "
         "temporal, factors: [C=2]}",
         "the last pass over 'C' has 4, not 3", 2, 44},
        {"- {target: DRAM, type: temporal, factors: [C=0, M=0, R=0, S=0, P=0, Q=1]}\n- {target: SumSpad, type: "
         "temporal, factors: [Q=12, M=2]}",
         NULL, 1, 1},
    };
    char path[] = "/tmp/dovetail-mapping-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diags d = DIAGS_INIT;
        struct strbuf text = STRBUF_INIT;
        strbuf_addf(&text, "mapping:\n%s\n", cases[i].text);
        write_file(path, strbuf_str(&text));
        const char *const paths[] = {all[0], all[1], path};
        ck_assert_msg(timeloop_read(paths, 3, &t, &d) == -1, "accepted:\n%s", cases[i].text);
        if (cases[i].message) {
            ck_assert_str_eq(d.list[0].message, cases[i].message);
        }
        ck_assert_msg(d.list[0].mark.line == cases[i].line && d.list[0].mark.col == cases[i].col, "%s at %d:%d",
                      d.list[0].message, d.list[0].mark.line, d.list[0].mark.col);
        strbuf_release(&text);
        diags_release(&d);
    }
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("timeloop");
    TCase *c = tcase_create("all");
    tcase_add_test(c, problem);
    tcase_add_test(c, problem_forms);
    tcase_add_test(c, densities);
    tcase_add_test(c, include_and_merge);
    tcase_add_test(c, architecture);
    tcase_add_test(c, template_builds);
    tcase_add_test(c, mapping);
    tcase_add_test(c, case_is_the_same);
    tcase_add_test(c, mappings_round_trip);
    tcase_add_test(c, networks);
    tcase_add_test(c, folder_is_a_network);
    tcase_add_test(c, no_operator_of_a_network);
    tcase_add_test(c, refused_problems);
    tcase_add_test(c, refused_mappings);
    tcase_set_timeout(c, 60);
    suite_add_tcase(s, c);
    return run_suite(s, CK_FORK_GETENV);
}
