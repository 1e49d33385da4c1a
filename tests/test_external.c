/* External evaluators: what they say is checked line by line, and a study completes whatever they do: the same bytes for any number of threads and
 * after kill -9, every failure counted by its name, no process left. */
#include "experiments/external_answer.h"
#include "tests/run_suite.h"
#include "tests/shell.h"

#include <check.h>
#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char dir[] = "/tmp/dovetail_external_XXXXXX";
static char hang[32]; /* seconds that nobody else sleeps: marks our processes */

#define STUDY "tests/fixtures/evaluator/study.yaml"
#define LIAR "[sh, tests/fixtures/evaluator/liar.sh, %s, '%s']"

static struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};

/* ---- what it says ---- */

static void line_of(const char *text, struct strbuf *line)
{
    strbuf_reset(line);
    strbuf_adds(line, text);
}

START_TEST(greetings)
{
    static const struct {
        const char *line, *why; /* NULL: it is good */
    } cases[] = {
        {"{\"dovetail_evaluator\":1,\"name\":\"a\",\"version\":\"0.1\",\"metrics\":[\"accuracy_pct\",\"energy_j\"]}",
         NULL},
        {"{\"dovetail_evaluator\":2,\"name\":\"a\",\"version\":\"0.1\",\"metrics\":[\"energy_j\"]}",
         "dovetail_evaluator"},
        {"{\"dovetail_evaluator\":1,\"version\":\"0.1\",\"metrics\":[\"energy_j\"]}", "name"},
        {"{\"dovetail_evaluator\":1,\"name\":\"a\",\"version\":1,\"metrics\":[\"energy_j\"]}", "version"},
        {"{\"dovetail_evaluator\":1,\"name\":\"a\",\"version\":\"1\",\"metrics\":[]}", "metrics"},
        {"{\"dovetail_evaluator\":1,\"name\":\"a\",\"version\":\"1\",\"metrics\":[\"energy\"]}",
         "'energy_j', not 'energy'"},
        {"{\"dovetail_evaluator\":1,\"name\":\"a\",\"version\":\"1\",\"metrics\":[\"joy\"]}",
         "'joy', which is no metric"},
        {"{\"dovetail_evaluator\":1,\"name\":\"a\",\"version\":\"1\",\"metrics\":[3]}", "no metric"},
        {"hello", "no JSON: 'hello'"},
        {"", "no JSON"},
        {"[1]", "no JSON object"},
    };
    struct strbuf line = STRBUF_INIT, why = STRBUF_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct external_hello hello;
        line_of(cases[i].line, &line);
        strbuf_reset(&why);
        int bad = external_read_hello(&line, &hello, &why);
        ck_assert_msg((bad != 0) == (cases[i].why != NULL), "%s: %s", cases[i].line, strbuf_str(&why));
        ck_assert_msg(!bad || strstr(strbuf_str(&why), cases[i].why) != NULL, "%s: %s", cases[i].line,
                      strbuf_str(&why));
        external_hello_release(&hello);
    }
    strbuf_release(&line);
    strbuf_release(&why);
}
END_TEST

