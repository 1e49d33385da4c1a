/* Two objectives: a sweep. Three: a sweep along the third with the staircase of the first two (Beume et al., IEEE TEC 13(5),
 * 2009, doi:10.1109/TEVC.2009.2015575). Four and more: points enter in ascending order of the last objective; each adds
 *     (r_m - p_m) * (what p's projection adds to the projections of those before it: solid.h).
 * All contributions of three objectives: Emmerich and Fonseca, EMO 2011, doi:10.1007/978-3-642-19893-9_9: every point of the
 * staircase owns the boxes that only it covers, and a new point cuts those of its two neighbours. */
#include "search/hypervolume.h"

#include "base/mem.h"
#include "search/dominance.h"
#include "search/keysort.h"
#include "search/solid.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { MAX_M = SOLID_DIMS };

/* Steps with x increasing and y decreasing below (rx, ry), and the area that they dominate. */
struct steps {
    double (*at)[2];
    int n;
    double rx, ry, area;
};

/* Adds (x, y), strictly below the corner. O(log n) and the moves of an array. */
static void steps_add(struct steps *s, double x, double y)
{
    int lo = 0, hi = s->n;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (s->at[mid][0] < x) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    double top = lo > 0 ? s->at[lo - 1][1] : s->ry;
    if (top <= y || (lo < s->n && s->at[lo][0] <= x && s->at[lo][1] <= y)) {
        return;
    }
    double left = x;
    int last = lo;
    for (; last < s->n && s->at[last][1] >= y; last++) {
        s->area += (s->at[last][0] - left) * (top - y);
        left = s->at[last][0];
        top = s->at[last][1];
    }
    s->area += ((last < s->n ? s->at[last][0] : s->rx) - left) * (top - y);
    if (last != lo + 1) {
        memmove(s->at + lo + 1, s->at + last, (size_t)(s->n - last) * sizeof *s->at);
    }
    s->at[lo][0] = x;
    s->at[lo][1] = y;
    s->n += 1 - (last - lo);
}

/* order[] = rows ascending in column j, ties by row. */
static void order_by(const double *f, int n, int m, int j, struct keyed *order)
{
    for (int i = 0; i < n; i++) {
        order[i] = (struct keyed){f[(int64_t)i * m + j], i};
    }
    keysort(order, order + n, n);
}

static double volume_two(const double *f, int n, const double *r)
{
    struct keyed *order = mem_alloc((2 * (size_t)n + 1) * sizeof *order);
    order_by(f, n, 2, 0, order);
    double area = 0, top = r[1];
    for (int k = 0; k < n; k++) {
        double y = f[2 * order[k].i + 1];
        if (y < top) {
            area += (r[0] - order[k].key) * (top - y);
            top = y;
        }
    }
    mem_free(order);
    return area;
}

static double volume_three(const double *f, int n, const double *r)
{
    struct keyed *order = mem_alloc((2 * (size_t)n + 1) * sizeof *order);
    struct steps s = {mem_alloc(((size_t)n + 1) * sizeof *s.at), 0, r[0], r[1], 0};
    order_by(f, n, 3, 2, order);
    double volume = 0;
    for (int k = 0; k < n; k++) {
        const double *p = f + 3 * (int64_t)order[k].i;
        steps_add(&s, p[0], p[1]);
        volume += s.area * ((k + 1 < n ? order[k + 1].key : r[2]) - p[2]);
    }
    mem_free(order);
    mem_free(s.at);
    return volume;
}

static double volume_many(const double *f, int n, int m, const double *r)
{
    struct keyed *order = mem_alloc((2 * (size_t)n + 1) * sizeof *order);
    struct solid *solid = solid_new(n, m - 1);
    solid_begin(solid, r);
    order_by(f, n, m, m - 1, order);
    double volume = 0;
    for (int k = 0; k < n; k++) {
        volume += (r[m - 1] - order[k].key) * solid_add(solid, f + (int64_t)m * order[k].i);
    }
    mem_free(order);
    solid_free(solid);
    return volume;
}

