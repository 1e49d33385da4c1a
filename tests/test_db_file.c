/* The file from outside: made whole, refused when it is not ours, locked by its writer, missed when it goes away. */
#include "db/db_private.h"
#include "tests/db_case.h"
#include "tests/run_suite.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void create(int64_t trials)
{
    struct db *db = db_create(fix.path, &fix_layout, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    fix_put(db, 0, trials);
    ck_assert_int_eq(db_close(db, &err), 0);
}

static void sql(const char *text)
{
    sqlite3 *s;
    ck_assert_int_eq(sqlite3_open(fix.path, &s), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(s, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(s);
}

static void refused(enum db_mode mode, enum err_code code, const char *part)
{
    err = (struct err)ERR_INIT;
    ck_assert_ptr_null(db_open(fix.path, mode, &err));
    ck_assert_msg(strstr(err.text, part) != NULL, "'%s' not in: %s", part, err.text);
    ck_assert_int_eq(err.code, code);
}

static void refused_both(enum err_code code, const char *part)
{
    refused(DB_READ, code, part);
    refused(DB_WRITE, code, part);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

START_TEST(missing_foreign_empty)
{
    refused_both(ERR_NOINPUT, "No such file");
    write_file(fix.path, "", 0);
    refused_both(ERR_DATA, "not a Dovetail study");
    char text[5000];
    memset(text, 'x', sizeof text);
    write_file(fix.path, text, sizeof text);
    refused_both(ERR_DATA, "no SQLite file");
    remove(fix.path);
    sql("CREATE TABLE t(x); PRAGMA user_version=1");
    refused_both(ERR_DATA, "another program");
}
END_TEST

START_TEST(newer_older)
{
    create(10);
    sql("PRAGMA user_version=99");
    refused_both(ERR_DATA, "schema version 99");
    sql("PRAGMA user_version=0");
    refused_both(ERR_DATA, "dovetail upgrade");
}
END_TEST

START_TEST(truncated_and_corrupt)
{
    create(3000);
    struct stat st;
    ck_assert_int_eq(stat(fix.path, &st), 0);
    ck_assert_int_eq(truncate(fix.path, st.st_size / 2), 0);
    refused_both(ERR_DATA, "damaged");
    ck_assert_int_eq(truncate(fix.path, 50), 0);
    refused_both(ERR_DATA, "damaged");
}
END_TEST

START_TEST(a_damaged_page_is_told_where_it_is_met)
{
    create(3000);
    FILE *f = fopen(fix.path, "r+b");
    struct stat st;
    ck_assert_int_eq(stat(fix.path, &st), 0);
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    for (long page = 40; page < st.st_size / 4096; page += 3) {
        fseek(f, page * 4096, SEEK_SET);
        ck_assert_uint_eq(fwrite(junk, 1, sizeof junk, f), sizeof junk);
    }
    fclose(f);
    struct db *db = db_open(fix.path, DB_READ, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    struct db_cursor *c = db_trials(db, 0, &err);
    struct db_trial t;
    int rc;
    while ((rc = db_next(c, &t, &err)) == 1) {
    }
    ck_assert_int_eq(rc, -1);
    ck_assert_int_eq(err.code, ERR_DATA);
    db_cursor_free(c);
    db_close(db, NULL);
}
END_TEST

START_TEST(nothing_is_overwritten)
{
    create(10);
    ck_assert_ptr_null(db_create(fix.path, &fix_layout, &err));
    ck_assert_int_eq(err.code, ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "exists already"));
    struct db *db = db_open(fix.path, DB_READ, &err);
    ck_assert_int_eq(fix_verify(db), 10);
    db_close(db, NULL);
    err = (struct err)ERR_INIT;
    ck_assert_ptr_null(db_create("/nowhere/at/all.db", &fix_layout, &err));
    ck_assert_int_eq(err.code, ERR_IO);
}
END_TEST

static void bad_layout(const struct db_column *c, int n, const char *part)
{
    struct db_layout l = {.columns = c, .n_columns = n};
    err = (struct err)ERR_INIT;
    ck_assert_ptr_null(db_create(fix.path, &l, &err));
    ck_assert_msg(strstr(err.text, part) != NULL, "'%s' not in: %s", part, err.text);
}

START_TEST(layouts_are_checked)
{
    struct db_column ok = {"a", DB_METRIC, DB_REAL, "", "min", 1, "", NULL}, c[2] = {ok, ok};
    bad_layout(c, 2, "is there twice");
    c[1].name = "b";
    bad_layout(c, 2, "no place 1");
    c[1].objective = 3;
    bad_layout(c, 2, "objective 2 of 2 is missing");
    c[1] = ok;
    c[1].name = "B; drop";
    bad_layout(c, 2, "is not a name");
    c[1].name = "hash";
    bad_layout(c, 2, "the table's own");
    c[1] = (struct db_column){"b", DB_METRIC, DB_TEXT, "", "min", 2, "", NULL};
    bad_layout(c, 2, "an objective is a stored number");
    c[1] = (struct db_column){"b", DB_METRIC, DB_REAL, "", "most", 0, "", NULL};
    bad_layout(c, 2, "no such goal 'most'");
    ck_assert_int_ne(access(fix.path, F_OK), 0);
}
END_TEST

START_TEST(the_second_writer_is_refused_readers_are_not)
{
    struct db *db = db_create(fix.path, &fix_layout, &err);
    fix_put(db, 0, 100);
    ck_assert_int_eq(db_flush(db, &err), 0);
    refused(DB_WRITE, ERR_IO, "written by another search (process ");
    char pid[40];
    snprintf(pid, sizeof pid, "process %ld on ", (long)getpid());
    ck_assert_ptr_nonnull(strstr(err.text, pid));
    err = (struct err)ERR_INIT;
    struct db *reader = db_open(fix.path, DB_READ, &err);
    ck_assert_msg(reader != NULL, "%s", err.text);
    ck_assert_int_eq(fix_verify(reader), 100);
    fix_put(db, 100, 200);
    ck_assert_int_eq(db_flush(db, &err), 0);
    ck_assert_int_eq(fix_verify(reader), 200);
    struct db_value v[FIX_COLUMNS];
    struct db_trial t = fix_trial(200, v);
    ck_assert_int_eq(db_put_trial(reader, &t, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "not opened for writing"));
    err = (struct err)ERR_INIT;
    ck_assert_int_eq(db_close(db, &err), 0);
    ck_assert_int_eq(db_close(reader, &err), 0);
    db = db_open(fix.path, DB_WRITE, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    ck_assert_int_eq(db_close(db, &err), 0);
}
END_TEST

START_TEST(a_dead_writer_leaves_no_lock)
{
    create(0);
    pid_t child = fork();
    if (!child) {
        struct db *db = db_open(fix.path, DB_WRITE, NULL);
        struct db_run run = {.command = "dovetail search", .threads = 1};
        db_begin_run(db, &run, NULL);
        raise(SIGKILL);
    }
    waitpid(child, NULL, 0);
    struct db *db = db_open(fix.path, DB_READ, &err);
    struct db_status s;
    ck_assert_int_eq(db_status(db, &s, &err), 0);
    ck_assert_int_eq(s.n_runs, 1);
    ck_assert_ptr_null(s.runs[0].ended_utc);
    ck_assert(!s.runs[0].alive);
    ck_assert_int_eq(s.runs[0].pid, child);
    db_status_release(&s);
    db_close(db, NULL);
    db = db_open(fix.path, DB_WRITE, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    db_close(db, NULL);
}
END_TEST

static void put_until_error(struct db *db)
{
    struct db_value v[FIX_COLUMNS];
    for (int64_t i = db_queued(db); i < 1000; i++) {
        struct db_trial t = fix_trial(i, v);
        if (db_put_trial(db, &t, &err)) {
            return;
        }
    }
    db_flush(db, &err);
}

START_TEST(deleted_while_written)
{
    struct db *db = db_create(fix.path, &fix_layout, &err);
    fix_put(db, 0, 10);
    ck_assert_int_eq(db_flush(db, &err), 0);
    ck_assert_int_eq(remove(fix.path), 0);
    put_until_error(db);
    ck_assert_int_eq(err.code, ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "was deleted or moved"));
    ck_assert_int_eq(db_stored(db), 10);
    ck_assert_int_eq(db_close(db, NULL), -1);
}
END_TEST

/* As a user who may neither write the file nor make files beside it: 0 when reading works and writing is refused. */
static int as_stranger(void)
{
    if (geteuid() == 0 && (setgid(65534) || setuid(65534))) {
        return 1;
    }
    struct db *db = db_open(fix.path, DB_READ, &err);
    if (!db || fix_verify(db) != 20 || db_close(db, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    db = db_open(fix.path, DB_WRITE, &err);
    return db || err.code != ERR_IO || !strstr(err.text, "cannot write") ? 3 : 0;
}

START_TEST(a_file_that_may_not_be_written)
{
    create(20);
    ck_assert_int_eq(chmod(fix.path, 0444), 0);
    ck_assert_int_eq(chmod(fix.folder, 0555), 0);
    pid_t child = fork();
    if (!child) {
        _exit(as_stranger());
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert_int_eq(chmod(fix.folder, 0755), 0);
    ck_assert_int_eq(status, 0);
}
END_TEST

/* A quota of 300 kB a file, as a real disk would refuse: the search stops with a clear error, what was acknowledged stays. Returns that. */
static int64_t fill_quota(void)
{
    struct rlimit limit = {300000, 300000};
    struct err e = ERR_INIT;
    struct db_value v[FIX_COLUMNS];
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    struct db *db = db_open(fix.path, DB_WRITE, &e);
    for (int64_t i = 0; db && i < 100000 && e.code == ERR_NONE; i++) {
        struct db_trial t = fix_trial(i, v);
        if (!db_put_trial(db, &t, &e) && i % 100 == 99) {
            db_flush(db, &e);
        }
    }
    int64_t stored = db ? db_stored(db) : 0;
    bool clear = e.code == ERR_IO && strstr(e.text, "cannot write '");
    return db_close(db, NULL) == -1 && clear ? stored : -1;
}

START_TEST(quota_used_up)
{
    create(0);
    int64_t *stored = mmap(NULL, sizeof *stored, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(stored, MAP_FAILED);
    pid_t child = fork();
    if (!child) {
        *stored = fill_quota();
        _exit(0);
    }
    waitpid(child, NULL, 0);
    ck_assert_int_gt(*stored, 100);
    struct db *db = db_open(fix.path, DB_WRITE, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    int64_t there = fix_verify(db);
    ck_assert_int_ge(there, *stored);
    fix_put(db, there, there + 2000);
    ck_assert_int_eq(db_flush(db, &err), 0);
    ck_assert_int_eq(fix_verify(db), there + 2000);
    ck_assert_int_eq(db_close(db, &err), 0);
    munmap(stored, sizeof *stored);
}
END_TEST

START_TEST(network_names)
{
    ck_assert_str_eq(db_network_name(0x6969), "NFS");
    ck_assert_str_eq(db_network_name(0x0BD00BD0), "Lustre");
    ck_assert_str_eq(db_network_name(0x47504653), "GPFS");
    ck_assert_str_eq(db_network_name(0xFF534D42), "CIFS");
    ck_assert_str_eq(db_network_name((unsigned long)(int)0xFF534D42), "CIFS"); /* f_type is signed on some systems */
    ck_assert_ptr_null(db_network_name(0xEF53));                               /* ext4 */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("db_file");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, missing_foreign_empty);
    tcase_add_test(t, newer_older);
    tcase_add_test(t, truncated_and_corrupt);
    tcase_add_test(t, a_damaged_page_is_told_where_it_is_met);
    tcase_add_test(t, nothing_is_overwritten);
    tcase_add_test(t, layouts_are_checked);
    tcase_add_test(t, the_second_writer_is_refused_readers_are_not);
    tcase_add_test(t, a_dead_writer_leaves_no_lock);
    tcase_add_test(t, deleted_while_written);
    tcase_add_test(t, a_file_that_may_not_be_written);
    tcase_add_test(t, quota_used_up);
    tcase_add_test(t, network_names);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
