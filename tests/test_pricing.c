/* One operator from files: templates with parameters, layers, widths, mapping files; and what is wrong with them. */
#include "base/strbuf.h"
#include "experiments/pricing.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct pricing_request request = {
    .arch = "eyeriss_like", .workload = "resnet18", .layer = "layer1.0.conv1"};

START_TEST(mapper_then_its_mapping)
{
    struct pricing found, given;
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    ck_assert_int_eq(pricing_run(&request, &found, &d), 0);
    ck_assert(found.mapped);
    mapping_write(&found.mapping, &found.accelerator, &found.einsum, &text);
    struct pricing_request r = request;
    r.mapping = strbuf_str(&text);
    ck_assert_int_eq(pricing_run(&r, &given, &d), 0);
    ck_assert(!given.mapped);
    ck_assert_double_eq(given.cost.energy_pj, found.cost.energy_pj);
    ck_assert_double_eq(given.cost.cycles, found.cost.cycles);

    /* The same out of a file, for this operator among others. */
    char path[] = "/tmp/test_pricing_XXXXXX";
    FILE *f = fdopen(mkstemp(path), "w");
    fprintf(f, "mapping:\n  conv1: nothing\n  layer1.0.conv1: '%s'\n", strbuf_str(&text));
    fclose(f);
    r.mapping = path;
    ck_assert_int_eq(pricing_run(&r, &given, &d), 0);
    ck_assert_double_eq(given.cost.energy_pj, found.cost.energy_pj);
    unlink(path);

    /* Narrower operands cost less; stalls never make it faster. */
    r.mapping = strbuf_str(&text);
    r.w_bits = r.a_bits = 4;
    ck_assert_int_eq(pricing_run(&r, &given, &d), 0);
    ck_assert(given.cost.energy_pj < found.cost.energy_pj);
    r.w_bits = r.a_bits = 0;
    r.options.fidelity = FIDELITY_STALLS;
    ck_assert_int_eq(pricing_run(&r, &given, &d), 0);
    ck_assert(given.cost.cycles >= found.cost.cycles);
    strbuf_release(&text);
    diags_release(&d);
}
END_TEST

START_TEST(parameters_of_the_template)
{
    static const char *const set[] = {"clock=100MHz", "dram=HBM2"};
    struct pricing slow, normal;
    struct diags d = DIAGS_INIT;
    struct pricing_request r = request;
    r.set = set;
    r.n_set = 2;
    ck_assert_int_eq(pricing_run(&request, &normal, &d), 0);
    ck_assert_int_eq(pricing_run(&r, &slow, &d), 0);
    ck_assert_double_eq(slow.accelerator.clock_hz, 1e8);
    ck_assert(slow.accelerator.level[slow.accelerator.n_levels - 1].read_pj <
              normal.accelerator.level[normal.accelerator.n_levels - 1].read_pj);
    diags_release(&d);
}
END_TEST

START_TEST(what_is_wrong)
{
    static const struct {
        struct pricing_request r;
        const char *set, *says;
    } rows[] = {
        {{.arch = "eyeris_like", .workload = "resnet18", .layer = "conv1"}, NULL, "eyeris_like"},
        {{.arch = "eyeriss_like", .workload = "resnet18"}, NULL, "name one with --layer"},
        {{.arch = "eyeriss_like", .workload = "resnet18", .layer = "conv2"}, NULL, "no tensor operator 'conv2'"},
        {{.arch = "eyeriss_like", .workload = "resnet18", .layer = "conv1"}, "clok=1MHz", "no parameter 'clok'"},
        {{.arch = "eyeriss_like", .workload = "resnet18", .layer = "conv1"},
         "clock=1mm",
         "a frequency with its unit: MHz, GHz"},
        {{.arch = "eyeriss_like", .workload = "resnet18", .layer = "conv1"}, "dram=DDR9", "no choice for 'dram'"},
        {{.arch = "eyeriss_like", .workload = "resnet18", .layer = "conv1", .mapping = "DRAM | GLB"},
         NULL,
         "mapping, column"},
        {{.arch = "eyeriss_like", .workload = "resnet18", .layer = "conv1", .mapping = "/nowhere.yaml"},
         NULL,
         "nowhere"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pricing p;
        struct diags d = DIAGS_INIT;
        struct strbuf out = STRBUF_INIT;
        struct pricing_request r = rows[i].r;
        r.set = &rows[i].set;
        r.n_set = rows[i].set != NULL;
        ck_assert_int_eq(pricing_run(&r, &p, &d), -1);
        diags_format(&d, false, &out);
        ck_assert_msg(strstr(strbuf_str(&out), rows[i].says) != NULL, "%s", strbuf_str(&out));
        strbuf_release(&out);
        diags_release(&d);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pricing");
    TCase *tc = tcase_create("pricing");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, mapper_then_its_mapping);
    tcase_add_test(tc, parameters_of_the_template);
    tcase_add_test(tc, what_is_wrong);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_NOFORK);
}
