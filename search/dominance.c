/* Non-dominated sorting takes rows in lexicographic order: whoever dominates a row stands before it, so a row's front is the
 * first one in which nobody dominates it, and "front k has a dominator" is monotone in k: a binary search finds it (Jensen,
 * IEEE TEC 7(5), 2003; Zhang et al., "ENS-BS", IEEE TEC 19(2), 2015). What a front keeps to answer the question:
 *   two objectives    the smallest f1 so far;
 *   three             the staircase of (f1, f2) of its members;
 * More objectives: all rows before are asked, eight and more at a time, by their places in each objective's order. */
#include "search/dominance.h"

#include "base/mem.h"
#include "search/keysort.h"

#include <math.h>
#include <string.h>

#define LANES 8
#define COUNTS 4
#define FEW 64
#define WINDOW 256
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))

typedef int32_t lanes __attribute__((vector_size(4 * LANES)));
typedef double vec __attribute__((vector_size(8 * COUNTS)));
typedef int64_t counts __attribute__((vector_size(8 * COUNTS)));

bool dominates(const double *a, const double *b, int m)
{
    bool better = false;
    for (int j = 0; j < m; j++) {
        if (a[j] > b[j]) {
            return false;
        }
        better = better || a[j] < b[j];
    }
    return better;
}

static bool same(const double *a, const double *b, int m)
{
    for (int j = 0; j < m; j++) {
        if (a[j] < b[j] || a[j] > b[j]) {
            return false;
        }
    }
    return true;
}

static int sort_one(const double *f, const int32_t *order, int n, int *rank)
{
    int r = -1;
    for (int k = 0; k < n; k++) {
        if (k == 0 || f[order[k]] > f[order[k - 1]]) {
            r++;
        }
        rank[order[k]] = r;
    }
    return r + 1;
}

/* How many of the ascending least[0..n) are not above y. Of many, the last WINDOW are counted rather than searched: no branch
 * could be foretold there. */
