/* Templates: the tables, every key misspelt, errors, extending, building. */
#include "base/doc.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "hw/template.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VALUES 64

static struct template *load(const char *name)
{
    struct diags d = DIAGS_INIT;
    struct template *t = template_load(name, &d);
    struct strbuf text = STRBUF_INIT;
    diags_format(&d, false, &text);
    ck_assert_msg(t != NULL, "%s", strbuf_str(&text));
    strbuf_release(&text);
    diags_release(&d);
    return t;
}

/* The messages that loading this text gives; "" when it loads. Caller frees. */
static char *errors_of(const char *yaml)
{
    struct diags d = DIAGS_INIT;
    struct template *t = template_read("small.yaml", yaml, strlen(yaml), &d);
    struct strbuf text = STRBUF_INIT;
    diags_format(&d, false, &text);
    ck_assert((t == NULL) == (d.n_errors > 0));
    template_free(t);
    diags_release(&d);
    return text.len > 0 ? strbuf_detach(&text) : mem_strdup("");
}

#define HEAD                                                                                                           \
    "template: small\ntechnology: 22nm\nclock: 500MHz\nmac: {w_bits: 8, a_bits: 8, "                                   \
    "acc_bits: 32}\n"
#define DRAM "  - {name: DRAM, class: dram, kind: LPDDR4, bandwidth: 8GB/s}\n"

static void expect(const char *yaml, const char *message)
{
    char *text = errors_of(yaml);
    ck_assert_msg(strstr(text, message) != NULL, "expected '%s' in:\n%s", message, text);
    mem_free(text);
}

START_TEST(test_errors_are_located)
{
    char *none = errors_of(HEAD "levels:\n" DRAM);
    ck_assert_str_eq(none, "");
    mem_free(none);
    expect(HEAD "levels:\n" DRAM "  - {name: GLB, class: sram, size: 64KiB, width: 64}\n", ":7:");
    expect(HEAD "levels:\n" DRAM "  - {name: GLB, class: sram, size: 64KiB, width: 64bit, links: true}\n",
           "'GLB' has links, so its network must be a mesh");
    expect(HEAD "levels:\n" DRAM "  - {name: GLB, class: sram, size: 64KiB, width: 64}\n",
           "the width must be a data size");
    expect(HEAD "levels:\n" DRAM "  - {name: GLB, class: sram, width: 64bit}\n", "needs a size and a width");
    expect(HEAD "levels:\n" DRAM "  - {name: GLB, class: sram, size: gbl, width: 64bit}\n", "gbl");
    expect(HEAD "levels:\n" DRAM "  - {name: DRAM, class: sram, size: 1KiB, width: 64bit}\n",
           "two levels are called 'DRAM'");
    expect(HEAD "levels:\n" DRAM "  - {name: B, class: sram, size: 1KiB, width: 8bit, keep: [wieghts]}\n",
           "did you mean 'weights'?");
    expect(HEAD "levels:\n  - {name: DRAM, class: dram, kind: LPDRR4, bandwidth: 8GB/s}\n", "did you mean 'LPDDR4'?");
    expect("template: t\ntechnology: 23nm\nclock: 1\nmac: {w_bits: 8}\nlevels:\n" DRAM, "no technology '23nm'");
    expect("template: t\ntechnology: 22nm\nclock: 1\nmac: {w_bits: 8}\nlevels:\n" DRAM,
           "'mac' needs w_bits, a_bits and acc_bits");
    expect("template: t\ntechnology: 22nm\nclock: 1GHz\nlevels:\n" DRAM, "has no 'mac'");
    expect(HEAD "levels:\n" DRAM "dataflows: {ws: {spatial: {DRAN: {x: [K]}}}}\n", "did you mean 'DRAM'?");
    expect(HEAD "levels:\n" DRAM "dataflows: {ws: {}}\ndataflow: wss\n", "no dataflow 'wss'");
    expect(HEAD "levels:\n" DRAM "parameters: {a: {type: int, default: 9, range: [1, 8]}}\n", "lies outside its range");
    expect(HEAD "levels:\n" DRAM "parameters: {a: {type: int, default: 9}}\n", "needs a default and a range");
    expect(HEAD "levels:\n" DRAM "parameters: {a: {type: choice, default: b, values: [c, d]}}\n", "has no value 'b'");
    expect("template: t\nextends: ./small_base.yaml\n", "small_base.yaml");
    expect("template: t\nextends: eyeris_like\n", "did you mean 'eyeriss_like'?");
}
END_TEST

