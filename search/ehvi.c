/* With psi(a) = E max(a - Y, 0) = s phi((a - mu)/s) + (a - mu) Phi((a - mu)/s) for every objective,
 *     EHVI = sum over boxes of prod over objectives of (psi(high) - psi(low)),  psi(-inf) = 0.
 * The boxes of two objectives are the strips between neighbours; for three, a sweep along the third keeps such strips and
 * closes one when a new member cuts it (Yang, Emmerich, Deutz, Baeck, J. Global Optimization 75, 2019,
 * doi:10.1007/s10898-019-00798-7; Lacour, Klamroth, Fonseca, Computers & OR 79, 2017). psi is computed once for each
 * coordinate, not for each box. */
#include "search/ehvi.h"

#include "base/mem.h"
#include "search/dominance.h"
#include "search/keysort.h"

#include <math.h>
#include <string.h>

/* From x position `left` (to that of the next strip), everything below y position `top`, since z position `open`. */
struct strip {
    int left, top, open;
};

static void emit(struct ehvi *e, int x0, int x1, int y1, int z0, int z1)
{
    int box[6] = {x0, x1, -1, y1, z0, z1};
    memcpy(e->box[e->n_boxes++], box, sizeof box);
}

static double at(const struct ehvi *e, int axis, int i)
{
    return e->axis[axis * (e->n + 1) + i];
}

/* Member i, at z position i, cuts the strips. Returns their new number. */
static int cut(struct ehvi *e, struct strip *s, int n, int i)
{
    int first = 0;
    while (first + 1 < n && at(e, 0, s[first + 1].left) <= at(e, 0, i)) {
        first++;
    }
    int last = first;
    while (last < n && at(e, 1, s[last].top) > at(e, 1, i)) {
        last++;
    }
    if (last == first) {
        return n; /* covered already */
    }
    for (int k = first; k < last; k++) { /* the part from the new member's x on ends here */
        int x0 = k == first ? i : s[k].left, x1 = k + 1 < n ? s[k + 1].left : e->n;
        emit(e, x0, x1, s[k].top, s[k].open, i);
    }
    /* strip `first` keeps its left part; the new one replaces the rest */
    memmove(s + first + 2, s + last, (size_t)(n - last) * sizeof *s);
    s[first + 1] = (struct strip){i, i, i};
    return n + 2 - (last - first);
}

static void boxes_three(struct ehvi *e)
{
    struct strip *s = mem_calloc((size_t)e->n + 3, sizeof *s);
    int n = 1;
    s[0] = (struct strip){-1, e->n, -1};
    for (int i = 0; i < e->n; i++) {
        n = cut(e, s, n, i);
    }
    for (int k = 0; k < n; k++) {
        emit(e, s[k].left, k + 1 < n ? s[k + 1].left : e->n, s[k].top, s[k].open, e->n);
    }
    mem_free(s);
}

void ehvi_init(struct ehvi *e, const double *f, int n, int m, const double *reference)
{
    bool *keep = mem_calloc((size_t)n + 1, sizeof *keep);
    struct keyed *order = mem_calloc(2 * (size_t)n + 2, sizeof *order);
    int kept = 0;
    dominance_filter(f, n, m, keep);
    for (int i = 0; i < n; i++) {
        bool below = keep[i];
        for (int j = 0; j < m; j++) {
            below = below && f[i * m + j] < reference[j];
        }
        if (below) {
            order[kept++] = (struct keyed){f[i * m + m - 1], i};
        }
    }
    keysort(order, order + kept, kept);
    *e = (struct ehvi){.m = m, .n = kept};
    e->axis = mem_calloc(2 * (size_t)m * ((size_t)kept + 1), sizeof *e->axis);
    e->table = e->axis + (size_t)m * ((size_t)kept + 1);
    e->box = mem_calloc(3 * (size_t)kept + 3, sizeof *e->box);
    for (int j = 0; j < m; j++) {
        for (int k = 0; k < kept; k++) {
            e->axis[j * (kept + 1) + k] = f[order[k].i * m + j];
        }
        e->axis[j * (kept + 1) + kept] = reference[j];
    }
    if (m == 3) {
        boxes_three(e);
    } else { /* ascending in f1, so descending in f0: between neighbours in f1, f0 below the member before */
        for (int k = 0; k <= kept; k++) {
            emit(e, -1, k > 0 ? k - 1 : kept, k, k - 1, k);
            e->box[e->n_boxes - 1][2] = k - 1;
        }
    }
    mem_free(keep);
    mem_free(order);
}

void ehvi_release(struct ehvi *e)
{
    mem_free(e->axis);
    mem_free(e->box);
    memset(e, 0, sizeof *e);
}

static double psi(double a, double mean, double sd)
{
    double z = (a - mean) / sd;
    if (z > 9) { /* the tail is less than rounding */
        return a - mean;
    }
    if (z < -38) { /* exp() underflows */
        return 0;
    }
    return sd * (exp(-0.5 * z * z) * 0.39894228040143267794 + z * 0.5 * erfc(-z * 0.70710678118654752440));
}

double ehvi_value(struct ehvi *e, const double *mean, const double *sd)
{
    int n = e->n + 1;
    for (int j = 0; j < e->m; j++) {
        for (int k = 0; k < n; k++) {
            double v = psi(e->axis[j * n + k], mean[j], sd[j]);
            e->table[j * n + k] = v > 0 ? v : 0;
        }
    }
    double sum = 0;
    for (int b = 0; b < e->n_boxes; b++) {
        const int *box = e->box[b];
        double product = 1;
        for (int j = 0; j < e->m; j++) {
            const double *t = e->table + j * n;
            double side = t[box[2 * j + 1]] - (box[2 * j] >= 0 ? t[box[2 * j]] : 0);
            product *= side > 0 ? side : 0;
        }
        sum += product;
    }
    return sum;
}
