#include "tests/db_fixture.h"

#include <check.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct db_column columns[FIX_COLUMNS] = {
    [FIX_ENERGY] = {"energy_j", DB_METRIC, DB_REAL, "J", "min", 1, "energy", NULL},
    [FIX_LATENCY] = {"latency_s", DB_METRIC, DB_REAL, "s", "min", 2, "latency", NULL},
    [FIX_AREA] = {"area_mm2", DB_METRIC, DB_REAL, "mm2", "min", 0, "area", NULL},
    [FIX_ACCURACY] = {"accuracy", DB_METRIC, DB_REAL, "", "max", 3, "proxy", NULL},
    [FIX_OVER] = {"over_area", DB_VIOLATION, DB_REAL, "", "", 0, "area <= 4mm2", NULL},
    [FIX_EDP] = {"edp_js", DB_DERIVED, DB_REAL, "J s", "min", 0, "energy x latency", "energy_j * latency_s"},
    [FIX_ROWS] = {"pe_rows", DB_PARAMETER, DB_INTEGER, "", "", 0, "rows", NULL},
    [FIX_CLOCK] = {"clock_hz", DB_PARAMETER, DB_REAL, "Hz", "", 0, "clock", NULL},
    [FIX_FLOW] = {"dataflow", DB_PARAMETER, DB_TEXT, "", "", 0, "dataflow", NULL},
};
static const struct db_pair meta[] = {
    {"name", "fixture"},
    {"space_hash", "b81d"},
    {"yaml", "name: fixture\n"},
};
const struct db_layout fix_layout = {meta, 3, columns, FIX_COLUMNS};

void fix_begin(struct fix *f)
{
    const char *base = getenv("TMPDIR");
    if (!base) { /* in memory a sync costs nothing, and there are thousands */
        base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    }
    snprintf(f->folder, sizeof f->folder, "%.40s/dbtestXXXXXX", base);
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/study.db", f->folder);
}

void fix_end(struct fix *f)
{
    DIR *dir = opendir(f->folder);
    ck_assert_ptr_nonnull(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char name[400];
        snprintf(name, sizeof name, "%s/%s", f->folder, e->d_name);
        unlink(name);
    }
    closedir(dir);
    ck_assert_int_eq(rmdir(f->folder), 0);
}

/* A number in [0, 1) from two integers (splitmix64's mixer). */
static double noise(int64_t number, int which)
{
    uint64_t x = (uint64_t)number * 0x9E3779B97F4A7C15U + (uint64_t)which * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return (double)((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

/* Doubles that storage is known to lose. */
static double odd(int64_t number)
{
    uint64_t payload = 0x7FF8DEADBEEF0001U;
    double nan;
    memcpy(&nan, &payload, sizeof nan);
    double list[] = {-0.0,        0.0, (double)INFINITY,       -(double)INFINITY,  5e-324, -2.2250738585072009e-308,
                     (double)NAN, nan, 1.7976931348623157e308, 9007199254740993.0, 0.1};
    return list[number % (int64_t)(sizeof list / sizeof *list)];
}

struct db_trial fix_trial(int64_t number, struct db_value *v)
{
    static const char *const flows[] = {"row_stationary", "weight_stationary", "Größe 'x'"};
    struct db_trial t = {.number = number, .generation = (int)(number / 100), .values = v};
    /* Every 17th trial asks for an earlier design again. */
    int64_t design = number % 17 == 16 ? number / 2 : number;
    while (design % 17 == 16) {
        design /= 2;
    }
    t.hash = hash_bytes(&design, sizeof design);
    t.proposed_by = number % 3 ? "crossover" : NULL;
    t.eval_us = number % 5 ? 12.0 : -1.0;
    t.state = design % 7 == 3 ? DB_INFEASIBLE : design % 11 == 5 ? DB_FAILED : DB_OK;
    t.violated = t.state == DB_INFEASIBLE ? "over_area" : NULL;
    t.error = t.state == DB_FAILED ? "no mapping fits" : NULL;
    double shrink = 1.0 + 100.0 / (double)(design + 10);
    v[FIX_ENERGY] = db_real(shrink * (0.1 + noise(design, 1)));
    v[FIX_LATENCY] = db_real(shrink * (0.1 + noise(design, 2)));
    v[FIX_AREA] = design % 13 ? db_real(noise(design, 3)) : db_real(odd(design / 13));
    v[FIX_ACCURACY] = db_real(noise(design, 4));
    v[FIX_OVER] = db_real(t.state == DB_INFEASIBLE ? noise(design, 5) : 0.0);
    v[FIX_EDP] = db_null();
    v[FIX_ROWS] = db_integer(design % 9 ? design : INT64_MIN + design);
    v[FIX_CLOCK] = design % 4 ? db_real(1e9 * noise(design, 6)) : db_null();
    v[FIX_FLOW] = design % 6 ? db_text(flows[design % 3]) : db_null();
    if (t.state == DB_FAILED) {
        v[FIX_ENERGY] = db_real((double)NAN);
        v[FIX_LATENCY] = db_null();
    }
    return t;
}

void fix_put(struct db *db, int64_t from, int64_t to)
{
    struct db_value values[FIX_COLUMNS];
    struct err err = ERR_INIT;
    for (int64_t i = from; i < to; i++) {
        struct db_trial t = fix_trial(i, values);
        ck_assert_msg(!db_put_trial(db, &t, &err), "%s", err.text);
    }
}

static bool same_value(struct db_value a, struct db_value b)
{
    if (a.type != b.type) {
        return false;
    }
    switch (a.type) {
    case DB_TEXT:
        return !strcmp(a.u.s, b.u.s);
    case DB_REAL:
        return !memcmp(&a.u.d, &b.u.d, sizeof a.u.d);
    case DB_INTEGER:
        return a.u.i == b.u.i;
    default:
        return true;
    }
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static bool same_trial(const struct db_trial *a, const struct db_trial *b)
{
    for (int i = 0; i < FIX_COLUMNS; i++) {
        if (i != FIX_EDP && !same_value(a->values[i], b->values[i])) {
            fprintf(stderr, "trial %lld: %s differs\n", (long long)a->number, columns[i].name);
            return false;
        }
    }
    return a->number == b->number && hash_equal(a->hash, b->hash) && a->state == b->state &&
           same_text(a->violated, b->violated) && same_text(a->error, b->error) &&
           same_text(a->proposed_by, b->proposed_by) && a->generation == b->generation;
}

int64_t fix_verify(struct db *db)
{
    struct err err = ERR_INIT;
    struct db_trial t, expected;
    struct db_value values[FIX_COLUMNS];
    int64_t n = 0;
    int rc;
    struct db_cursor *c = db_trials(db, 0, &err);
    ck_assert_msg(c != NULL, "%s", err.text);
    while ((rc = db_next(c, &t, &err)) == 1) {
        expected = fix_trial(n, values);
        if (!same_trial(&t, &expected)) {
            db_cursor_free(c);
            return -1;
        }
        n++;
    }
    ck_assert_msg(rc == 0, "%s", err.text);
    db_cursor_free(c);
    return n;
}