START_TEST(answers)
{
    static const struct {
        const char *line;
        enum external_outcome outcome;
        const char *why;
    } cases[] = {
        {"{\"id\":\"ab\",\"accuracy_pct\":71.5,\"energy_j\":1e-3}", EXTERNAL_OK, ""},
        {"{\"energy_j\":0,\"accuracy_pct\":0,\"id\":\"ab\"}", EXTERNAL_OK, ""},
        {"{\"id\":\"ab\",\"infeasible\":\"too hot\"}", EXTERNAL_INFEASIBLE, "too hot"},
        {"{\"id\":\"ab\",\"failed\":\"no memory\"}", EXTERNAL_REPORTED, "no memory"},
        {"{\"id\":\"ab\",\"failed\":7}", EXTERNAL_BAD_ANSWER, "goes with a text"},
        {"{\"id\":\"ab\",\"infeasible\":\"x\",\"energy_j\":1}", EXTERNAL_BAD_ANSWER, "nothing else"},
        {"{\"id\":\"ac\",\"accuracy_pct\":71.5,\"energy_j\":1e-3}", EXTERNAL_BAD_ANSWER, "another design"},
        {"{\"accuracy_pct\":71.5,\"energy_j\":1e-3}", EXTERNAL_BAD_ANSWER, "no \"id\""},
        {"{\"id\":\"ab\",\"accuracy_pct\":71.5}", EXTERNAL_BAD_ANSWER, "'energy_j' is missing"},
        {"{\"id\":\"ab\",\"accuracy_pct\":null,\"energy_j\":1}", EXTERNAL_BAD_ANSWER, "no number"},
        {"{\"id\":\"ab\",\"accuracy_pct\":true,\"energy_j\":1}", EXTERNAL_BAD_ANSWER, "no number"},
        {"{\"id\":\"ab\",\"accuracy_pct\":100.5,\"energy_j\":1}", EXTERNAL_BAD_ANSWER, "cannot be 100.5"},
        {"{\"id\":\"ab\",\"accuracy_pct\":-1,\"energy_j\":1}", EXTERNAL_BAD_ANSWER, "cannot be -1"},
        {"{\"id\":\"ab\",\"accuracy_pct\":50,\"energy_j\":-1}", EXTERNAL_BAD_ANSWER, "cannot be -1"},
        {"{\"id\":\"ab\",\"accuracy_pct\":50,\"energy_j\":1e999}", EXTERNAL_BAD_ANSWER, "no JSON"},
        {"{\"id\":\"ab\",\"accuracy_pct\":50,\"energy_j\":NaN}", EXTERNAL_BAD_ANSWER, "not finite"},
        {"{\"id\":\"ab\",\"accuracy_pct\":50,\"energy_j\":1,\"latency_s\":1}", EXTERNAL_BAD_ANSWER,
         "'latency_s', which"},
        {"{\"id\":\"ab\",\"accuracy_pct\":50,\"energy_j\":1,\"note\":\"x\"}", EXTERNAL_BAD_ANSWER, "'note', which"},
        {"{\"id\":\"ab\",\"accuracy_pct\":50,\"accuracy_pct\":51,\"energy_j\":1}", EXTERNAL_BAD_ANSWER, "no JSON"},
        {"{\"id\":\"ab\",\"accuracy_pct\":50,\"energy_j\":1} x", EXTERNAL_BAD_ANSWER, "no JSON"},
        {"\xff\xfe", EXTERNAL_BAD_ANSWER, "no JSON: '?"},
        {"3", EXTERNAL_BAD_ANSWER, "no JSON"},
    };
    struct strbuf line = STRBUF_INIT, why = STRBUF_INIT;
    struct external_hello hello = {0};
    hello.metric[METRIC_ACCURACY] = hello.metric[METRIC_ENERGY] = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double metric[METRIC_COUNT];
        line_of(cases[i].line, &line);
        strbuf_reset(&why);
        enum external_outcome o = external_read_answer(&line, &hello, "ab", metric, &why);
        ck_assert_msg(o == cases[i].outcome && strstr(strbuf_str(&why), cases[i].why) != NULL, "%s: %s, '%s'",
                      cases[i].line, external_outcome_names[o], strbuf_str(&why));
    }
    printf("checked %zu answers\n", sizeof cases / sizeof *cases);
    hello = (struct external_hello){.metric[METRIC_SQNR] = true}; /* noise may be louder than the signal */
    double metric[METRIC_COUNT];
    line_of("{\"id\":\"ab\",\"sqnr_db\":-3.5}", &line);
    ck_assert_int_eq(external_read_answer(&line, &hello, "ab", metric, &why), EXTERNAL_OK);
    ck_assert_double_eq(metric[METRIC_SQNR], -3.5);
    strbuf_release(&line);
    strbuf_release(&why);
}
END_TEST

/* ---- what it does ---- */