/* Each key of each table with its middle letter doubled, dropped or its first letters swapped: the right suggestion. */
START_TEST(test_every_key_misspelt)
{
    int n, checked = 0;
    const struct schema *const *all = template_schemas(&n);
    for (int s = 0; s < n; s++) {
        for (int f = 0; f < all[s]->n; f++) {
            const char *key = all[s]->fields[f].key;
            size_t len = strlen(key), mid = len / 2;
            for (int way = 0; way < (len >= 4 ? 3 : 1); way++) {
                char word[64], text[128], hint[96];
                snprintf(word, sizeof word, "%.*s%c%s", (int)mid, key, key[mid], key + mid);
                if (way == 1) {
                    snprintf(word, sizeof word, "%.*s%s", (int)mid, key, key + mid + 1);
                } else if (way == 2) {
                    snprintf(word, sizeof word, "%c%c%s", key[1], key[0], key + 2);
                }
                int len_text = snprintf(text, sizeof text, "%s: 1\n", word);
                snprintf(hint, sizeof hint, "did you mean '%s'?", key);
                struct diags d = DIAGS_INIT;
                struct doc *doc = doc_read_text("misspelt", text, (size_t)len_text, &d);
                ck_assert(doc != NULL);
                char space[512] = {0}; /* larger than any struct that the tables fill */
                schema_read(all[s], &doc->root, space, NULL, &d);
                bool found = false;
                for (int i = 0; i < d.n; i++) {
                    found = found || (d.list[i].help != NULL && strcmp(d.list[i].help, hint) == 0);
                }
                ck_assert_msg(found, "%s: '%s' does not lead to '%s'", all[s]->what, word, key);
                doc_free(doc);
                diags_release(&d);
                checked++;
            }
        }
    }
    printf("checked %d misspelt keys of %d tables\n", checked, n);
    ck_assert_int_ge(checked, 80);
}
END_TEST

static void build(const struct template *t, const double *v, struct accelerator *a)
{
    struct err err = ERR_INIT;
    ck_assert_msg(template_build(t, v, a, &err) == 0, "%s: %s", template_name(t), err.text);
}

static void print_row(const struct accelerator *a)
{
    printf("%-13s %7.2f mm2 %6.3f V %7.2f mW leak", a->name, a->area_mm2, a->voltage_v, a->leak_w * 1e3);
    for (int i = a->n_levels - 1; i >= 0; i--) {
        printf("  %s %.3g/%.3g pJ", a->level[i].name, a->level[i].read_pj, a->level[i].write_pj);
        if (getenv("AREAS"))
            printf("[%.3g]", a->level[i].area_mm2 * (double)a->level[i].instances);
    }
    if (getenv("AREAS"))
        printf("[mac %.3g]", a->mac.area_mm2 * (double)a->mac.instances);
    printf("  MAC %.3g pJ\n", a->mac.mul_pj + a->mac.add_pj + a->mac.shift_add_pj);
}

START_TEST(test_all_templates_build)
{
    char names[16][HW_NAME];
    int n = template_list(names, 16);
    ck_assert_int_ge(n, 5);
    for (int i = 0; i < n; i++) {
        struct template *t = load(names[i]);
        ck_assert_str_eq(template_name(t), names[i]);
        double v[VALUES];
        int n_params;
        const struct template_param *p = template_params(t, &n_params);
        ck_assert_int_le(n_params, VALUES);
        for (int k = 0; k < n_params; k++) {
            ck_assert_msg(p[k].help[0] != '\0', "%s.%s has no help", names[i], p[k].name);
        }
        template_defaults(t, v);
        struct accelerator a, again;
        build(t, v, &a);
        build(t, v, &again);
        ck_assert_int_eq(memcmp(&a, &again, sizeof a), 0);
        print_row(&a);
        ck_assert(a.area_mm2 > 0.05 && a.area_mm2 < 1000);
        for (int l = 0; l < a.n_levels; l++) {
            ck_assert(a.level[l].source[0] != '\0');
        }
        template_free(t);
    }
}
END_TEST