static double volume_any(const double *f, int n, int m, const double *r)
{
    if (n == 0) {
        return 0;
    }
    if (m == 1) {
        double least = r[0];
        for (int i = 0; i < n; i++) {
            least = f[i] < least ? f[i] : least;
        }
        return r[0] - least;
    }
    return m == 2 ? volume_two(f, n, r) : m == 3 ? volume_three(f, n, r) : volume_many(f, n, m, r);
}

/* wall[j] = how far p's own part reaches in direction j before a row, p itself shifted along j, covers all the rest. False
 * when one covers the whole box. */
static bool walls(const double *f, int n, int stride, int m, const double *p, const double *r, double *wall)
{
    memcpy(wall, r, (size_t)m * sizeof *wall);
    for (int i = 0; i < n; i++) {
        const double *q = f + (int64_t)i * stride;
        int above = 0, j = 0;
        for (int k = 0; k < m && above < 2; k++) {
            if (q[k] > p[k]) {
                above++;
                j = k;
            }
        }
        if (above == 0) {
            return false;
        }
        if (above == 1 && q[j] < wall[j]) {
            wall[j] = q[j];
        }
    }
    return true;
}

/* Clips the n rows (stride apart) to p's box up to the walls, in m dimensions: those that reach into it. Returns their number. */
static int clip(const double *f, int n, int stride, int m, const double *p, const double *wall, double *out)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        const double *q = f + (int64_t)i * stride;
        double *c = out + (int64_t)kept * m;
        int inside = 0;
        for (int j = 0; j < m; j++) {
            c[j] = q[j] > p[j] ? q[j] : p[j];
            inside += q[j] < wall[j];
        }
        kept += inside == m;
    }
    return kept;
}

/* What p adds to the n rows, m dimensions; `spare` holds (n + 1) * m. */
static double gain(const double *f, int n, int stride, int m, const double *r, const double *p, double *spare)
{
    double wall[MAX_M], box = 1;
    if (!walls(f, n, stride, m, p, r, wall)) {
        return 0;
    }
    for (int j = 0; j < m; j++) {
        box *= wall[j] - p[j];
    }
    int kept = clip(f, n, stride, m, p, wall, spare);
    return box - volume_any(spare, kept, m, wall);
}

static bool below(const double *p, const double *r, int m)
{
    for (int j = 0; j < m; j++) {
        if (!(p[j] < r[j])) {
            return false;
        }
    }
    return true;
}

/* Copies the rows below the reference; which[] (may be NULL) = their numbers. */
static int take_below(const double *f, int n, int m, const double *r, double *out, int *which)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (below(f + (int64_t)i * m, r, m)) {
            memcpy(out + (int64_t)kept * m, f + (int64_t)i * m, (size_t)m * sizeof *out);
            if (which) {
                which[kept] = i;
            }
            kept++;
        }
    }
    return kept;
}

double hypervolume(const double *f, int n, int m, const double *reference)
{
    assert(m >= 1 && m <= MAX_M);
    double *rows = mem_alloc(((size_t)n * (size_t)m + 1) * sizeof *rows);
    int kept = take_below(f, n, m, reference, rows, NULL);
    double volume = volume_any(rows, kept, m, reference);
    mem_free(rows);
    return volume;
}

double hypervolume_gain(const double *f, int n, int m, const double *reference, const double *p)
{
    if (!below(p, reference, m)) {
        return 0;
    }
    double *rows = mem_alloc(((2 * (size_t)n + 1) * (size_t)m) * sizeof *rows);
    int kept = take_below(f, n, m, reference, rows, NULL);
    double g = gain(rows, kept, m, m, reference, p, rows + (size_t)n * (size_t)m);
    mem_free(rows);
    return g > 0 ? g : 0;
}

/* v[m] without coordinate j. */
static void project(const double *v, int m, int j, double *out)
{
    for (int k = 0; k < m; k++) {
        if (k != j) {
            *out++ = v[k];
        }
    }
}