/* Processes that sleep for our seconds: what an evaluator of ours left behind. */
static int sleepers(void)
{
    int n = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *e = readdir(proc); e != NULL; e = readdir(proc)) {
        char path[300], text[256] = "";
        snprintf(path, sizeof path, "/proc/%s/cmdline", e->d_name);
        FILE *f = e->d_name[0] >= '0' && e->d_name[0] <= '9' ? fopen(path, "r") : NULL;
        size_t len = f != NULL ? fread(text, 1, sizeof text - 1, f) : 0;
        for (size_t i = 0; i < len; i++) {
            text[i] = text[i] == '\0' ? ' ' : text[i];
        }
        n += strstr(text, hang) != NULL;
        if (f != NULL) {
            fclose(f);
        }
    }
    closedir(proc);
    return n;
}

static int sleepers_after(double seconds)
{
    int n = sleepers();
    for (double waited = 0; n > 0 && waited < seconds; waited += 0.02) {
        const struct timespec pause = {0, 20000000};
        nanosleep(&pause, NULL);
        n = sleepers();
    }
    return n;
}

static char *export_of(const char *db)
{
    shell_run(&sh, "dovetail export %s/%s --all --format jsonl", dir, db);
    ck_assert_msg(sh.status == 0, "%.900s", strbuf_str(&sh.err));
    return strbuf_detach(&sh.out);
}

static void search(const char *command, const char *db, const char *more)
{
    shell_run(&sh, "dovetail search " STUDY " -q --json -o %s/%s --set evaluator.command=\"%s\" %s", dir, db, command,
              more);
}

static char *undisturbed;

START_TEST(a_liar_costs_only_its_lies)
{
    char command[200], *two;
    snprintf(command, sizeof command, LIAR, "hash", hang);
    search(command, "one.db", "-j 1");
    ck_assert_msg(sh.status == 0, "%d %s", sh.status, strbuf_str(&sh.err));
    ck_assert_int_eq(sleepers(), 0);
    undisturbed = export_of("one.db");
    search(command, "two.db", "-j 3");
    ck_assert_int_eq(sh.status, 0);
    two = export_of("two.db");
    ck_assert_msg(strcmp(undisturbed, two) == 0, "other bytes on three threads");
    ck_assert_int_eq(sleepers(), 0);
    shell_run(&sh, "dovetail status %s/one.db", dir);
    static const char *const named[] = {" timeout", " crashed", " bad answer", "evaluator  liar 1; failed: "};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        ck_assert_msg(strstr(strbuf_str(&sh.out), named[i]) != NULL, "%s", strbuf_str(&sh.out));
    }
    shell_run(&sh, "dovetail status %s/one.db --json | tr -d ' \\n'", dir);
    int total = 0, failed = -1, crashed = -1;
    const char *at = strstr(strbuf_str(&sh.out), "\"failures\":{");
    ck_assert_ptr_nonnull(at);
    sscanf(strstr(strbuf_str(&sh.out), "\"failed\":"), "\"failed\":%d", &failed);
    sscanf(strstr(at, "\"crashed\":"), "\"crashed\":%d", &crashed);
    for (const char *p = at + 12; *p != '\0' && *p != '}'; p++) {
        total += *p == ':' ? atoi(p + 1) : 0;
    }
    ck_assert_int_gt(crashed, 0);
    ck_assert_int_eq(total, failed);
    printf("%d of 60 evaluations failed, each with its name\n", failed);
    free(two);
}
END_TEST

START_TEST(chance_does_not_stop_it)
{
    char command[200];
    snprintf(command, sizeof command, LIAR, "random", hang);
    search(command, "random.db", "-j 2 -b 30 --set evaluator.retries=2");
    ck_assert_msg(sh.status == 0, "%d %s", sh.status, strbuf_str(&sh.err));
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "\"evaluations\": 30"));
    ck_assert_int_eq(sleepers(), 0);
}
END_TEST

/* Per-layer bits of an ONNX file with weights (tests/fixtures/mixed); the accuracy comes from one who is killed, hangs and lies. */
START_TEST(mixed_precision_of_an_onnx_file)
{
    shell_run(&sh,
              "dovetail search tests/fixtures/mixed/study.yaml -q --json -b 40 -j 2 -o %s/mixed.db --set "
              "objectives='[energy, "
              "accuracy]' --set evaluator=\"{command: " LIAR ", metrics: [accuracy], timeout: 500ms}\"",
              dir, "random", hang);
    ck_assert_msg(sh.status == 0, "%d %.900s", sh.status, strbuf_str(&sh.err));
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "\"evaluations\": 40"));
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "\"failures\""));
    ck_assert_int_eq(sleepers(), 0);
}
END_TEST

