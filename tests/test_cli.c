/* The frame of the command line: goes through every verb and every option of the tables (`dovetail help --json`), so that
 * a new row is tested by being there. */
#include "tests/run_suite.h"
#include "tests/shell.h"

#include <check.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct shell sh;

static json_t *tables(void)
{
    shell_run(&sh, "dovetail help --json");
    ck_assert_int_eq(sh.status, 0);
    json_t *t = json_loads(strbuf_str(&sh.out), 0, NULL);
    ck_assert_ptr_nonnull(t);
    return t;
}

static const char *text(const json_t *row, const char *key)
{
    const char *s = json_string_value(json_object_get(row, key));
    return s ? s : "";
}

/* A value that the option takes: "=7". */
static void good_value(const json_t *o, char *value, size_t size)
{
    const char *type = text(o, "type");
    double min = json_number_value(json_object_get(o, "min"));
    char unit[32];
    snprintf(unit, sizeof unit, "%s", text(o, "units"));
    unit[strcspn(unit, ",")] = '\0';
    if (strcmp(type, "flag") == 0) {
        value[0] = '\0';
    } else if (strcmp(type, "int") == 0) {
        snprintf(value, size, "=%.0f", min > 1.0 ? min : 1.0);
    } else if (strcmp(type, "real") == 0) {
        snprintf(value, size, "=%g", json_object_get(o, "min") ? min : 0.5);
    } else if (strcmp(type, "quantity") == 0) {
        snprintf(value, size, "=1%s", unit);
    } else if (strcmp(type, "choice") == 0) {
        snprintf(value, size, "=%s", json_string_value(json_array_get(json_object_get(o, "choices"), 0)));
    } else if (strcmp(type, "assign") == 0) {
        snprintf(value, size, "=name=1");
    } else {
        snprintf(value, size, "=text");
    }
}

static int check_option(const char *verb, const json_t *o, const char *help)
{
    const char *name = text(o, "name");
    const char *type = text(o, "type");
    char value[128];
    char form[160];
    snprintf(form, sizeof form, "--%s%s%s", name, *text(o, "value") ? " " : "", text(o, "value"));
    ck_assert_msg(strstr(help, form), "%s --help does not show %s", verb, form);
    ck_assert_msg(strlen(text(o, "help")) > 5, "%s --%s is not explained", verb, name);
    good_value(o, value, sizeof value);
    shell_run(&sh, "dovetail %s '--%s%s' --help", verb, name, value);
    ck_assert_msg(sh.status == 0, "%s --%s%s: %s", verb, name, value, strbuf_str(&sh.err));
    int checks = 1;
    if (*text(o, "letter")) {
        shell_run(&sh, "dovetail %s '-%s%s' --help", verb, text(o, "letter"), value[0] ? value + 1 : "");
        ck_assert_msg(sh.status == 0, "%s -%s: %s", verb, text(o, "letter"), strbuf_str(&sh.err));
        checks++;
    }
    if (strcmp(type, "flag") == 0) {
        shell_run(&sh, "dovetail %s --%s=yes", verb, name);
        ck_assert_int_eq(sh.status, 64);
    } else {
        shell_run(&sh, "dovetail %s --%s", verb, name);
        ck_assert_int_eq(sh.status, 64);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "needs a value"));
    }
    if (strcmp(type, "flag") != 0 && strcmp(type, "string") != 0 && strcmp(type, "list") != 0) {
        shell_run(&sh, "dovetail %s --%s=@", verb, name);
        ck_assert_msg(sh.status == 64, "%s --%s=@ is accepted", verb, name);
        checks++;
    }
    return checks + 1;
}

START_TEST(every_option_is_documented_accepted_and_checked)
{
    json_t *t = tables();
    shell_run(&sh, "dovetail help --man");
    char *man = strdup(strbuf_str(&sh.out));
    int options = 0;
    int checks = 0;
    size_t v;
    json_t *verb;
    json_array_foreach(json_object_get(t, "verbs"), v, verb)
    {
        const char *name = text(verb, "name");
        ck_assert_msg(strstr(man, name), "the manual does not name %s", name);
        shell_run(&sh, "dovetail %s --help", name);
        ck_assert_int_eq(sh.status, 0);
        char *help = strdup(strbuf_str(&sh.out));
        json_t *lists[] = {json_object_get(verb, "options"), json_object_get(t, "options")};
        for (int l = 0; l < 2; l++) {
            size_t i;
            json_t *o;
            json_array_foreach(lists[l], i, o)
            {
                checks += check_option(name, o, help);
                options++;
            }
        }
        free(help);
    }
    printf("checked %d options in %d ways\n", options, checks);
    ck_assert_int_gt(options, 10);
    free(man);
    json_decref(t);
}
END_TEST