static inline __attribute__((always_inline)) int fronts_below(const double *least, int n, double y)
{
    int lo = 0, hi = n, stop = n > FEW ? WINDOW : 0;
    while (hi - lo > stop) {
        int mid = (lo + hi) / 2;
        if (least[mid] <= y) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    counts count = {0};
    for (; hi - lo >= COUNTS; hi -= COUNTS) {
        vec v;
        memcpy(&v, least + hi - COUNTS, sizeof v);
        count -= v <= y;
    }
    for (; lo < hi && least[lo] <= y; lo++) {
    }
    for (int j = 0; j < COUNTS; j++) {
        lo += (int)count[j];
    }
    return lo;
}

CLONES static int sort_two(const double *f, const int32_t *order, int n, int *rank)
{
    double *least = mem_calloc((size_t)n, sizeof *least); /* least f1 of every front, ascending */
    int fronts = 0;
    for (int k = 0; k < n; k++) {
        const double *p = f + 2 * (int64_t)order[k];
        if (k > 0 && same(p, f + 2 * (int64_t)order[k - 1], 2)) {
            rank[order[k]] = rank[order[k - 1]];
            continue;
        }
        int lo = fronts_below(least, fronts, p[1]);
        least[lo] = p[1];
        fronts += lo == fronts;
        rank[order[k]] = lo;
    }
    mem_free(least);
    return fronts;
}

/* Points of the plane, x increasing and y decreasing: what dominates (x, y) is found at the last x not above it. */
struct stairs {
    double (*at)[2];
    int n, cap;
};

static int stairs_after(const struct stairs *s, double x)
{
    int lo = 0, hi = s->n;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (s->at[mid][0] <= x) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static bool stairs_cover(const struct stairs *s, double x, double y)
{
    int after = stairs_after(s, x);
    return after > 0 && s->at[after - 1][1] <= y;
}

static void stairs_add(struct stairs *s, double x, double y)
{
    MEM_GROW(s->at, s->n, s->cap);
    int first = stairs_after(s, x);
    first -= first > 0 && s->at[first - 1][0] >= x; /* same x, higher y: covered by the new one */
    int last = first;
    while (last < s->n && s->at[last][1] >= y) {
        last++;
    }
    memmove(s->at + first + 1, s->at + last, (size_t)(s->n - last) * sizeof *s->at);
    s->at[first][0] = x;
    s->at[first][1] = y;
    s->n += 1 - (last - first);
}

static int sort_three(const double *f, const int32_t *order, int n, int *rank)
{
    struct stairs *front = NULL;
    int fronts = 0, cap = 0;
    for (int k = 0; k < n; k++) {
        const double *p = f + 3 * (int64_t)order[k];
        if (k > 0 && same(p, f + 3 * (int64_t)order[k - 1], 3)) {
            rank[order[k]] = rank[order[k - 1]];
            continue;
        }
        int lo = 0, hi = fronts;
        while (lo < hi) {
            int mid = (lo + hi) / 2;
            if (stairs_cover(&front[mid], p[1], p[2])) {
                lo = mid + 1;
            } else {
                hi = mid;
            }
        }
        if (lo == fronts) {
            MEM_GROW(front, fronts, cap);
            front[fronts++] = (struct stairs){NULL, 0, 0};
        }
        stairs_add(&front[lo], p[1], p[2]);
        rank[order[k]] = lo;
    }
    for (int k = 0; k < fronts; k++) {
        mem_free(front[k].at);
    }
    mem_free(front);
    return fronts;
}

/* One more than the highest front among the rows 0..n-1 that are nowhere worse than the row `own`; 0: there is none. */
CLONES static int front_after(const int32_t *place, int stride, int m, const int32_t *own, const int32_t *front, int n)
{
    lanes highest = {0};
    for (int k = 0; k < n; k += LANES) { /* those beyond n are of front -1 */
        lanes better = ~(lanes){0}, q;
        for (int j = 0; j < m; j++) {
            memcpy(&q, place + (size_t)j * (size_t)stride + k, sizeof q);
            better &= q <= own[j];
        }
        memcpy(&q, front + k, sizeof q);
        q = better & (q + 1);
        lanes more = q > highest;
        highest = (q & more) | (highest & ~more);
    }
    int r = 0;
    for (int k = 0; k < LANES; k++) {
        r = highest[k] > r ? highest[k] : r;
    }
    return r;
}

/* Rows are named by their position in lexicographic order here, objectives from the second on by the rows' places in their
 * order, equal ones alike. */
static int sort_many(const double *f, const int32_t *order, int n, int m, int *rank)
{
    int fronts = 0, stride = n + LANES;
    struct keyed *a = mem_alloc(2 * (size_t)n * sizeof *a);
    int32_t *place = mem_alloc((size_t)m * (size_t)stride * sizeof *place);
    int32_t *front = place + (size_t)(m - 1) * (size_t)stride, own[16];
    for (int j = 1; j < m; j++) {
        int32_t *column = place + (size_t)(j - 1) * (size_t)stride;
        for (int p = 0; p < n; p++) {
            a[p] = (struct keyed){f[(int64_t)order[p] * m + j], p};
        }
        keysort(a, a + n, n);
        for (int p = 0, at = 0; p < n; p++) {
            at += p > 0 && a[p].key > a[p - 1].key;
            column[a[p].i] = at;
        }
    }
    memset(front, 0xff, (size_t)stride * sizeof *front);
    for (int p = 0; p < n; p++) {
        if (p > 0 && same(f + (int64_t)order[p] * m, f + (int64_t)order[p - 1] * m, m)) {
            front[p] = front[p - 1];
        } else {
            for (int j = 0; j < m - 1; j++) {
                own[j] = place[(size_t)j * (size_t)stride + (size_t)p];
            }
            front[p] = front_after(place, stride, m - 1, own, front, p);
        }
        fronts = front[p] >= fronts ? front[p] + 1 : fronts;
        rank[order[p]] = front[p];
    }
    mem_free(a);
    mem_free(place);
    return fronts;
}

int dominance_sort(const double *f, int n, int m, int *rank)
{
    if (n == 0) {
        return 0;
    }
    int32_t *order = mem_calloc((size_t)n, sizeof *order);
    keysort_rows(f, n, m, order);
    int fronts = m == 1   ? sort_one(f, order, n, rank)
                 : m == 2 ? sort_two(f, order, n, rank)
                 : m == 3 ? sort_three(f, order, n, rank)
                          : sort_many(f, order, n, m, rank);
    mem_free(order);
    return fronts;
}

int dominance_sort_constrained(const double *f, const double *violation, int n, int m, int *rank)
{
    size_t size = (size_t)n + 1;
    double *ok = mem_calloc(size * (size_t)m, sizeof *ok);
    int *index = mem_calloc(2 * size, sizeof *index), *ok_rank = index + size;
    struct keyed *bad = mem_calloc(2 * size, sizeof *bad);
    int n_ok = 0, n_bad = 0;
    for (int i = 0; i < n; i++) {
        if (violation[i] > 0) {
            bad[n_bad++] = (struct keyed){violation[i], i};
        } else {
            memcpy(ok + (size_t)n_ok * (size_t)m, f + (size_t)i * (size_t)m, (size_t)m * sizeof *ok);
            index[n_ok++] = i;
        }
    }
    int fronts = dominance_sort(ok, n_ok, m, ok_rank);
    for (int k = 0; k < n_ok; k++) {
        rank[index[k]] = ok_rank[k];
    }
    keysort(bad, bad + n_bad, n_bad);
    for (int k = 0; k < n_bad; k++) {
        fronts += k == 0 || bad[k].key > bad[k - 1].key;
        rank[bad[k].i] = fronts - 1;
    }
    mem_free(ok);
    mem_free(index);
    mem_free(bad);
    return fronts;
}

void dominance_crowding(const double *f, int m, const int *member, int n, double *crowd)
{
    struct keyed *a = mem_calloc(2 * (size_t)n + 1, sizeof *a);
    memset(crowd, 0, (size_t)n * sizeof *crowd);
    for (int j = 0; j < m; j++) {
        for (int k = 0; k < n; k++) {
            a[k] = (struct keyed){f[(int64_t)member[k] * m + j], k};
        }
        keysort(a, a + n, n);
        double range = n > 0 ? a[n - 1].key - a[0].key : 0;
        if (!(range > 0)) {
            continue;
        }
        crowd[a[0].i] = HUGE_VAL;
        crowd[a[n - 1].i] = HUGE_VAL;
        for (int k = 1; k + 1 < n; k++) {
            crowd[a[k].i] += (a[k + 1].key - a[k - 1].key) / range;
        }
    }
    mem_free(a);
}

/* Drops rows that the row nearest to the ideal point dominates: most of a random set, in three linear passes. */
static int drop_hopeless(const double *f, int n, int m, int32_t *left)
{
    double lo[16], scale[16], best = HUGE_VAL;
    int pivot = 0;
    for (int j = 0; j < m; j++) {
        double least = HUGE_VAL, most = -HUGE_VAL;
        for (int i = 0; i < n; i++) {
            double v = f[(int64_t)i * m + j];
            least = v < least ? v : least;
            most = v > most ? v : most;
        }
        lo[j] = least;
        scale[j] = most > least && isfinite(most - least) ? 1 / (most - least) : 0;
    }
    for (int i = 0; i < n; i++) {
        double far = 0;
        for (int j = 0; j < m; j++) {
            double away = (f[(int64_t)i * m + j] - lo[j]) * scale[j];
            far = away > far ? away : far;
        }
        if (far < best) {
            best = far;
            pivot = i;
        }
    }
    int n_left = 0;
    for (int i = 0; i < n; i++) {
        left[n_left] = i;
        n_left += !dominates(f + (int64_t)pivot * m, f + (int64_t)i * m, m);
    }
    return n_left;
}

/* Rows in lexicographic order, so only kept ones can dominate; whoever did last time is asked first. */
static int filter_many(const double *row, const int32_t *order, int n, int m, bool *keep)
{
    int kept = 0;
    const double **front = mem_calloc((size_t)n + 1, sizeof *front);
    for (int k = 0; k < n; k++) {
        const double *p = row + (int64_t)order[k] * m;
        int by = 0;
        while (by < kept) {
            int j = 0;
            while (j < m && front[by][j] <= p[j]) {
                j++;
            }
            if (j == m) {
                break;
            }
            by++;
        }
        if (by == kept) {
            front[kept++] = p;
            keep[order[k]] = true;
        } else if (by > 0) {
            const double *t = front[by / 2];
            front[by / 2] = front[by];
            front[by] = t;
        }
    }
    mem_free(front);
    return kept;
}

static int filter_few(const double *row, const int32_t *order, int n, int m, bool *keep)
{
    struct stairs s = {NULL, 0, 0};
    int kept = 0;
    for (int k = 0; k < n; k++) {
        const double *p = row + (int64_t)order[k] * m;
        double y = p[m > 1 ? 1 : 0], z = m > 2 ? p[2] : 0;
        if (m == 1 ? k == 0 : !stairs_cover(&s, y, z)) {
            stairs_add(&s, y, z);
            keep[order[k]] = true;
            kept++;
        }
    }
    mem_free(s.at);
    return kept;
}

int dominance_filter(const double *f, int n, int m, bool *keep)
{
    memset(keep, 0, (size_t)n * sizeof *keep);
    int32_t *left = mem_calloc(2 * (size_t)n + 1, sizeof *left), *order = left + n;
    int n_left = n > 0 ? drop_hopeless(f, n, m, left) : 0;
    double *row = mem_calloc((size_t)n_left * (size_t)m + 1, sizeof *row);
    bool *keep_row = mem_calloc((size_t)n_left + 1, sizeof *keep_row);
    for (int k = 0; k < n_left; k++) {
        memcpy(row + (size_t)k * (size_t)m, f + (size_t)left[k] * (size_t)m, (size_t)m * sizeof *row);
    }
    keysort_rows(row, n_left, m, order);
    int kept = m <= 3 ? filter_few(row, order, n_left, m, keep_row) : filter_many(row, order, n_left, m, keep_row);
    for (int k = 0; k < n_left; k++) {
        keep[left[k]] = keep_row[k];
    }
    mem_free(left);
    mem_free(row);
    mem_free(keep_row);
    return kept;
}