START_TEST(killed_it_leaves_nothing_and_resumes)
{
    char command[200], *end;
    snprintf(command, sizeof command, LIAR, "hash", hang);
    for (int i = 0; i < 3; i++) {
        shell_run(&sh,
                  "dovetail search " STUDY
                  " -q -o %s/killed.db -j 2 --set evaluator.command=\"%s\" & p=$!; sleep 0.%d; "
                  "kill -9 $p; wait $p",
                  dir, command, 3 + i);
        ck_assert_msg(sleepers_after(5) == 0, "processes are left after kill -9");
    }
    shell_run(&sh, "dovetail resume %s/killed.db -q", dir);
    ck_assert_msg(sh.status == 0, "%.900s", strbuf_str(&sh.err));
    end = export_of("killed.db");
    ck_assert_msg(strcmp(undisturbed, end) == 0, "other bytes after kill -9");
    free(end);
}
END_TEST

/* Dies at the first sight of a design, answers at the second. */
static void write_forgetful(void)
{
    shell_run(&sh,
              "cat > %s/forgetful.sh <<'EOF'\n"
              "printf '%%s\\n' "
              "'{\"dovetail_evaluator\":1,\"name\":\"f\",\"version\":\"'$2'\",\"metrics\":[\"accuracy_pct\"]}'\n"
              "while read -r line; do id=${line#*'\"id\":\"'}; id=${id%%%%'\"'*}; echo x >> $1/calls\n"
              "[ -e $1/seen.$id ] || { : > $1/seen.$id; exit 4; }\n"
              "printf '{\"id\":\"%%s\",\"accuracy_pct\":50}\\n' \"$id\"; done\n"
              "EOF",
              dir);
}

START_TEST(retries_are_counted_and_versions_kept_apart)
{
    char command[200];
    write_forgetful();
    snprintf(command, sizeof command, "[sh, %s/forgetful.sh, %s, '1']", dir, dir);
    search(command, "retried.db", "-b 20 --set evaluator.retries=1");
    ck_assert_msg(sh.status == 0, "%.900s", strbuf_str(&sh.err));
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "\"retried\": 20"));
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "\"failed\": 0"));
    shell_run(&sh, "dovetail status %s/retried.db", dir);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "20 designs answered only when asked again"));
    snprintf(command, sizeof command, "[sh, %s/forgetful.sh, %s, '2']", dir, dir);
    search(command, "retried.db", "-b 30");
    ck_assert_int_eq(sh.status, 65);
    ck_assert_msg(strstr(strbuf_str(&sh.err), "evaluator") != NULL, "%s", strbuf_str(&sh.err));
}
END_TEST

START_TEST(one_that_never_answers_ends_the_run)
{
    char command[200];
    snprintf(command, sizeof command, LIAR, "never", hang);
    for (int trials = 7; trials <= 14; trials += 7) { /* resumed, it may fail as often again */
        char count[32];
        search(command, "mute.db", "-j 2 --set evaluator.max_failures=7");
        ck_assert_msg(sh.status == 69, "%d %s", sh.status, strbuf_str(&sh.err));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "failed on 7 trials in a row"));
        ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "no licence"));
        shell_run(&sh, "dovetail status %s/mute.db --json | tr -d ' \\n'", dir);
        snprintf(count, sizeof count, "\"failed\":%d,", trials);
        ck_assert_msg(strstr(strbuf_str(&sh.out), count) != NULL, "%s", strbuf_str(&sh.out));
    }
    ck_assert_int_eq(sleepers(), 0);
}
END_TEST