/* Each name with its last letter doubled. */
START_TEST(misspelt_names_get_the_right_suggestion)
{
    json_t *t = tables();
    int names = 0;
    size_t v;
    json_t *verb;
    json_array_foreach(json_object_get(t, "verbs"), v, verb)
    {
        const char *name = text(verb, "name");
        char want[160];
        shell_run(&sh, "dovetail %s%c", name, name[strlen(name) - 1]);
        snprintf(want, sizeof want, "did you mean '%s'?", name);
        ck_assert_int_eq(sh.status, 64);
        ck_assert_msg(strstr(strbuf_str(&sh.err), want), "%s: %s", name, strbuf_str(&sh.err));
        names++;
        size_t i;
        json_t *o;
        json_array_foreach(json_object_get(verb, "options"), i, o)
        {
            const char *option = text(o, "name");
            shell_run(&sh, "dovetail %s --%s%c", name, option, option[strlen(option) - 1]);
            snprintf(want, sizeof want, "did you mean '--%s'?", option);
            ck_assert_int_eq(sh.status, 64);
            ck_assert_msg(strstr(strbuf_str(&sh.err), want), "%s: %s", option, strbuf_str(&sh.err));
            names++;
        }
    }
    printf("checked %d names\n", names);
    json_decref(t);
}
END_TEST

START_TEST(usage_errors)
{
    static const struct {
        const char *args;
        int status;
        const char *says;
    } cases[] = {{"", 64, "usage: dovetail VERB"},
                 {"nonsense", 64, "no verb 'nonsense'"},
                 {"completion", 64, "an argument is missing"},
                 {"completion bsh", 64, "did you mean 'bash'?"},
                 {"version 1", 64, "too many arguments"},
                 {"version -x", 64, "unknown option '-x'"},
                 {"version --zzzzzz", 64, "unknown option '--zzzzzz'"},
                 {"help vesion", 64, "did you mean 'version'?"},
                 {"templates shw", 64, "did you mean 'show'?"},
                 {"templates show", 64, "name the file"},
                 {"templates show none_such_file", 64, "no template 'none_such_file'"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shell_run(&sh, "dovetail %s", cases[i].args);
        ck_assert_msg(sh.status == cases[i].status, "%s: status %d", cases[i].args, sh.status);
        ck_assert_msg(strstr(strbuf_str(&sh.err), cases[i].says), "%s: %s", cases[i].args, strbuf_str(&sh.err));
        ck_assert_msg(sh.out.len == 0, "%s: an error on standard output", cases[i].args);
        ck_assert_msg(!strchr(strbuf_str(&sh.err), '\033'), "%s: colors without a terminal", cases[i].args);
    }
}
END_TEST

START_TEST(errors_are_json_too)
{
    static const char *const lines[] = {"version --nonsense --json", "completion --json", "templates --json show none",
                                        "nonsense --json", "help nonsense --json"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        shell_run(&sh, "dovetail %s", lines[i]);
        ck_assert_int_eq(sh.status, 64);
        json_t *doc = json_loads(strbuf_str(&sh.out), 0, NULL);
        json_t *error = json_object_get(doc, "error");
        ck_assert_int_eq(json_integer_value(json_object_get(error, "code")), 64);
        ck_assert_ptr_nonnull(json_object_get(error, "message"));
        json_decref(doc);
    }
}
END_TEST

/* The name of a file may be any bytes; JSON may not. */
START_TEST(json_of_strange_names)
{
    static const struct {
        const char *line;
        int status;
    } cases[] = {{"status $(printf 'build/\\377.db')", 66},
                 {"eval $(printf '\\303\\050.yaml')", 66},
                 {"init -w $(printf '\\377')", 65}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shell_run(&sh, "dovetail %s --json", cases[i].line);
        json_t *doc = json_loads(strbuf_str(&sh.out), 0, NULL);
        ck_assert_msg(doc != NULL, "%s: %s", cases[i].line, strbuf_str(&sh.out));
        ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(doc, "error"), "code")), cases[i].status);
        ck_assert_int_eq(sh.status, cases[i].status);
        json_decref(doc);
    }
}
END_TEST

