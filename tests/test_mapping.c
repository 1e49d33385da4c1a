/* Mappings: text there and back, the printed nest, and every reason for which one is illegal. */
#include "base/strbuf.h"
#include "tests/random_mapping.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static void matmul(struct einsum *e, struct mapping *m, struct accelerator *a)
{
    struct rng r;
    rng_init(&r, 2, 0, RNG_TEST);
    einsum_matmul(e, "matmul", 1, 10, 8, 6, true, 8, 8, 24);
    memset(m, 0, sizeof *m);
    m->n_levels = 2;
    m->level[0].keep = m->level[1].keep = 7;
    struct mapping_level *in = &m->level[0], *out = &m->level[1];
    in->n_temporal = 2;
    in->temporal[0] = (struct loop){einsum_dim(e, "P"), 4};
    in->temporal[1] = (struct loop){einsum_dim(e, "C"), 6};
    out->n_temporal = 1;
    out->temporal[0] = (struct loop){einsum_dim(e, "P"), 3};
    out->n_spatial = 1;
    out->spatial[0] = (struct spatial_loop){einsum_dim(e, "K"), 8, AXIS_X};
    random_accelerator(&r, e, m, a);
    snprintf(a->level[0].name, HW_NAME, "RF");
    snprintf(a->level[1].name, HW_NAME, "DRAM");
    for (int l = 0; l < 2; l++) {
        a->level[l].word_bits = 8;
    }
}

START_TEST(text_goes_there_and_back)
{
    int n = 2000;
    for (int i = 0; i < n; i++) {
        struct rng r;
        struct einsum e;
        struct mapping m, back;
        struct accelerator a;
        struct err err = ERR_INIT;
        struct strbuf once = STRBUF_INIT, twice = STRBUF_INIT;
        rng_init(&r, 4, (uint64_t)i, RNG_TEST);
        random_einsum(&r, (enum random_kind)(i % RANDOM_KIND_COUNT), 1000, &e);
        random_mapping(&r, &e, (int)(2 + rng_below(&r, 4)), 64, i % 2 == 0, &m);
        random_accelerator(&r, &e, &m, &a);
        mapping_write(&m, &a, &e, &once);
        ck_assert_msg(mapping_read(once.buf, &a, &e, &back, &err) == 0, "%s", err.text);
        mapping_write(&back, &a, &e, &twice);
        ck_assert_str_eq(once.buf, twice.buf);
        ck_assert_int_eq(mapping_check(&back, &a, &e, &err), 0);
        for (int l = 0; l < m.n_levels; l++) {
            ck_assert_uint_eq(back.level[l].keep, m.level[l].keep);
        }
        strbuf_release(&once);
        strbuf_release(&twice);
    }
    printf("%d mappings written and read\n", n);
}
END_TEST

START_TEST(nest_as_timeloop_prints_it)
{
    struct einsum e;
    struct mapping m;
    struct accelerator a;
    struct strbuf out = STRBUF_INIT;
    matmul(&e, &m, &a);
    mapping_print(&m, &a, &e, &out);
    ck_assert_str_eq(out.buf, "DRAM [ weights:48 (48) inputs:60 (60) outputs:80 (80) ]\n"
                              "-------------------------------------------------------\n"
                              "| for P in [0:3)\n"
                              "|   for K in [0:8) (Spatial-X)\n"
                              "\n"
                              "RF [ weights:6 (6) inputs:24 (24) outputs:4 (4) ]\n"
                              "-------------------------------------------------\n"
                              "|     for P in [0:4,2)\n"
                              "|       for C in [0:6)\n"
                              "|         << Compute >>\n");
    strbuf_reset(&out);
    mapping_write(&m, &a, &e, &out);
    ck_assert_str_eq(out.buf, "DRAM P3 X:K8 | RF P4 C6");
    strbuf_release(&out);
}
END_TEST

START_TEST(what_is_illegal)
{
    struct einsum e;
    struct mapping m;
    struct accelerator a;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"DRAM P3 X:K8 | RF P4 C6", NULL},
        {"DRAM P5 X:K8 | RF P4 C6", "the last ones are empty, 'P' is 10"},
        {"DRAM P2 X:K8 | RF P4 C6", "cover 8 of 10"},
        {"DRAM P3 X:K8 | RF P4 P2 C6", "'RF' loops twice over 'P'"},
        {"DRAM P3 X:K8 X:C2 | RF P4 C3", "along X below 'DRAM' need 16 children, it has 8"},
        {"DRAM P3 Y:C2 X:K8 | RF P4 C3", "along Y below 'DRAM' need 2 children, it has 1"},
        {"DRAM[w-o] P3 X:K8 | RF P4 C6", "must keep 'inputs'"},
        /* weights 6 * 8, inputs 60 * 8, partial outputs 10 * 24 bits */
        {"DRAM X:K8 | RF P10 C6", "'RF' holds 500 bits, the tiles need 768 (weights 48, "
                                  "inputs 480, outputs 240)"},
    };
    matmul(&e, &m, &a);
    a.level[0].capacity_bits = 500;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err err = ERR_INIT;
        int rc = mapping_read(rows[i].text, &a, &e, &m, &err);
        ck_assert_msg(rc == 0, "%s: %s", rows[i].text, err.text);
        rc = mapping_check(&m, &a, &e, &err);
        if (rows[i].says == NULL) {
            ck_assert_msg(rc == 0, "%s", err.text);
        } else {
            ck_assert_msg(rc == -1 && err.code == ERR_DATA && strstr(err.text, rows[i].says) != NULL,
                          "%s: '%s', not '%s'", rows[i].text, err.text, rows[i].says);
        }
    }
    struct err err = ERR_INIT;
    a.level[0].capacity_bits = 960;
    a.level[0].buffering = 2;
    ck_assert_int_eq(mapping_check(&m, &a, &e, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "480 bits in each of its buffers"));
    err = (struct err)ERR_INIT;
    a.level[0].buffering = 1;
    ck_assert_int_eq(mapping_check(&m, &a, &e, &err), 0);
    a.level[0].keep[TENSOR_WEIGHTS] = KEEP_NEVER;
    ck_assert_int_eq(mapping_check(&m, &a, &e, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "'RF' cannot keep 'weights'"));
}
END_TEST

START_TEST(what_cannot_be_read)
{
    static const char *const bad[] = {
        "",
        "GLB P10",
        "DRAM P10",
        "DRAM P | RF",
        "DRAM P0 | RF",
        "DRAM Z4 | RF",
        "DRAM X:P4 K2 | RF",
        "DRAM[wx] | RF",
        "DRAM | RF | X",
        "DRAM P99999999999999999999 | RF",
    };
    struct einsum e;
    struct mapping m;
    struct accelerator a;
    matmul(&e, &m, &a);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = ERR_INIT;
        ck_assert_msg(mapping_read(bad[i], &a, &e, &m, &err) == -1, "%s", bad[i]);
        ck_assert_msg(strncmp(err.text, "mapping, column ", 16) == 0, "%s", err.text);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("mapping");
    TCase *tc = tcase_create("mapping");
    tcase_add_test(tc, text_goes_there_and_back);
    tcase_add_test(tc, nest_as_timeloop_prints_it);
    tcase_add_test(tc, what_is_illegal);
    tcase_add_test(tc, what_cannot_be_read);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