START_TEST(the_cache_answers_for_it)
{
    char command[200], more[200];
    write_forgetful();
    shell_run(&sh, "rm -f %s/calls", dir);
    snprintf(command, sizeof command, "[sh, %s/forgetful.sh, %s, '3']", dir, dir);
    snprintf(more, sizeof more, "-b 20 -j 1 --cache %s/cache.db --set evaluator.retries=1", dir);
    search(command, "cached1.db", more);
    ck_assert_int_eq(sh.status, 0);
    shell_run(&sh, "wc -l < %s/calls", dir);
    int first = atoi(strbuf_str(&sh.out));
    search(command, "cached2.db", more);
    ck_assert_int_eq(sh.status, 0);
    shell_run(&sh, "wc -l < %s/calls; cmp %s/calls /dev/null | head -1", dir, dir);
    ck_assert_int_ge(first, 20);
    ck_assert_int_eq(atoi(strbuf_str(&sh.out)), first);
}
END_TEST

START_TEST(a_shared_library)
{
    const char *cc = getenv("CC");
    shell_run(&sh, "%s -shared -fPIC -O2 -Wall -Werror -Iexperiments tests/fixtures/evaluator/bits.c -o %s/bits.so -lm",
              cc != NULL ? cc : "cc", dir);
    ck_assert_msg(sh.status == 0, "%.900s", strbuf_str(&sh.err));
    shell_run(&sh,
              "dovetail search " STUDY
              " -q --json -o %s/library.db -b 60 --set evaluator='{library: %s/bits.so, metrics: "
              "[accuracy]}'",
              dir, dir);
    ck_assert_msg(sh.status == 0, "%.900s", strbuf_str(&sh.err));
    shell_run(&sh, "dovetail export %s/library.db --all --format jsonl", dir);
    int ok = 0, large = 0, aborted = 0;
    for (const char *p = strbuf_str(&sh.out); *p != '\0'; p++) {
        ok += strncmp(p, "\"state\":\"ok\"", 12) == 0;
        large += strncmp(p, "\"state\":\"infeasible\"", 20) == 0;
        aborted += strncmp(p, "\"state\":\"failed\"", 16) == 0;
    }
    ck_assert_msg(ok > 5 && large > 1 && aborted > 1, "%d %d %d %.900s", ok, large, aborted, strbuf_str(&sh.out));
    shell_run(&sh,
              "dovetail eval " STUDY
              " pe_rows=8 glb=64KiB bits=8 --json --set evaluator='{library: %s/bits.so, metrics: "
              "[accuracy]}'",
              dir);
    const char *at = strstr(strbuf_str(&sh.out), "\"accuracy_pct\": ");
    ck_assert_ptr_nonnull(at);
    ck_assert_double_eq_tol(strtod(at + 16, NULL), 90 - 100 * 10 * pow(4, -8), 1e-12); /* ten layers of 8 bits */
    static const char *const ends[][2] = {
        {"pe_rows=8 glb=512KiB", "infeasible       the global buffer of 524288 bytes is too large"},
        {"pe_rows=32", "failed           crashed: signal 6 (Aborted)"}};
    for (int i = 0; i < 2; i++) {
        shell_run(&sh, "dovetail eval " STUDY " %s --set evaluator='{library: %s/bits.so, metrics: [accuracy]}'",
                  ends[i][0], dir);
        ck_assert_int_eq(sh.status, 1);
        ck_assert_msg(strstr(strbuf_str(&sh.out), ends[i][1]) != NULL, "%.900s", strbuf_str(&sh.out));
    }
}
END_TEST

/* The evaluator alone prices: none of our metrics are there. */
START_TEST(without_our_model)
{
    shell_run(&sh,
              "cat > %s/alone.sh <<'EOF'\n"
              "printf '%%s\\n' "
              "'{\"dovetail_evaluator\":1,\"name\":\"a\",\"version\":\"1\",\"metrics\":[\"energy_j\",\"latency_s\"]}'\n"
              "while read -r line; do id=${line#*'\"id\":\"'}; id=${id%%%%'\"'*}; case $line in *'\"known\":{}'*) ;; "
              "*) exit 1;; esac\n"
              "printf '{\"id\":\"%%s\",\"energy_j\":0.5,\"latency_s\":0.25}\\n' \"$id\"; done\n"
              "EOF",
              dir);
    shell_run(&sh,
              "dovetail eval " STUDY
              " --json --set evaluator='{command: [sh, %s/alone.sh], metrics: [energy, latency], "
              "model: false}' --set objectives='[energy, latency, edp]' --set constraints='[]'",
              dir);
    ck_assert_msg(sh.status == 0, "%.900s", strbuf_str(&sh.err));
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "\"edp_js\": 0.125"));
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "\"area_mm2\": null"));
}
END_TEST

