/* dovetail.so: what plain SQL lacks for questions about trade-offs. In sqlite3: `.load ./dovetail`. All objectives are minimised; write -x to
 * maximise x. Rows with a NULL among the arguments are passed over.
 *
 *   pareto(id, f1, f2, ..)              aggregate: JSON array of the ids of the rows that no other one dominates; of equal rows the first:
 *       SELECT * FROM designs WHERE id IN (SELECT value FROM json_each(
 *         (SELECT pareto(id, energy_j, latency_s) FROM designs WHERE state = 'ok' AND area_mm2 <= 2)));
 *   hypervolume(f1, f2, .., r1, r2, ..) aggregate: the volume that the rows dominate up to the reference point r (constants):
 *       SELECT hypervolume(energy_j, latency_s, 0.01, 0.1) FROM front;
 *   dominates(a1, a2, .., b1, b2, ..)   1 when a is nowhere worse than b and somewhere better, else 0; NULL with a NULL among them
 *
 * The hypervolume is the exclusive-volume recursion of While, Bradstreet, Barone, "A fast way of calculating exact hypervolumes", IEEE TEC
 * 16(1), 2012 (WFG), down to a sweep in two dimensions; exact up to rounding, exponential in the number of objectives at worst. */
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include "base/mem.h"
#include "base/strbuf.h"
#include "db/db_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- volumes: f is [n][m], all strictly better than ref ---- */

static int by_first(const void *a, const void *b)
{
    const double *x = a, *y = b;
    if (x[0] != y[0]) {
        return x[0] < y[0] ? -1 : 1;
    }
    return (x[1] > y[1]) - (x[1] < y[1]);
}

static double area(const double *f, int64_t n, const double *ref)
{
    double sum = 0.0, height = ref[1];
    double *sorted = mem_calloc((size_t)n, 2 * sizeof *sorted);
    memcpy(sorted, f, (size_t)n * 2 * sizeof *sorted);
    qsort(sorted, (size_t)n, 2 * sizeof *sorted, by_first);
    for (int64_t i = 0; i < n; i++) {
        if (sorted[2 * i + 1] < height) {
            sum += (ref[0] - sorted[2 * i]) * (height - sorted[2 * i + 1]);
            height = sorted[2 * i + 1];
        }
    }
    mem_free(sorted);
    return sum;
}

static double box(const double *p, int m, const double *ref)
{
    double v = 1.0;
    for (int k = 0; k < m; k++) {
        v *= ref[k] - p[k];
    }
    return v;
}

static double volume(const double *f, int64_t n, int m, const double *ref);

/* What point i adds to the points behind it. */
static double exclusive(const double *f, int64_t n, int64_t i, int m, const double *ref)
{
    struct front limited;
    front_init(&limited, m);
    for (int64_t j = i + 1; j < n; j++) {
        double q[DB_MAX_OBJECTIVES];
        for (int k = 0; k < m; k++) {
            q[k] = fmax(f[i * m + k], f[j * m + k]);
        }
        front_add(&limited, q, j);
    }
    double v = box(f + i * m, m, ref) - volume(limited.f, limited.n, m, ref);
    front_release(&limited);
    return v;
}

static double volume(const double *f, int64_t n, int m, const double *ref)
{
    if (n == 0) {
        return 0.0;
    }
    if (n == 1) {
        return box(f, m, ref);
    }
    if (m == 2) {
        return area(f, n, ref);
    }
    double sum = 0.0;
    for (int64_t i = 0; i < n; i++) {
        sum += exclusive(f, n, i, m, ref);
    }
    return sum;
}

/* ---- the functions ---- */

/* Numbers of n arguments; false when one is NULL (or NaN, which SQLite never has). */
static bool numbers(sqlite3_value **argv, int n, double *out)
{
    for (int i = 0; i < n; i++) {
        if (sqlite3_value_type(argv[i]) == SQLITE_NULL) {
            return false;
        }
        out[i] = sqlite3_value_double(argv[i]);
    }
    return true;
}

