/* The points stand in ascending order of the last coordinate, none dominating another.
 *
 * Three dimensions: what p adds is swept upwards from p's own height. Of those below it only the nearest wall on either side, and what stands
 * between the walls, still matters; each point above moves a wall or adds a step between them, until one covers the whole (one contribution in
 * linear time: Guerreiro and Fonseca, IEEE TEVC 22(3), 2018, doi:10.1109/TEVC.2017.2729550).
 *
 * More: p's box, up to the walls, less the volume that the others have in it, which is a sweep along the last coordinate through a solid of
 * one dimension less (in the spirit of WFG, While et al., IEEE TEC 16(1), 2012, doi:10.1109/TEVC.2010.2077298).
 *
 * The coordinates lie apart, so that the scans, which are most of the work, run several points at a time; they compute minima and
 * comparisons only, which are the same in any order. */
#include "search/solid.h"

#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#define LANES 4
#define CLONES __attribute__((target_clones("avx2", "default")))
#define UNROLL _Pragma("GCC unroll 4")
#define INLINE static inline __attribute__((always_inline)) /* into the clones */

typedef double vec __attribute__((vector_size(8 * LANES)));
typedef int64_t mask __attribute__((vector_size(8 * LANES)));

static const mask lane_numbers = {0, 1, 2, 3};

struct solid {
    int m, n;
    double r[SOLID_DIMS];
    double *at[SOLID_DIMS]; /* [m][n] coordinates */
    int *gone;              /* points that the new one dominates */
    double (*step)[2];      /* m = 3: between the walls, x ascending, y descending */
    struct solid *below;    /* m > 3: of m - 1 dimensions */
};

/* What is left of p's shadow at one height: [p, wall] in each direction, less the steps. */
struct shadow {
    double px, py, wall_x, wall_y;
    double (*step)[2];
    int n;
    double area;
};

struct solid *solid_new(int n, int m)
{
    assert(m >= 3 && m <= SOLID_DIMS);
    size_t room = (size_t)n + LANES;
    struct solid *s = mem_alloc(sizeof *s);
    double *columns = mem_alloc(room * (size_t)m * sizeof *columns);
    s->m = m;
    s->n = 0;
    for (int j = 0; j < m; j++) {
        s->at[j] = columns + (size_t)j * room;
    }
    s->gone = mem_alloc(room * sizeof *s->gone);
    s->step = m == 3 ? mem_alloc(room * sizeof *s->step) : NULL;
    s->below = m > 3 ? solid_new(n, m - 1) : NULL;
    return s;
}

void solid_free(struct solid *s)
{
    if (s) {
        mem_free(s->at[0]);
        mem_free(s->gone);
        mem_free(s->step);
        solid_free(s->below);
        mem_free(s);
    }
}

void solid_begin(struct solid *s, const double *r)
{
    memcpy(s->r, r, (size_t)s->m * sizeof *s->r);
    s->n = 0;
}

/* ---- any ---- */

/* p takes its place; those it dominates, ascending in `gone`, leave. */
INLINE void put(struct solid *s, const double *p, int place, int n_gone)
{
    int end = n_gone > 0 ? s->gone[0] : s->n;
    for (int c = 0; c < s->m; c++) {
        double *v = s->at[c];
        memmove(v + place + 1, v + place, (size_t)(end - place) * sizeof *v);
        v[place] = p[c];
        for (int g = 1, to = end + 1; g <= n_gone; g++) {
            int from = s->gone[g - 1] + 1, until = g < n_gone ? s->gone[g] : s->n;
            memmove(v + to, v + from, (size_t)(until - from) * sizeof *v);
            to += until - from;
        }
    }
    s->n += 1 - n_gone;
}