START_TEST(what_cannot_begin_says_why)
{
    static const struct {
        const char *evaluator, *why;
    } cases[] = {
        {"{command: [/no/such/program], metrics: [accuracy]}", "cannot start '/no/such/program': No such file"},
        {"{command: [echo, hello], metrics: [accuracy]}", "no JSON: 'hello'"},
        {"{command: [sleep, '1000'], metrics: [accuracy], startup: 100ms}", "no answer within 0.1s"},
        {"{command: exit 7, metrics: [accuracy]}", "exit status 7"},
        {"{library: /no/such.so, metrics: [accuracy]}", "/no/such.so"},
        {"{command: [sh, tests/fixtures/evaluator/liar.sh, hash, '1'], metrics: [energy, accuracy]}",
         "does not give 'energy_j'"},
        {"{command: [sh, tests/fixtures/evaluator/liar.sh, hash, '1'], metrics: [accuracy], version: '9'}",
         "version '9'"},
        {"{metrics: [accuracy]}", "either a 'command' or a 'library'"},
        {"{command: [a], library: b, metrics: [accuracy]}", "either a 'command' or a 'library'"},
        {"{command: [a], metrics: [accurcy]}", "did you mean 'accuracy'?"},
        {"{command: [a], metrics: []}", "write [accuracy]"},
        {"{command: [a], metrics: [energy]}", "'accuracy' needs an accuracy proxy"},
        {"{command: [a], metrics: [accuracy], model: false}", "nothing gives 'energy'"},
        {"{command: {a: b}, metrics: [accuracy]}", "'command' is a program"},
        {"{command: [a], metrics: [accuracy], timeout: 5}", "unit"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        shell_run(&sh, "dovetail search " STUDY " -q -o %s/never.db --set evaluator=\"%s\"", dir, cases[i].evaluator);
        ck_assert_msg(sh.status == 65 || sh.status == 69, "%s: status %d", cases[i].evaluator, sh.status);
        ck_assert_msg(strstr(strbuf_str(&sh.err), cases[i].why) != NULL, "%s: %.500s", cases[i].evaluator,
                      strbuf_str(&sh.err));
        shell_run(&sh, "test ! -e %s/never.db", dir);
        ck_assert_msg(sh.status == 0, "%s left a database", cases[i].evaluator);
    }
    printf("checked %zu evaluators that cannot begin\n", sizeof cases / sizeof *cases);
}
END_TEST

int main(void)
{
    if (mkdtemp(dir) == NULL) {
        return 1;
    }
    snprintf(hang, sizeof hang, "1000.%d", (int)getpid());
    Suite *s = suite_create("external");
    TCase *t = tcase_create("external");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, greetings);
    tcase_add_test(t, answers);
    tcase_add_test(t, a_liar_costs_only_its_lies);
    tcase_add_test(t, chance_does_not_stop_it);
    tcase_add_test(t, mixed_precision_of_an_onnx_file);
    tcase_add_test(t, killed_it_leaves_nothing_and_resumes);
    tcase_add_test(t, retries_are_counted_and_versions_kept_apart);
    tcase_add_test(t, one_that_never_answers_ends_the_run);
    tcase_add_test(t, the_cache_answers_for_it);
    tcase_add_test(t, a_shared_library);
    tcase_add_test(t, without_our_model);
    tcase_add_test(t, what_cannot_begin_says_why);
    suite_add_tcase(s, t);
    int status = run_suite(s, CK_NOFORK);
    shell_run(&sh, "rm -rf %s", dir);
    shell_release(&sh);
    free(undisturbed);
    return status;
}
