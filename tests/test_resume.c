/* Law 1 on the whole program: a study that is interrupted (Ctrl-C, SIGTERM, kill -9, a time limit) and resumed holds the same trials in the same
 * order with the same numbers as one that was left alone, on one thread and on two. */
#include "base/strbuf.h"
#include "tests/run_suite.h"
#include "tests/shell.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STUDY "tests/fixtures/resume.yaml"

static char *export_of(const char *db)
{
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    shell_run(&sh, "dovetail export %s --all --format jsonl", db);
    ck_assert_msg(sh.status == 0, "export of %s: %s", db, strbuf_str(&sh.err));
    char *text = strbuf_detach(&sh.out);
    shell_release(&sh);
    return text;
}

static void forget(const char *db)
{
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    shell_run(&sh, "rm -f %s %s-wal %s-shm %s-lock", db, db, db, db);
    shell_release(&sh);
}

static void sleep_ms(int ms)
{
    struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* Starts a search, sends `sig` after `ms`, and returns the exit status (128 + signal when killed). */
static int interrupted(const char *db, int threads, int sig, int ms)
{
    char j[16];
    snprintf(j, sizeof j, "-j%d", threads);
    const char *program = getenv("DOVETAIL") != NULL ? getenv("DOVETAIL") : "build/release/dovetail";
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        dup2(null, 2);
        execl(program, program, "search", STUDY, "-o", db, j, (char *)NULL);
        _exit(127);
    }
    for (int waited = 0; access(db, F_OK) != 0 && waited < 10000; waited += 5) {
        sleep_ms(5);
    }
    sleep_ms(ms);
    kill(pid, sig);
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static char *undisturbed;
static int stopped_early;

/* The file holds the trials of the run that was left alone. */
static void expect_undisturbed(const char *db)
{
    char *text = export_of(db);
    ck_assert_str_eq(text, undisturbed);
    free(text);
}

static void whole_run(void)
{
    forget("build/resume_whole.db");
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    shell_run(&sh, "dovetail search " STUDY " -o build/resume_whole.db -j1 -q");
    ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
    shell_release(&sh);
    undisturbed = export_of("build/resume_whole.db");
    ck_assert_int_gt((int)strlen(undisturbed), 10000);
}

static void disturb(int threads, int sig, int status_when_stopped, int ms)
{
    static const char *const db = "build/resume_cut.db";
    forget(db);
    int status = 0;
    for (int k = 0; k < 3 && (k == 0 || status != 0); k++) {
        status = interrupted(db, threads, sig, ms + 17 * k);
        bool before_it_began =
            k > 0 && status == 128 + sig; /* the file is there already: the program may not have got to its handlers */
        ck_assert_msg(status == 0 || status == status_when_stopped || before_it_began, "signal %d gave status %d", sig,
                      status);
        stopped_early += status != 0;
    }
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    shell_run(&sh, access(db, F_OK) == 0 ? "dovetail resume %s -j%d -q" : "dovetail search " STUDY " -o %s -j%d -q", db,
              threads);
    ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
    shell_release(&sh);
    char *text = export_of(db);
    ck_assert_msg(strcmp(text, undisturbed) == 0, "signal %d after %d ms on %d threads: other trials", sig, ms,
                  threads);
    free(text);
}

START_TEST(interrupted_runs_end_the_same)
{
    for (int threads = 1; threads <= 2; threads++) {
        for (int k = 0; k < 2; k++) {
            disturb(threads, SIGINT, 130, 10 + 80 * k);
            disturb(threads, SIGTERM, 75, 30 + 90 * k);
            disturb(threads, SIGKILL, 128 + SIGKILL, 5 + 100 * k);
        }
    }
    printf("checked 12 interrupted studies, stopped early %d times\n", stopped_early);
    ck_assert_int_gt(stopped_early, 6);
}
END_TEST

START_TEST(two_threads_give_the_trials_of_one)
{
    forget("build/resume_two.db");
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    shell_run(&sh, "dovetail search " STUDY " -o build/resume_two.db -j2 -q");
    ck_assert_int_eq(sh.status, 0);
    expect_undisturbed("build/resume_two.db");
    shell_release(&sh);
}
END_TEST

START_TEST(a_finished_study_evaluates_nothing)
{
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    shell_run(&sh, "dovetail search " STUDY " -o build/resume_whole.db --json -q");
    ck_assert_int_eq(sh.status, 0);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "\"new\": 0"));
    ck_assert_ptr_null(strstr(strbuf_str(&sh.out), "\"front\": 0"));
    ck_assert_ptr_null(strstr(strbuf_str(&sh.out), "\"hypervolume\": null"));
    expect_undisturbed("build/resume_whole.db");
    shell_run(&sh, "dovetail resume build/resume_whole.db --budget 7");
    ck_assert_int_eq(sh.status, 0);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "and the budget is 7: nothing to do"));
    shell_run(&sh, "dovetail resume build/resume_whole.db --time 0s"); /* no limit, or none left: who knows */
    ck_assert_int_eq(sh.status, 64);
    shell_release(&sh);
}
END_TEST

START_TEST(a_folder_stands_for_the_one_study_in_it)
{
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    shell_run(&sh, "mkdir -p build/resume_folder && cp build/resume_whole.db build/resume_folder/a.db && "
                   "dovetail resume build/resume_folder --json -q");
    ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "build/resume_folder/a.db"));
    shell_run(&sh, "cp build/resume_whole.db build/resume_folder/b.db; dovetail resume build/resume_folder -q");
    ck_assert_int_eq(sh.status, 64);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "2 databases in 'build/resume_folder': name one"));
    static const char *const files[] = {"-o build/resume_folder",
                                        "-o build/resume_none.db --cache build/resume_folder"};
    for (int i = 0; i < 2; i++) {
        shell_run(&sh, "dovetail search " STUDY " -q %s", files[i]);
        ck_assert_int_eq(sh.status, 64);
        ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "'build/resume_folder' is a folder; name a file"));
    }
    ck_assert_int_ne(access("build/resume_none.db", F_OK), 0);
    shell_run(&sh, "rm -r build/resume_folder");
    shell_release(&sh);
}
END_TEST

