/* dovetail import as a person runs it: what is written, what is refused, exit codes. */
#include "tests/run_suite.h"
#include "tests/shell.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIXTURES "tests/fixtures/timeloop/"
#define ALL FIXTURES "problem.yaml " FIXTURES "arch.yaml " FIXTURES "mapping.yaml"

static struct shell sh;

static json_t *answer(void)
{
    json_error_t err;
    json_t *json = json_loads(strbuf_str(&sh.out), 0, &err);
    ck_assert_msg(json != NULL, "%s: %s", err.text, strbuf_str(&sh.out));
    return json;
}

START_TEST(three_files_are_a_case)
{
    char path[] = "/tmp/dovetail-case-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    shell_run(&sh, "dovetail import timeloop " ALL " -o %s", path);
    ck_assert_int_eq(sh.status, 64); /* it exists */
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "exists; --force overwrites it"));
    shell_run(&sh, "dovetail import timeloop " ALL " -o %s --force", path);
    ck_assert_int_eq(sh.status, 0);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "energy_pj of the case is 0"));
    shell_run(&sh, "dovetail model --case %s --arch edge_npu", path);
    ck_assert_int_eq(sh.status, 64);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "a case says itself what --arch says"));
    shell_run(&sh, "dovetail model --case %s -q", path);
    unlink(path);
    ck_assert_int_eq(sh.status, 0);
    json_t *json = answer();
    ck_assert_int_eq(json_integer_value(json_object_get(json, "computes")), 8 * 16 * 9 * 7 * 12);
    ck_assert_int_eq(json_integer_value(json_object_get(json, "compute_cycles")), 8 * 16 * 9 * 7 * 12 / 36);
    json_decref(json);
}
END_TEST

START_TEST(other_forms)
{
    shell_run(&sh, "dovetail import timeloop " ALL " --as mapping");
    ck_assert_int_eq(sh.status, 0);
    ck_assert_int_eq(strncmp(strbuf_str(&sh.out), "mapping:\n  - target: DRAM\n", 26), 0);
    shell_run(&sh, "dovetail import timeloop " FIXTURES "arch.yaml -q");
    ck_assert_int_eq(sh.status, 0);
    ck_assert_uint_eq(sh.err.len, 0);
    ck_assert_ptr_nonnull(
        strstr(strbuf_str(&sh.out), "{name: Buffer, class: sram, size: 262144bit, width: 64bit, banks: 4"));
    shell_run(&sh, "dovetail import timeloop " FIXTURES "problem.yaml");
    ck_assert_str_eq(strbuf_str(&sh.out), "conv_stride2: 96768 MACs\n"
                                          "  C 8, M 16, R 3, S 3, P 7, Q 12\n"
                                          "  Weights[C][M][R][S] weights\n"
                                          "  Inputs[C][R + P*2][S + Q*2] inputs\n"
                                          "  Outputs[M][P][Q] written\n");
    shell_run(&sh, "dovetail import timeloop " FIXTURES "problem.yaml --as case");
    ck_assert_int_eq(sh.status, 64);
}
END_TEST

START_TEST(a_workload_is_summed_up)
{
    struct strbuf first = STRBUF_INIT;
    shell_run(&sh, "dovetail import " FIXTURES "problem.yaml --json");
    ck_assert_int_eq(sh.status, 0);
    json_t *json = answer();
    ck_assert_int_eq(json_integer_value(json_object_get(json, "macs")), 96768);
    json_decref(json);
    strbuf_adds(&first, strbuf_str(&sh.out));
    shell_run(&sh, "dovetail workload " FIXTURES "problem.yaml --json");
    ck_assert_str_eq(strbuf_str(&first), strbuf_str(&sh.out));
    strbuf_release(&first);
}
END_TEST