/* What p adds ends, on the side of p[j], in a face: what p's projection adds there to those of the rows that reach so far. */
void hypervolume_gain_slope(const double *f, int n, int m, const double *reference, const double *p, double *slope)
{
    assert(m >= 2 && m <= MAX_M);
    double at[MAX_M], corner[MAX_M], *rows = mem_alloc(((size_t)n * (size_t)m + 1) * sizeof *rows);
    bool inside = below(p, reference, m);
    for (int j = 0; j < m; j++) {
        int kept = 0;
        for (int i = 0; i < n && inside; i++) {
            const double *q = f + (int64_t)i * m;
            if (q[j] <= p[j]) {
                project(q, m, j, rows + (int64_t)kept++ * (m - 1));
            }
        }
        project(p, m, j, at);
        project(reference, m, j, corner);
        slope[j] = inside ? -hypervolume_gain(rows, kept, m - 1, corner, at) : 0;
    }
    mem_free(rows);
}

/* One of the boxes that a point of the staircase covers alone: from `x` to the next box of the same owner (or the owner's
 * right end), from the owner's y up to `top`, since height `z`. */
struct box {
    double x, top, z;
    int prev, next;
};

struct owner {
    double x, y, z, right;
    int row, first, last; /* boxes from left to right, -1: none */
};

struct boxes {
    struct box *box;
    int n;
    double *out;
};

static void box_append(struct boxes *b, struct owner *o, double x, double top, double z)
{
    int i = b->n++;
    b->box[i] = (struct box){x, top, z, o->last, -1};
    if (o->last >= 0) {
        b->box[o->last].next = i;
    } else {
        o->first = i;
    }
    o->last = i;
}

static void box_close(struct boxes *b, const struct owner *o, int i, double right, double z)
{
    const struct box *x = &b->box[i];
    b->out[o->row] += (right - x->x) * (x->top - o->y) * (z - x->z);
}

/* The owner's part at and beyond x is no longer its own. */
static void cut_right(struct boxes *b, struct owner *o, double x, double z)
{
    while (o->last >= 0) {
        struct box *last = &b->box[o->last];
        box_close(b, o, o->last, o->right, z);
        if (last->x < x) {
            last->z = z;
            break;
        }
        o->right = last->x;
        o->last = last->prev;
    }
    if (o->last >= 0) {
        b->box[o->last].next = -1;
    } else {
        o->first = -1;
    }
    o->right = x;
}

/* The owner's part at and above y is no longer its own. */
static void cut_top(struct boxes *b, struct owner *o, double y, double z)
{
    int i = o->first;
    if (i < 0 || b->box[i].top <= y) {
        return;
    }
    while (i >= 0 && b->box[i].top > y) {
        int next = b->box[i].next;
        box_close(b, o, i, next >= 0 ? b->box[next].x : o->right, z);
        i = next;
    }
    int new = b->n++;
    b->box[new] = (struct box){o->x, y, z, -1, i};
    o->first = new;
    if (i >= 0) {
        b->box[i].prev = new;
    } else {
        o->last = new;
    }
}

static void close_all(struct boxes *b, const struct owner *o, double z)
{
    for (int i = o->first; i >= 0; i = b->box[i].next) {
        int next = b->box[i].next;
        box_close(b, o, i, next >= 0 ? b->box[next].x : o->right, z);
    }
}

