/* dovetail map: what it prints, as text and JSON, and its exit codes. */
#include "tests/run_suite.h"
#include "tests/shell.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct shell sh;

static json_t *document(void)
{
    json_error_t e;
    json_t *doc = json_loads(strbuf_str(&sh.out), 0, &e);
    ck_assert_msg(doc != NULL, "not JSON: %s", e.text);
    return doc;
}

static const json_t *first_layer(const json_t *doc)
{
    return json_array_get(json_object_get(doc, "layers"), 0);
}

START_TEST(exact_is_never_worse)
{
    double value[2];
    for (int exact = 0; exact < 2; exact++) {
        shell_run(&sh, "dovetail map --arch edge_npu --workload resnet18 --layer layer4.0.downsample %s --json",
                  exact ? "" : "--fast --perfect");
        ck_assert_int_eq(sh.status, 0);
        json_t *doc = document();
        const json_t *line = first_layer(doc);
        value[exact] = json_real_value(json_object_get(line, "value"));
        ck_assert_int_eq(json_is_true(json_object_get(line, "proven")), exact);
        ck_assert(!exact || json_real_value(json_object_get(line, "bound")) <= value[1]);
        ck_assert(strstr(json_string_value(json_object_get(line, "mapping")), "DRAM") != NULL);
        json_decref(doc);
    }
    ck_assert(value[1] <= value[0]);
}
END_TEST

START_TEST(front_falls)
{
    shell_run(&sh, "dovetail map --arch nvdla_like --workload resnet18 --layer conv1 --pareto --json");
    ck_assert_int_eq(sh.status, 0);
    json_t *doc = document();
    const json_t *front = json_object_get(first_layer(doc), "front");
    ck_assert_int_ge((int)json_array_size(front), 1);
    for (size_t i = 1; i < json_array_size(front); i++) {
        const json_t *a = json_array_get(front, i - 1), *b = json_array_get(front, i);
        ck_assert(json_real_value(json_object_get(a, "cycles")) < json_real_value(json_object_get(b, "cycles")));
        ck_assert(json_real_value(json_object_get(a, "energy_j")) > json_real_value(json_object_get(b, "energy_j")));
    }
    json_decref(doc);
}
END_TEST

static double best_of(const char *rules, char *mapping, size_t size)
{
    shell_run(&sh, "dovetail map --arch edge_npu --workload resnet18 --layer layer4.0.downsample --json %s", rules);
    ck_assert_msg(sh.status == 0, "%s: %s", rules, strbuf_str(&sh.err));
    json_t *doc = document();
    const json_t *line = first_layer(doc);
    ck_assert(json_is_true(json_object_get(line, "proven")));
    snprintf(mapping, size, "%s", json_string_value(json_object_get(line, "mapping")));
    double value = json_real_value(json_object_get(line, "value"));
    json_decref(doc);
    return value;
}