static void set(const struct template *t, double *v, const char *name, double value)
{
    int i = template_param(t, name);
    ck_assert_msg(i >= 0, "%s", name);
    v[i] = value;
}

static void set_label(const struct template *t, double *v, const char *name, const char *label)
{
    int n, i = template_param(t, name);
    const struct template_param *p = template_params(t, &n);
    ck_assert_int_ge(i, 0);
    for (int k = 0; k < p[i].n_labels; k++) {
        if (strcmp(p[i].labels[k], label) == 0) {
            v[i] = k;
            return;
        }
    }
    ck_abort_msg("%s has no %s", name, label);
}

START_TEST(test_levels_come_and_go)
{
    struct template *t = load("edge_npu");
    double v[VALUES];
    struct accelerator a;
    template_defaults(t, v);
    set(t, v, "cores", 2);
    set(t, v, "pe_rows", 8);
    set(t, v, "pe_cols", 4);
    build(t, v, &a);
    ck_assert_int_eq(a.n_levels, 3);
    ck_assert_str_eq(a.level[1].name, "GLB");
    ck_assert_int_eq(a.level[1].fanout_x, 4); /* ROW's axis went up to GLB */
    ck_assert_int_eq(a.level[1].fanout_y, 8);
    ck_assert_int_eq(a.level[2].fanout_x, 2); /* the cores went up to DRAM */
    ck_assert_int_eq(a.core_level, 2);
    ck_assert_int_eq(a.cores, 2);
    ck_assert_int_eq(a.mac.instances, 64);
    ck_assert_int_eq(a.dataflow.spatial[1].n_x, 2);
    ck_assert_str_eq(a.dataflow.spatial[1].x[0], "K");
    ck_assert_int_eq(a.dataflow.spatial[1].n_y, 3);
    ck_assert_int_eq(a.dataflow.spatial[2].n_x, -1);
    ck_assert_int_eq(a.dataflow.spatial[0].n_x, 3); /* lanes of a decomposable MAC sum over C, R, S */
    ck_assert_int_eq(a.dataflow.stationary, TENSOR_WEIGHTS);

    ck_assert(a.level[1].hops_x == 2 && a.level[1].hops_y == 4); /* half of 4 and 8 */
    ck_assert(a.level[2].hops_x == 1 && a.level[2].hops_y == 0);
    ck_assert(a.level[0].hops_x == 1 && a.level[0].hops_y == 0); /* a neighbour */
    ck_assert(a.level[0].hop_pj_per_bit < a.level[1].hop_pj_per_bit);

    set_label(t, v, "hierarchy", "shared_l2");
    build(t, v, &a);
    ck_assert_int_eq(a.n_levels, 4);
    ck_assert_int_eq(a.core_level, 2);
    ck_assert_str_eq(a.level[2].name, "L2");

    set_label(t, v, "hierarchy", "row_buffers");
    set_label(t, v, "dataflow", "no_local_reuse");
    build(t, v, &a);
    ck_assert_int_eq(a.n_levels, 3);
    ck_assert_str_eq(a.level[0].name, "ROW");
    ck_assert_int_eq(a.level[0].fanout_x, 4);
    ck_assert_int_eq(a.level[0].instances, 16);
    ck_assert_int_eq(a.dataflow.stationary, TENSOR_ROLE_COUNT);
    template_free(t);
}
END_TEST

START_TEST(test_infeasible_values)
{
    struct template *t = load("edge_npu");
    double v[VALUES];
    struct accelerator a;
    struct err err = ERR_INIT;
    template_defaults(t, v);
    set(t, v, "clock", 3e9);
    ck_assert_int_eq(template_build(t, v, &a, &err), -1);
    ck_assert_int_eq(err.code, ERR_NO);
    ck_assert(strstr(err.text, "too fast for 22nm") != NULL);

    err = (struct err)ERR_INIT;
    template_defaults(t, v);
    set(t, v, "cores", 9);
    ck_assert_int_eq(template_build(t, v, &a, &err), -1);
    ck_assert_int_eq(err.code, ERR_DATA);

    err = (struct err)ERR_INIT;
    template_defaults(t, v);
    set_label(t, v, "mac", "decomposable");
    set(t, v, "mac_bits", 6);
    ck_assert_int_eq(template_build(t, v, &a, &err), -1);
    ck_assert_msg(strstr(err.text, "powers of two") != NULL, "%s", err.text);

    err = (struct err)ERR_INIT;
    template_defaults(t, v);
    set(t, v, "glb", 4096 * 8);
    set(t, v, "glb_banks", 64);
    build(t, v, &a);
    set(t, v, "glb", 4096 * 8.0 + 1);
    build(t, v, &a);
    template_free(t);
}
END_TEST