/* The first whose last coordinate lies above v. */
INLINE int first_above(const struct solid *s, double v)
{
    const double *last = s->at[s->m - 1];
    int lo = 0, hi = s->n;
    while (lo < hi) {
        int mid = (lo + hi) / 2;
        if (last[mid] <= v) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

/* ---- three dimensions ---- */

/* Takes the part at and beyond (x, y) away; x, y not below p, and inside the walls in at least one direction. */
INLINE void shadow_cut(struct shadow *h, double x, double y)
{
    int lo = 0;
    while (lo < h->n && h->step[lo][0] < x) {
        lo++;
    }
    double top = lo > 0 ? h->step[lo - 1][1] : h->wall_y, left = x;
    if (top <= y) {
        return;
    }
    int last = lo;
    for (; last < h->n && h->step[last][1] >= y; last++) {
        h->area -= (h->step[last][0] - left) * (top - y);
        left = h->step[last][0];
        top = h->step[last][1];
    }
    h->area -= ((last < h->n ? h->step[last][0] : h->wall_x) - left) * (top - y);
    int new = 1;
    if (x <= h->px) {
        h->wall_y = y;
        new = 0;
    } else if (y <= h->py) {
        h->wall_x = x;
        new = 0;
    }
    if (last != lo + new) {
        memmove(h->step + lo + new, h->step + last, (size_t)(h->n - last) * sizeof *h->step);
    }
    if (new) {
        h->step[lo][0] = x;
        h->step[lo][1] = y;
    }
    h->n += new - (last - lo);
}

/* The walls that the first n points make: the least y of those not right of p, the least x of those not above it. */
INLINE void walls_three(const double *x, const double *y, int n, struct shadow *h)
{
    vec wx, wy, px, py;
    for (int j = 0; j < LANES; j++) {
        wx[j] = h->wall_x;
        wy[j] = h->wall_y;
        px[j] = h->px;
        py[j] = h->py;
    }
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
        vec vx, vy;
        memcpy(&vx, x + i, sizeof vx);
        memcpy(&vy, y + i, sizeof vy);
        mask low_y = (vx <= px) & (vy < wy), low_x = (vy <= py) & (vx < wx);
        wy = (vec)((low_y & (mask)vy) | (~low_y & (mask)wy));
        wx = (vec)((low_x & (mask)vx) | (~low_x & (mask)wx));
    }
    double least_x = wx[0], least_y = wy[0];
    for (int j = 1; j < LANES; j++) {
        least_x = wx[j] < least_x ? wx[j] : least_x;
        least_y = wy[j] < least_y ? wy[j] : least_y;
    }
    for (; i < n; i++) {
        least_y = x[i] <= h->px && y[i] < least_y ? y[i] : least_y;
        least_x = y[i] <= h->py && x[i] < least_x ? x[i] : least_x;
    }
    h->wall_x = least_x;
    h->wall_y = least_y;
}

/* The first of points i.. that stands inside both walls, n: none. */
INLINE int next_inside(const double *x, const double *y, int i, int n, const struct shadow *h)
{
    vec wx, wy;
    for (int j = 0; j < LANES; j++) {
        wx[j] = h->wall_x;
        wy[j] = h->wall_y;
    }
    for (; i + LANES <= n; i += LANES) {
        vec vx, vy;
        memcpy(&vx, x + i, sizeof vx);
        memcpy(&vy, y + i, sizeof vy);
        mask in = (vx < wx) & (vy < wy);
        if ((in[0] | in[1] | in[2] | in[3]) != 0) {
            break;
        }
    }
    while (i < n && !(x[i] < h->wall_x && y[i] < h->wall_y)) {
        i++;
    }
    return i;
}

CLONES static double add_three(struct solid *s, const double *p)
{
    const double *x = s->at[0], *y = s->at[1], *z = s->at[2];
    int place = first_above(s, p[2]);
    struct shadow h = {p[0], p[1], s->r[0], s->r[1], s->step, 0, 0};
    walls_three(x, y, place, &h);
    if (h.wall_x <= h.px || h.wall_y <= h.py) {
        return 0;
    }
    h.area = (h.wall_x - h.px) * (h.wall_y - h.py);
    for (int i = next_inside(x, y, 0, place, &h); i < place; i = next_inside(x, y, i + 1, place, &h)) {
        shadow_cut(&h, x[i], y[i]);
    }
    double volume = 0, height = p[2];
    int n_gone = 0;
    for (int i = next_inside(x, y, place, s->n, &h); i < s->n; i = next_inside(x, y, i + 1, s->n, &h)) {
        double cx = x[i] > h.px ? x[i] : h.px, cy = y[i] > h.py ? y[i] : h.py;
        volume += h.area * (z[i] - height);
        height = z[i];
        if (cx <= h.px && cy <= h.py) { /* all is covered from here on */
            if (x[i] >= h.px && y[i] >= h.py) {
                s->gone[n_gone++] = i;
            }
            height = s->r[2];
            break;
        }
        if (x[i] >= h.px && y[i] >= h.py) {
            s->gone[n_gone++] = i;
        }
        shadow_cut(&h, cx, cy);
    }
    volume += h.area * (s->r[2] - height);
    put(s, p, place, n_gone);
    return volume > 0 ? volume : 0;
}

/* ---- more ---- */

/* wall[j] = how far p's own part reaches in direction j before a point, p itself shifted along j, covers all the rest. Those from `place` on
 * that p dominates go to `gone`; returns their number, -1 when one covers the whole box. */
INLINE int walls_many(const struct solid *s, int m, const double *p, int place, double *wall)
{
    int n_gone = 0;
    vec low[SOLID_DIMS], own[SOLID_DIMS];
    UNROLL for (int j = 0; j < m; j++)
    {
        low[j] = (vec){0} + s->r[j];
        own[j] = (vec){0} + p[j];
    }
    for (int i = 0; i < s->n; i += LANES) {
        mask above[SOLID_DIMS], count = {0}, equal_or_above = ~(mask){0};
        vec q[SOLID_DIMS];
        UNROLL for (int j = 0; j < m; j++)
        {
            memcpy(&q[j], s->at[j] + i, sizeof q[j]);
            above[j] = q[j] > own[j];
            count -= above[j];
            equal_or_above &= q[j] >= own[j];
        }
        int lanes = s->n - i < LANES ? s->n - i : LANES;
        for (int k = 0; k < lanes; k++) {
            if (count[k] == 0) {
                return -1;
            }
            if (equal_or_above[k] && i + k >= place) {
                s->gone[n_gone++] = i + k;
            }
        }
        mask real = lane_numbers < (mask){0} + lanes;
        UNROLL for (int j = 0; j < m; j++)
        {
            mask lower = (count == 1) & above[j] & (q[j] < low[j]) & real;
            low[j] = (vec)((lower & (mask)q[j]) | (~lower & (mask)low[j]));
        }
    }
    UNROLL for (int j = 0; j < m; j++)
    {
        wall[j] = low[j][0];
        for (int k = 1; k < LANES; k++) {
            wall[j] = low[j][k] < wall[j] ? low[j][k] : wall[j];
        }
    }
    return n_gone;
}

/* The first of points i.. that reaches inside the walls, n: none. */
INLINE int next_reaching(const struct solid *s, int m, int i, const double *wall)
{
    for (; i + LANES <= s->n; i += LANES) {
        mask in = ~(mask){0};
        UNROLL for (int j = 0; j < m; j++)
        {
            vec q;
            memcpy(&q, s->at[j] + i, sizeof q);
            in &= q < (vec){0} + wall[j];
        }
        if ((in[0] | in[1] | in[2] | in[3]) != 0) {
            break;
        }
    }
    for (; i < s->n; i++) {
        int j = 0;
        while (j < m && s->at[j][i] < wall[j]) {
            j++;
        }
        if (j == m) {
            break;
        }
    }
    return i;
}

INLINE double add_to(struct solid *s, int m, const double *p)
{
    int place = first_above(s, p[m - 1]);
    double wall[SOLID_DIMS], box = 1, covered = 0;
    int n_gone = walls_many(s, m, p, place, wall);
    if (n_gone < 0) {
        return 0;
    }
    for (int j = 0; j < m; j++) {
        box *= wall[j] - p[j];
    }
    solid_begin(s->below, wall);
    for (int i = next_reaching(s, m, 0, wall); i < s->n; i = next_reaching(s, m, i + 1, wall)) {
        double c[SOLID_DIMS];
        for (int j = 0; j < m; j++) {
            c[j] = s->at[j][i] > p[j] ? s->at[j][i] : p[j];
        }
        covered += (wall[m - 1] - c[m - 1]) * solid_add(s->below, c);
    }
    put(s, p, place, n_gone);
    return box > covered ? box - covered : 0;
}

CLONES static double add_four(struct solid *s, const double *p)
{
    return add_to(s, 4, p);
}

CLONES static double add_many(struct solid *s, const double *p)
{
    return add_to(s, s->m, p);
}

double solid_add(struct solid *s, const double *p)
{
    return s->m == 3 ? add_three(s, p) : s->m == 4 ? add_four(s, p) : add_many(s, p);
}