START_TEST(rules_of_the_user_hold)
{
    char mapping[400];
    double free_value = best_of("", mapping, sizeof mapping);
    static const struct {
        const char *rules, *has, *lacks;
    } cases[] = {
        {"--constrain GLB.bypass=weights", "GLB[-", NULL},
        {"--constrain GLB.keep=weights,inputs,outputs", "GLB ", "GLB["},
        {"--constrain GLB.x=none --constrain GLB.y=none", "GLB", "X:"},
        {"--constrain GLB.x=K --constrain GLB.y=none", "X:K", "Y:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = best_of(cases[i].rules, mapping, sizeof mapping);
        ck_assert_msg(value >= free_value, "%s is better than no rule", cases[i].rules);
        const char *glb = strstr(mapping, "GLB"), *end = glb ? strchr(glb, '|') : NULL;
        ck_assert_ptr_nonnull(end);
        char part[200];
        snprintf(part, sizeof part, "%.*s", (int)(end - glb), glb);
        ck_assert_msg(strstr(part, cases[i].has) && (!cases[i].lacks || !strstr(part, cases[i].lacks)), "%s: %s",
                      cases[i].rules, mapping);
    }
}
END_TEST

START_TEST(rules_that_cannot_hold)
{
    static const struct {
        const char *rules, *why;
    } cases[] = {
        {"--constrain GLBB.keep=weights", "did you mean 'GLB'?"},
        {"--constrain GLB.keep=weight", "did you mean 'weights'?"},
        {"--constrain GLB.kepp=weights", "did you mean 'keep'?"},
        {"--constrain GLB.x=Z", "no operator has a dimension 'Z'"},
        {"--constrain DRAM.bypass=weights", "the outermost level holds everything"},
        {"--constrain GLB.keep=weights --constrain GLB.bypass=weights", "always holds weights"},
        {"--constrain nothing=weights", "is no rule for a mapping"},
        {"--constrain GLB.x=", "is no rule for a mapping"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shell_run(&sh, "dovetail map --arch edge_npu --workload resnet18 --layer conv1 %s", cases[i].rules);
        ck_assert_msg(sh.status == 65 && strstr(strbuf_str(&sh.err), cases[i].why), "%s: %d %s", cases[i].rules,
                      sh.status, strbuf_str(&sh.err));
    }
}
END_TEST

START_TEST(every_distinct_operator)
{
    shell_run(&sh, "dovetail map --arch nvdla_like --workload resnet18 --fast --explain");
    ck_assert_int_eq(sh.status, 0);
    const char *out = strbuf_str(&sh.out);
    ck_assert_ptr_nonnull(strstr(out, "layer1.0.conv1           4"));
    ck_assert_ptr_nonnull(strstr(out, "<< Compute >>"));
    ck_assert_ptr_nonnull(strstr(out, "not asked"));
}
END_TEST

START_TEST(refusals)
{
    shell_run(&sh, "dovetail map --arch edge_npu");
    ck_assert_int_eq(sh.status, 64);
    shell_run(&sh, "dovetail map --arch edge_npu --workload resnet18 --layer layer1.0.conv3");
    ck_assert_int_eq(sh.status, 65);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "did you mean 'layer1.0.conv1'?"));
    shell_run(&sh, "dovetail map --arch edge_npu --set mac_bits=4 --workload resnet18 --layer conv1 --w-bits 8");
    ck_assert_int_eq(sh.status, 1);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "do not fit MAC units"));
    shell_run(&sh, "dovetail map --arch edge_npu --set pe_rows=1.5 --workload resnet18");
    ck_assert_int_eq(sh.status, 65);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "is 1.5: it must be a whole number"));
    shell_run(&sh, "dovetail map --arch edge_npu --set glb=1GiB --workload resnet18");
    ck_assert_int_eq(sh.status, 65);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "it lies outside 4KiB..8MiB"));
    shell_run(&sh, "dovetail map --arch edge_npu --workload resnet18 --budget 0");
    ck_assert_int_eq(sh.status, 64);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "must lie in 1..1000000000000000, not '0'"));
    shell_run(&sh, "dovetail map --arch edge_npu --workload resnet18 --perfect");
    ck_assert_int_eq(sh.status, 64);
    shell_run(&sh, "dovetail map --arch edge_npu --workload resnet18 --fast --imperfect");
    ck_assert_int_eq(sh.status, 64);
    shell_run(&sh, "dovetail model --case /"); /* a folder is not a file without cases */
    ck_assert_int_eq(sh.status, 66);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("map");
    TCase *c = tcase_create("map");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, exact_is_never_worse);
    tcase_add_test(c, front_falls);
    tcase_add_test(c, rules_of_the_user_hold);
    tcase_add_test(c, rules_that_cannot_hold);
    tcase_add_test(c, every_distinct_operator);
    tcase_add_test(c, refusals);
    suite_add_tcase(s, c);
    int status = run_suite(s, CK_NOFORK);
    shell_release(&sh);
    return status;
}