/* Returns the new number of owners, or -1 when p is dominated or dominates: the boxes would not be right then. */
static int enter(struct owner *stairs, int n, struct boxes *b, const double *p, int row, const double *r)
{
    int lo = 0, hi = n;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (stairs[mid].x < p[0]) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    struct owner new = {p[0], p[1], p[2], r[0], row, -1, -1};
    if ((lo > 0 && stairs[lo - 1].y <= p[1]) || (lo < n && stairs[lo].x <= p[0] && stairs[lo].y <= p[1])) {
        return -1;
    }
    double left = p[0], top = r[1];
    if (lo > 0) {
        top = stairs[lo - 1].y;
        cut_right(b, &stairs[lo - 1], p[0], p[2]);
    }
    int last = lo;
    for (; last < n && stairs[last].y >= p[1]; last++) {
        if (stairs[last].z >= p[2]) {
            return -1;
        }
        close_all(b, &stairs[last], p[2]);
        box_append(b, &new, left, top, p[2]);
        left = stairs[last].x;
        top = stairs[last].y;
    }
    box_append(b, &new, left, top, p[2]);
    if (last < n) {
        new.right = stairs[last].x;
        cut_top(b, &stairs[last], p[1], p[2]);
    }
    memmove(stairs + lo + 1, stairs + last, (size_t)(n - last) * sizeof *stairs);
    stairs[lo] = new;
    return n + 1 - (last - lo);
}

static bool contributions_three(const double *f, int n, const double *r, double *out)
{
    struct keyed *order = mem_alloc((2 * (size_t)n + 1) * sizeof *order);
    struct owner *stairs = mem_alloc(((size_t)n + 1) * sizeof *stairs);
    struct boxes b = {mem_alloc((4 * (size_t)n + 8) * sizeof *b.box), 0, out};
    order_by(f, n, 3, 2, order);
    int held = 0;
    for (int k = 0; k < n && held >= 0; k++) {
        held = enter(stairs, held, &b, f + 3 * (int64_t)order[k].i, order[k].i, r);
    }
    for (int k = 0; k < held; k++) {
        close_all(&b, &stairs[k], r[2]);
    }
    mem_free(order);
    mem_free(stairs);
    mem_free(b.box);
    return held >= 0;
}

static void contributions_two(const double *f, int n, const double *r, double *out)
{
    struct keyed *order = mem_alloc((2 * (size_t)n + 1) * sizeof *order);
    order_by(f, n, 2, 0, order);
    for (int k = 0; k < n; k++) {
        double right = k + 1 < n ? order[k + 1].key : r[0];
        double top = k > 0 ? f[2 * order[k - 1].i + 1] : r[1];
        out[order[k].i] = (right - order[k].key) * (top - f[2 * order[k].i + 1]);
    }
    mem_free(order);
}

static void contributions_many(const double *f, int n, int m, const double *r, double *out)
{
    double *others = mem_alloc(((2 * (size_t)n + 1) * (size_t)m) * sizeof *others),
           *spare = others + (size_t)n * (size_t)m;
    size_t row = (size_t)m * sizeof *others;
    memcpy(others, f, (size_t)n * row);
    for (int i = 0; i < n; i++) { /* the last row takes the place of row i */
        memcpy(others + (int64_t)i * m, f + (int64_t)(n - 1) * m, row);
        double g = gain(others, n - 1, m, m, r, f + (int64_t)i * m, spare);
        out[i] = g > 0 ? g : 0;
        memcpy(others + (int64_t)i * m, f + (int64_t)i * m, row);
    }
    mem_free(others);
}

void hypervolume_contributions(const double *f, int n, int m, const double *reference, double *out)
{
    assert(m >= 1 && m <= MAX_M);
    memset(out, 0, (size_t)n * sizeof *out);
    double *rows = mem_alloc(((size_t)n * (size_t)m + 1) * sizeof *rows);
    int *which = mem_calloc((size_t)n + 1, sizeof *which);
    double *part = mem_calloc((size_t)n + 1, sizeof *part);
    bool *keep = mem_calloc((size_t)n + 1, sizeof *keep);
    int kept = take_below(f, n, m, reference, rows, which);
    if (m == 2 && dominance_filter(rows, kept, m, keep) == kept) {
        contributions_two(rows, kept, reference, part);
    } else if (m != 3 || !contributions_three(rows, kept, reference, part)) {
        memset(part, 0, (size_t)kept * sizeof *part);
        contributions_many(rows, kept, m, reference, part);
    }
    for (int k = 0; k < kept; k++) {
        out[which[k]] = part[k];
    }
    mem_free(rows);
    mem_free(which);
    mem_free(part);
    mem_free(keep);
}
