/* SCALE-Sim architectures: each dataflow becomes a template that builds, with the array and the memories of the file; wrong files are refused. */
#include "base/strbuf.h"
#include "experiments/scalesim_config.h"
#include "hw/template.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY "[general]\nrun_name = ours \n[architecture_presets]\nArrayHeight: 12\nArrayWidth : 14\n"
#define MEMORIES "IfmapSramSzkB: 108\nFilterSramSzkB= 64\n  OfmapSramSzkB:32\nIfmapOffset: 0\n"

static void template_of(const char *flow, struct accelerator *a)
{
    struct strbuf in = STRBUF_INIT, out = STRBUF_INIT;
    struct diags d = DIAGS_INIT;
    strbuf_addf(&in, ARRAY MEMORIES "Bandwidth: 10,10\r\nDataflow: %s\n# a remark: 3\n", flow);
    ck_assert_int_eq(scalesim_config("t.cfg", strbuf_str(&in), in.len, &out, &d), 0);
    char path[] = "/tmp/dovetail_scalesim_XXXXXX.yaml";
    int fd = mkstemps(path, 5);
    ck_assert_int_eq(write(fd, strbuf_str(&out), out.len), (ssize_t)out.len);
    close(fd);
    struct template *t = template_load(path, &d);
    unlink(path);
    struct strbuf text = STRBUF_INIT;
    diags_format(&d, false, &text);
    ck_assert_msg(t != NULL && d.n_warnings == 0, "%s: %.800s", flow, strbuf_str(&text));
    double values[64];
    struct err err = ERR_INIT;
    template_defaults(t, values);
    ck_assert_msg(template_build(t, values, a, &err) == 0, "%s: %s", flow, err.text);
    template_free(t);
    strbuf_release(&in);
    strbuf_release(&out);
    strbuf_release(&text);
    diags_release(&d);
}

START_TEST(each_dataflow_builds)
{
    static const char *const flows[] = {"os", "ws", "IS"};
    for (int i = 0; i < 3; i++) {
        struct accelerator a;
        template_of(flows[i], &a);
        ck_assert_int_eq(a.mac.instances, 12 * 14);
        ck_assert_int_eq(a.n_levels, 5);
        const int64_t kib[] = {64, 108, 32}; /* filter, ifmap, ofmap: innermost first */
        for (int l = 0; l < 3; l++) {
            ck_assert_int_eq(a.level[l + 1].capacity_bits, kib[l] * 8192);
        }
    }
}
END_TEST

static const struct {
    const char *text, *says;
} bad[] = {
    {"", "is this a SCALE-Sim configuration?"},
    {ARRAY "Dataflow: os\n", "no 'IfmapSramSzkB'"},
    {ARRAY MEMORIES, "no 'Dataflow'"},
    {ARRAY MEMORIES "Dataflow: rs\n", "t.cfg:10: 'Dataflow' is os, ws or is, not 'rs'"},
    {"ArrayHeight: 0\n", "t.cfg:1: 'ArrayHeight' must lie in 1..4096, not '0'"},
    {"ArrayHeight: 12x\n", "not '12x'"},
};

START_TEST(wrong_files_are_refused)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
    ck_assert_int_eq(scalesim_config("t.cfg", bad[_i].text, strlen(bad[_i].text), &out, &d), -1);
    diags_format(&d, false, &text);
    ck_assert_msg(strstr(strbuf_str(&text), bad[_i].says), "%s", strbuf_str(&text));
    strbuf_release(&text);
    strbuf_release(&out);
    diags_release(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scalesim_config");
    TCase *tc = tcase_create("scalesim_config");
    tcase_add_test(tc, each_dataflow_builds);
    tcase_add_loop_test(tc, wrong_files_are_refused, 0, (int)(sizeof bad / sizeof *bad));
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_FORK_GETENV);
}
