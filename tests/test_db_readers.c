/* Eight processes ask while one writes: nobody fails, and every answer is that of one moment: a prefix of the trials with its front. */
#include "base/mem.h"
#include "db/db_private.h"
#include "tests/db_fixture.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READERS = 8, TRIALS = 15000 };

struct shared {
    volatile bool stop;
    volatile int polls[READERS];
};

static int keep(void *ctx, const struct db_row *row)
{
    int64_t *last = ctx;
    bool ascending = row->number > *last;
    *last = row->number;
    return ascending && row->state == DB_OK ? 0 : 1;
}

/* 0, or the number of what is wrong. */
static int poll_once(const char *path, int64_t *before)
{
    static const struct db_objective o[] = {{"energy_j", false}, {"accuracy", true}};
    struct err err = ERR_INIT;
    struct db_status s;
    struct db_value quarter = db_real(0.25);
    int64_t last = -1, again = -1, *numbers, n;
    struct db *db = db_open(path, DB_READ, &err);
    if (!db || db_status(db, &s, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    bool grew = s.trials >= *before && s.designs <= s.trials && (s.trials == 0 || s.front > 0);
    *before = s.trials;
    db_status_release(&s);
    if (db_query(db, &(struct db_query){.front_only = true}, keep, &last, &err) ||
        db_query(db,
                 &(struct db_query){
                     .objectives = o, .n_objectives = 2, .where = "accuracy > ?", .params = &quarter, .n_params = 1},
                 keep, &again, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    n = db_front(db, &numbers, &err);
    mem_free(numbers);
    return db_close(db, &err) || n < 0 || !grew ? 3 : 0;
}

static void reader(const char *path, struct shared *shared, int me)
{
    int64_t before = 0;
    while (!shared->stop) {
        int wrong = poll_once(path, &before);
        if (wrong) {
            _exit(wrong);
        }
        shared->polls[me]++;
    }
    _exit(0);
}

START_TEST(nobody_fails)
{
    struct fix fix;
    struct err err = ERR_INIT;
    pid_t child[READERS];
    fix_begin(&fix);
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    ck_assert_int_eq(db_close(db_create(fix.path, &fix_layout, &err), &err), 0);
    for (int i = 0; i < READERS; i++) {
        child[i] = fork();
        if (!child[i]) {
            reader(fix.path, shared, i);
        }
    }
    struct db *db = db_open(fix.path, DB_WRITE, &err);
    ck_assert_msg(db != NULL, "%s", err.text);
    fix_put(db, 0, TRIALS);
    ck_assert_int_eq(db_flush(db, &err), 0);
    shared->stop = true;
    int polls = 0;
    for (int i = 0; i < READERS; i++) {
        int status;
        waitpid(child[i], &status, 0);
        ck_assert_int_eq(status, 0);
        polls += shared->polls[i];
    }
    ck_assert_int_eq(fix_verify(db), TRIALS);
    ck_assert_msg(!db_close(db, &err), "%s", err.text);
    ck_assert_int_gt(polls, READERS);
    printf("%d readers asked %d times while %d trials were written\n", READERS, polls, TRIALS);
    munmap(shared, sizeof *shared);
    fix_end(&fix);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("db_readers");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, nobody_fails);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