static void dominates(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    double f[2 * DB_MAX_OBJECTIVES];
    int m = argc / 2;
    if (argc < 2 || argc % 2 || m > DB_MAX_OBJECTIVES) {
        sqlite3_result_error(ctx, "dominates(a1, .., b1, ..) takes 1 to 8 objectives of each", -1);
        return;
    }
    if (!numbers(argv, argc, f)) {
        return;
    }
    bool worse = false, better = false;
    for (int k = 0; k < m; k++) {
        worse = worse || f[k] > f[m + k];
        better = better || f[k] < f[m + k];
    }
    sqlite3_result_int(ctx, better && !worse);
}

struct gathered { /* SQLite zeroes it before the first row */
    bool begun;
    struct front front;
    double ref[DB_MAX_OBJECTIVES];
};

static struct gathered *gathered(sqlite3_context *ctx, int m)
{
    struct gathered *g = sqlite3_aggregate_context(ctx, (int)sizeof *g);
    if (g && !g->begun) {
        front_init(&g->front, m);
        g->begun = true;
    }
    return g;
}

static void pareto_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    double f[DB_MAX_OBJECTIVES];
    if (argc < 2 || argc > DB_MAX_OBJECTIVES + 1) {
        sqlite3_result_error(ctx, "pareto(id, f1, ..) takes an id and 1 to 8 objectives", -1);
        return;
    }
    struct gathered *g = gathered(ctx, argc - 1);
    if (g && numbers(argv + 1, argc - 1, f)) {
        front_add(&g->front, f, sqlite3_value_int64(argv[0]));
    }
}

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void pareto_final(sqlite3_context *ctx)
{
    struct gathered *g = sqlite3_aggregate_context(ctx, 0);
    struct strbuf sb = STRBUF_INIT;
    strbuf_adds(&sb, "[");
    if (g && g->front.n) {
        qsort(g->front.id, (size_t)g->front.n, sizeof *g->front.id, by_id);
    }
    for (int64_t i = 0; g && i < g->front.n; i++) {
        strbuf_addf(&sb, "%s%lld", i ? "," : "", (long long)g->front.id[i]);
    }
    strbuf_adds(&sb, "]");
    sqlite3_result_text(ctx, sb.buf, (int)sb.len, SQLITE_TRANSIENT);
    strbuf_release(&sb);
    if (g) {
        front_release(&g->front);
    }
}

static void hypervolume_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    double f[2 * DB_MAX_OBJECTIVES];
    int m = argc / 2;
    if (argc < 2 || argc % 2 || m > DB_MAX_OBJECTIVES) {
        sqlite3_result_error(ctx, "hypervolume(f1, .., r1, ..) takes 1 to 8 objectives and as many references", -1);
        return;
    }
    struct gathered *g = gathered(ctx, m);
    if (!g || !numbers(argv, argc, f)) {
        return;
    }
    bool inside = true;
    for (int k = 0; k < m; k++) {
        inside = inside && f[k] < f[m + k];
    }
    memcpy(g->ref, f + m, (size_t)m * sizeof *f);
    if (inside) {
        front_add(&g->front, f, 0);
    }
}

static void hypervolume_final(sqlite3_context *ctx)
{
    struct gathered *g = sqlite3_aggregate_context(ctx, 0);
    double v = g ? volume(g->front.f, g->front.n, g->front.m, g->ref) : 0.0;
    sqlite3_result_double(ctx, v);
    if (g) {
        front_release(&g->front);
    }
}

int sqlite3_dovetail_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);

int sqlite3_dovetail_init(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    SQLITE_EXTENSION_INIT2(api);
    (void)message;
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    int rc = sqlite3_create_function_v2(db, "dominates", -1, flags, NULL, dominates, NULL, NULL, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_create_function_v2(db, "pareto", -1, flags, NULL, NULL, pareto_step, pareto_final, NULL);
    }
    if (rc == SQLITE_OK) {
        rc = sqlite3_create_function_v2(db, "hypervolume", -1, flags, NULL, NULL, hypervolume_step, hypervolume_final,
                                        NULL);
    }
    return rc;
}