START_TEST(a_time_limit_asks_to_be_resumed)
{
    forget("build/resume_time.db");
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    shell_run(&sh, "dovetail search " STUDY " -o build/resume_time.db -j1 -q --time 100ms");
    ck_assert_int_eq(sh.status, 75);
    shell_run(&sh, "dovetail resume build/resume_time.db -q");
    ck_assert_int_eq(sh.status, 0);
    expect_undisturbed("build/resume_time.db");
    shell_release(&sh);
}
END_TEST

START_TEST(a_prolonged_study_keeps_its_trials)
{
    static const char *const db = "build/resume_longer.db";
    static const char *const algorithms[] = {"auto", "nsga2", "sms_emoa", "random"};
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        forget(db);
        struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
        shell_run(&sh, "dovetail search " STUDY " -o %s -q --set search.algorithm=%s --budget 40", db, algorithms[i]);
        ck_assert_int_eq(sh.status, 0);
        char *before = export_of(db);
        shell_run(&sh, "dovetail resume %s -q --budget 55", db);
        ck_assert_msg(sh.status == 0, "%s: %s", algorithms[i], strbuf_str(&sh.err));
        char *after = export_of(db);
        ck_assert_int_eq(strncmp(before, after, strlen(before)), 0);
        ck_assert_int_gt((int)strlen(after), (int)strlen(before));
        free(before);
        free(after);
        shell_release(&sh);
    }
}
END_TEST

START_TEST(a_shared_cache_changes_nothing)
{
    forget("build/resume_cache.db");
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    for (int k = 0; k < 2; k++) {
        forget("build/resume_cached.db");
        shell_run(&sh, "dovetail search " STUDY " -o build/resume_cached.db --cache build/resume_cache.db -q --json");
        ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
        const char *cached = strstr(strbuf_str(&sh.out), "\"cached\": ");
        ck_assert_ptr_nonnull(cached);
        int hits = atoi(cached + strlen("\"cached\": "));
        ck_assert_msg(k == 0 ? hits == 0 : hits > 100, "run %d had %d hits", k, hits);
        expect_undisturbed("build/resume_cached.db");
    }
    shell_run(&sh, "dovetail search " STUDY " -o build/resume_other.db --cache build/resume_whole.db -q");
    ck_assert_int_ne(sh.status, 0); /* a study is no cache */
    forget("build/resume_other.db");
    shell_release(&sh);
}
END_TEST

START_TEST(usr2_asks_for_a_line)
{
    forget("build/resume_asked.db");
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    shell_run(&sh, "${DOVETAIL:-build/release/dovetail} search " STUDY
                   " -o build/resume_asked.db --progress none > /dev/null 2> build/resume_asked.log & p=$!; "
                   "until [ -e build/resume_asked.db ]; do sleep 0.01; done; kill -USR2 $p; wait $p; "
                   "status=$?; grep '^name=.* evals=' build/resume_asked.log; rm build/resume_asked.log; exit $status");
    ck_assert_msg(sh.status == 0, "%s", strbuf_str(&sh.err));
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.out), "evals="));
    forget("build/resume_asked.db");
    shell_release(&sh);
}
END_TEST

START_TEST(no_feasible_design_is_explained)
{
    forget("build/resume_none.db");
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    shell_run(&sh,
              "dovetail search " STUDY " -o build/resume_none.db --budget 20 --set 'constraints=[area <= 0.01mm2]'");
    ck_assert_int_eq(sh.status, 1);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "20 of 20 miss 'area <= 0.01mm2', the nearest by "));
    shell_run(&sh, "dovetail pareto build/resume_none.db");
    ck_assert_int_eq(sh.status, 1);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "20 of 20 miss 'area <= 0.01mm2', the nearest by "));
    forget("build/resume_none.db");
    shell_release(&sh);
}
END_TEST

START_TEST(another_study_is_refused)
{
    struct shell sh = {0, STRBUF_INIT, STRBUF_INIT};
    shell_run(&sh, "dovetail search " STUDY " -o build/resume_whole.db -q --set search.seed=6");
    ck_assert_int_eq(sh.status, 65);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "another study"));
    shell_run(&sh, "dovetail search " STUDY " -o build/resume_whole.db -q --set mapping.goal=energy");
    ck_assert_int_eq(sh.status, 65);
    ck_assert_ptr_nonnull(strstr(strbuf_str(&sh.err), "another model"));
    expect_undisturbed("build/resume_whole.db");
    shell_release(&sh);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("resume");
    TCase *tc = tcase_create("resume");
    tcase_set_timeout(tc, 300);
    tcase_add_unchecked_fixture(tc, whole_run, NULL);
    tcase_add_test(tc, two_threads_give_the_trials_of_one);
    tcase_add_test(tc, a_finished_study_evaluates_nothing);
    tcase_add_test(tc, a_folder_stands_for_the_one_study_in_it);
    tcase_add_test(tc, interrupted_runs_end_the_same);
    tcase_add_test(tc, a_time_limit_asks_to_be_resumed);
    tcase_add_test(tc, a_prolonged_study_keeps_its_trials);
    tcase_add_test(tc, a_shared_cache_changes_nothing);
    tcase_add_test(tc, usr2_asks_for_a_line);
    tcase_add_test(tc, no_feasible_design_is_explained);
    tcase_add_test(tc, another_study_is_refused);
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_FORK_GETENV);
}