START_TEST(test_extends)
{
    char path[] = "/tmp/test_template_XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    const char *yaml = "template: mine\nextends: edge_npu\nparameters:\n  pe_rows: "
                       "{default: 4, range: [2, 8]}\n"
                       "  glb: {default: 64KiB}\n  extra: {type: bool, default: "
                       "true}\noverhead: 1.2\n";
    ck_assert_int_eq(write(fd, yaml, strlen(yaml)), (int)strlen(yaml));
    close(fd);
    struct template *t = load(path), *base = load("edge_npu");
    int n, n_base;
    const struct template_param *p = template_params(t, &n);
    template_params(base, &n_base);
    ck_assert_int_eq(n, n_base + 1);
    int i = template_param(t, "pe_rows");
    ck_assert(p[i].def == 4 && p[i].min == 2 && p[i].max == 8);
    i = template_param(t, "glb");
    ck_assert(p[i].def == 65536.0 * 8 && p[i].max == 8.0 * 1024 * 1024 * 8);
    ck_assert_int_eq(p[template_param(t, "extra")].type, PARAM_BOOL);
    ck_assert_str_eq(template_name(t), "mine");
    double v[VALUES];
    struct accelerator a;
    template_defaults(t, v);
    build(t, v, &a);
    ck_assert_int_eq(a.level[1].fanout_y, 4);
    template_free(t);
    template_free(base);
    unlink(path);
}
END_TEST

/* Random legal values: what is built is sound; more memory, PEs or bits never make the chip smaller. */
START_TEST(test_random_values)
{
    struct template *t = load("edge_npu");
    int n, built = 0, refused = 0;
    const struct template_param *p = template_params(t, &n);
    struct rng r;
    rng_init(&r, 7, 0, RNG_TEST);
    for (int k = 0; k < 2000; k++) {
        double v[VALUES];
        for (int i = 0; i < n; i++) {
            double u = rng_uniform(&r);
            bool real = p[i].type == PARAM_CAPACITY || p[i].type == PARAM_FREQUENCY || p[i].type == PARAM_BANDWIDTH;
            v[i] = real ? p[i].min * pow(p[i].max / p[i].min, u)
                        : p[i].min + (double)rng_below(&r, (int64_t)(p[i].max - p[i].min) + 1);
        }
        struct accelerator a, b;
        struct err err = ERR_INIT;
        if (template_build(t, v, &a, &err) < 0) {
            ck_assert_msg(err.code == ERR_NO || strstr(err.text, "powers of two") != NULL, "%s", err.text);
            refused++;
            continue;
        }
        built++;
        ck_assert(isfinite(a.area_mm2) && isfinite(a.leak_w));
        set(t, v, "glb", v[template_param(t, "glb")] * 1.5);
        set(t, v, "rf", v[template_param(t, "rf")] + 64);
        err = (struct err)ERR_INIT;
        if (template_build(t, v, &b, &err) == 0) {
            ck_assert_msg(b.area_mm2 >= a.area_mm2, "%g < %g", b.area_mm2, a.area_mm2);
        }
    }
    printf("built %d of 2000 random designs of edge_npu, %d refused with a reason\n", built, refused);
    ck_assert_int_ge(built, 500);
    template_free(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("template");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60); /* a loaded machine is slow */
    tcase_add_test(tc, test_errors_are_located);
    tcase_add_test(tc, test_every_key_misspelt);
    tcase_add_test(tc, test_all_templates_build);
    tcase_add_test(tc, test_levels_come_and_go);
    tcase_add_test(tc, test_infeasible_values);
    tcase_add_test(tc, test_extends);
    tcase_add_test(tc, test_random_values);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_FORK_GETENV);
}