/* What a part of Timeloop is, the reader finds out; an include may lie beside its file. */
START_TEST(parts_of_timeloop)
{
    shell_run(&sh, "dovetail import " FIXTURES "arch.yaml -q");
    ck_assert_int_eq(sh.status, 0);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "template: imported"));
    shell_run(&sh, "dovetail import " FIXTURES "mapping.yaml");
    ck_assert_int_eq(sh.status, 65);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "a mapping is read together with its problem"));
    shell_run(&sh, "dovetail workload " FIXTURES "arch.yaml");
    ck_assert_int_eq(sh.status, 65);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "is no workload: it holds Timeloop's 'architecture'"));
    char dir[] = "/tmp/dovetail-parts-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    shell_run(&sh,
              "cp " FIXTURES "problem.yaml %s/base.yaml; echo \"{{include_text('../x/base.yaml')}}\" > %s/a.yaml; "
              "dovetail import timeloop %s/a.yaml; rm -r %s",
              dir, dir, dir, dir);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "conv_stride2: 96768 MACs"));
}
END_TEST

START_TEST(a_config_says_what_it_is)
{
    char path[] = "/tmp/dovetail-config-XXXXXX.json";
    int fd = mkstemps(path, 5);
    ck_assert_int_ge(fd, 0);
    static const char config[] =
        "{\"model_type\": \"llama\", \"hidden_size\": 64, \"num_hidden_layers\": 3, \"n_kv_heads\": 2, "
        "\"num_attention_heads\": 4, \"vocab_size\": 100}";
    ck_assert_int_eq(write(fd, config, sizeof config - 1), (ssize_t)sizeof config - 1);
    close(fd);
    shell_run(&sh, "dovetail import %s", path);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out),
                                 "config       llama: 3 layers, 3 with keys; width 64, 4 heads, 2 of "
                                 "keys, of 16; vocabulary 100; a token leaves 384 bytes"));
    shell_run(&sh, "dovetail import %s --json", path);
    unlink(path);
    json_t *json = answer(), *hf = json_object_get(json, "hugging_face");
    ck_assert_str_eq(json_string_value(json_object_get(hf, "model_type")), "llama");
    ck_assert_int_eq(json_integer_value(json_object_get(hf, "kv_bytes_per_token_fp16")), 3 * 2 * 2 * 16 * 2);
    json_decref(json);
}
END_TEST

START_TEST(refusals)
{
    shell_run(&sh, "dovetail import timeloop " FIXTURES "layers/02.yaml -o /tmp/dovetail-never-written");
    ck_assert_int_eq(sh.status, 65);
    ck_assert_int_eq(access("/tmp/dovetail-never-written", F_OK), -1);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "layers/02.yaml:4:17: error: 'C': arithmetic is not read"));
    shell_run(&sh, "dovetail import timeloop /nonexistent.yaml");
    ck_assert_int_eq(sh.status, 66);
    static const char *const endings[] = {"onnx", "csv", "json", "yaml", "cfg"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        shell_run(&sh, "dovetail import /nonexistent.%s", endings[i]);
        ck_assert_msg(sh.status == 66, "%s: %d", endings[i], sh.status);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "No such file or directory"));
    }
    static const char *const pointers[] = {"onnx", "csv", "json", "yaml"};
    for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
        shell_run(&sh,
                  "f=/tmp/dovetail-pointer-$$.%s; echo 'version https://git-lfs.github.com/spec/v1' > $f; "
                  "dovetail import $f; r=$?; rm $f; exit $r",
                  pointers[i]);
        ck_assert_int_eq(sh.status, 65);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "is a Git LFS pointer, not the file"));
    }
    shell_run(&sh, "dovetail import timelop a.yaml b.yaml");
    ck_assert_int_eq(sh.status, 64);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "did you mean 'timeloop'?"));
    shell_run(&sh, "dovetail import resnet18 -o x.yaml");
    ck_assert_int_eq(sh.status, 64);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("import");
    TCase *t = tcase_create("all");
    tcase_add_test(t, three_files_are_a_case);
    tcase_add_test(t, other_forms);
    tcase_add_test(t, a_workload_is_summed_up);
    tcase_add_test(t, parts_of_timeloop);
    tcase_add_test(t, a_config_says_what_it_is);
    tcase_add_test(t, refusals);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    int status = run_suite(s, CK_FORK_GETENV);
    shell_release(&sh);
    return status;
}