START_TEST(options_end_and_mix)
{
    shell_run(&sh, "dovetail templates --json show -- --none");
    ck_assert_int_eq(sh.status, 64);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "no template '--none'"));
    shell_run(&sh, "dovetail help -qv version");
    ck_assert_int_eq(sh.status, 0);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "usage: dovetail version"));
    shell_run(&sh, "dovetail --version");
    ck_assert_int_eq(strncmp(strbuf_str(&sh.out), "dovetail 0.", 11), 0);
    shell_run(&sh, "dovetail -h");
    ck_assert_int_eq(sh.status, 0);
}
END_TEST

START_TEST(output_that_cannot_be_written_is_an_error)
{
    shell_run(&sh, "dovetail help > /dev/full");
    ck_assert_int_eq(sh.status, 74);
}
END_TEST

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* Energies in J, sizes in bytes, areas in mm2: the rule of docs/database.md. */
static int check_units(json_t *v)
{
    static const char *const wrong[] = {"_pj", "_nj",  "_uj", "_mj",       "_ms",    "_us",
                                        "_ns", "_um2", "_m2", "size_bits", "seconds"};
    int n = 0;
    const char *key;
    size_t i;
    json_t *item;
    json_object_foreach(v, key, item)
    {
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            ck_assert_msg(!ends_with(key, wrong[k]), "key '%s'", key);
        }
        ck_assert_msg(!ends_with(key, "_bits") || json_integer_value(item) <= 1024, "'%s' is a size", key);
        n += 1 + check_units(item);
    }
    json_array_foreach(v, i, item)
    {
        n += check_units(item);
    }
    return n;
}

START_TEST(json_keys_end_in_their_units)
{
    static const char *const lines[] = {
        "model --arch eyeriss_like --workload resnet18 --layer layer1.0.conv1",
        "map --arch edge_npu --workload resnet18 --layer layer1.0.conv1 --fast",
        "workload resnet18 --operators",
        "eval tests/fixtures/resume.yaml --explain",
    };
    int n = 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        shell_run(&sh, "dovetail %s --json", lines[i]);
        json_t *doc = json_loads(strbuf_str(&sh.out), 0, NULL);
        ck_assert_msg(doc != NULL, "%s: %s", lines[i], strbuf_str(&sh.err));
        n += check_units(doc);
        json_decref(doc);
    }
    printf("checked %d keys\n", n);
    ck_assert_int_gt(n, 300);
}
END_TEST

START_TEST(init_writes_studies_that_are_sound)
{
    shell_run(&sh, "dovetail templates --json");
    json_t *doc = json_loads(strbuf_str(&sh.out), 0, NULL), *row;
    size_t i;
    int n = 0;
    json_array_foreach(doc, i, row)
    {
        if (strcmp(text(row, "kind"), "template") == 0) {
            shell_run(&sh,
                      "rm -f build/init.yaml && dovetail init %s -w mlperf_tiny_ad -o build/init.yaml -q && "
                      "dovetail validate build/init.yaml && dovetail eval build/init.yaml --json",
                      text(row, "name"));
            ck_assert_msg(sh.status == 0, "%s: %s", text(row, "name"), strbuf_str(&sh.err));
            n++;
        }
    }
    printf("checked %d templates\n", n);
    ck_assert_int_ge(n, 8);
    json_decref(doc);
    shell_run(&sh, "dovetail init -o build/init.yaml");
    ck_assert_int_eq(sh.status, 64);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "exists; --force overwrites it"));
    shell_run(&sh, "rm build/init.yaml && dovetail init -w resnet81 -o build/init.yaml");
    ck_assert_int_eq(sh.status, 65);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "did you mean 'resnet18'?"));
    /* --json besides, not in place of, the file; and a template without a parameter that usually varies */
    shell_run(&sh, "echo 'template: bare' > build/bare.yaml && dovetail templates show edge_npu |"
                   " sed -n 's/{default: //;/^technology/,$p' | sed 's/^.*: $//' > /dev/null;"
                   " dovetail init -o build/init.yaml --json && dovetail validate build/init.yaml");
    ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "\"text\""));
    shell_run(&sh, "rm build/init.yaml");
}
END_TEST

START_TEST(help_as_json_is_of_the_verb_asked_for)
{
    shell_run(&sh, "dovetail help pareto --json");
    json_t *doc = json_loads(strbuf_str(&sh.out), 0, NULL), *verbs = json_object_get(doc, "verbs");
    ck_assert_uint_eq(json_array_size(verbs), 1);
    ck_assert_str_eq(text(json_array_get(verbs, 0), "name"), "pareto");
    json_decref(doc);
}
END_TEST

START_TEST(explain_tells_metrics_and_parameters)
{
    shell_run(&sh, "dovetail explain energy glb --json");
    json_t *doc = json_loads(strbuf_str(&sh.out), 0, NULL);
    ck_assert_str_eq(text(json_array_get(doc, 0), "unit"), "J");
    ck_assert_str_eq(text(json_array_get(doc, 1), "default"), "256KiB");
    ck_assert_str_eq(text(json_array_get(doc, 1), "values"), "4KiB to 8MiB");
    json_decref(doc);
    shell_run(&sh, "dovetail explain latncy");
    ck_assert_int_eq(sh.status, 64);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "did you mean 'latency'?"));
    shell_run(&sh, "dovetail explain --arch tpu_like unified_buffer");
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "24MiB"));
}
END_TEST

START_TEST(every_file_inside_says_what_it_is)
{
    shell_run(&sh, "dovetail templates --json");
    json_t *doc = json_loads(strbuf_str(&sh.out), 0, NULL), *row;
    size_t i;
    ck_assert_uint_gt(json_array_size(doc), 30);
    json_array_foreach(doc, i, row)
    {
        ck_assert_msg(text(row, "about")[0] != '\0', "%s", text(row, "path"));
        ck_assert_str_ne(text(row, "kind"), "file");
    }
    json_decref(doc);
}
END_TEST

START_TEST(doctor_and_version_as_json)
{
    shell_run(&sh, "dovetail version --json");
    json_t *doc = json_loads(strbuf_str(&sh.out), 0, NULL);
    ck_assert_str_ne(text(doc, "version"), "");
    json_decref(doc);
    shell_run(&sh, "dovetail doctor --json");
    doc = json_loads(strbuf_str(&sh.out), 0, NULL);
    ck_assert_int_eq(sh.status, json_is_true(json_object_get(doc, "ok")) ? 0 : 1);
    static const char *const names[] = {"dovetail", "data files", "SQLite", "libfyaml", "jansson",    "GSL",
                                        "OpenBLAS", "NLopt",      "xxHash", "threads",  "file system"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        bool found = false;
        size_t i;
        json_t *row;
        json_array_foreach(json_object_get(doc, "findings"), i, row)
        {
            found |= strcmp(text(row, "name"), names[n]) == 0 && *text(row, "value");
        }
        ck_assert_msg(found, "doctor does not show %s", names[n]);
    }
    json_decref(doc);
}
END_TEST

/* What the shell itself makes of the script. */
START_TEST(bash_completes_verbs_options_and_choices)
{
    static const struct {
        const char *words; /* the line so far */
        int at;            /* the word to complete */
        const char *has;
    } cases[] = {
        {"dovetail ver", 1, "version"}, {"dovetail version --js", 2, "--json"}, {"dovetail help --m", 2, "--man"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shell_run(&sh,
                  "dovetail completion bash > /tmp/dovetail_completion_$$; bash -c '. "
                  "/tmp/dovetail_completion_'$$'; "
                  "COMP_WORDS=(%s); COMP_CWORD=%d; _dovetail; echo "
                  "\"${COMPREPLY[@]}\"'; rm /tmp/dovetail_completion_$$",
                  cases[i].words, cases[i].at);
        ck_assert_msg(strstr(strbuf_str(&sh.out), cases[i].has), "[%s]: %s%s", cases[i].words, strbuf_str(&sh.out),
                      strbuf_str(&sh.err));
    }
    shell_run(&sh, "dovetail completion zsh && dovetail completion fish");
    ck_assert_int_eq(sh.status, 0);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "complete -c dovetail"));
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("cli");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, every_option_is_documented_accepted_and_checked);
    tcase_add_test(tc, misspelt_names_get_the_right_suggestion);
    tcase_add_test(tc, usage_errors);
    tcase_add_test(tc, errors_are_json_too);
    tcase_add_test(tc, json_of_strange_names);
    tcase_add_test(tc, options_end_and_mix);
    tcase_add_test(tc, output_that_cannot_be_written_is_an_error);
    tcase_add_test(tc, doctor_and_version_as_json);
    tcase_add_test(tc, json_keys_end_in_their_units);
    tcase_add_test(tc, every_file_inside_says_what_it_is);
    tcase_add_test(tc, init_writes_studies_that_are_sound);
    tcase_add_test(tc, help_as_json_is_of_the_verb_asked_for);
    tcase_add_test(tc, explain_tells_metrics_and_parameters);
    tcase_add_test(tc, bash_completes_verbs_options_and_choices);
    Suite *s = suite_create("cli");
    suite_add_tcase(s, tc);
    int status = run_suite(s, CK_FORK_GETENV);
    shell_release(&sh);
    return status;
}
