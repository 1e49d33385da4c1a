/* A set of mutually non-dominated points, grown one point at a time (all objectives
 * minimised).
 *
 * One and two objectives: sorted by the first, so that the second falls; a binary
 * search finds the only neighbour that could dominate, and what a new point dominates
 * is a run behind it. More objectives: a list, searched from its head, to which whoever
 * dominates a newcomer moves up: points that dominate much are met first, and most
 * newcomers die after a few comparisons (the idea of the archive in Bentley, Clarkson,
 * Levine, "Fast linear expected-time algorithms for computing maxima and convex hulls",
 * SODA 1990). Of equal points the first stays. */
#include "base/mem.h"
#include "db/db_private.h"

#include <math.h>
#include <string.h>

void front_init(struct front *fr, int m)
{
    *fr = (struct front){.m = m};
}

void front_release(struct front *fr)
{
    mem_free(fr->f);
    mem_free(fr->id);
    mem_free(fr->removed);
    front_init(fr, fr->m);
}

static void grow(struct front *fr)
{
    if (fr->n == fr->cap) {
        fr->cap = fr->cap ? 2 * fr->cap : 64;
        fr->f = mem_realloc(fr->f, (size_t)fr->cap, (size_t)fr->m * sizeof *fr->f);
        fr->id = mem_realloc(fr->id, (size_t)fr->cap, sizeof *fr->id);
    }
}

static void note_removed(struct front *fr, int64_t at)
{
    MEM_GROW(fr->removed, fr->n_removed, fr->cap_removed);
    fr->removed[fr->n_removed++] = fr->id[at];
}

/* m <= 2. First position whose f0 is >= that of f. */
static int64_t position(const struct front *fr, const double *f)
{
    int64_t lo = 0, hi = fr->n;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (fr->f[mid * fr->m] < f[0]) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

static bool add_sorted(struct front *fr, const double *f, int64_t id)
{
    size_t m = (size_t)fr->m;
    double last = m == 2 ? f[1] : 0.0; /* one objective: as if all were equal in a second */
#define SECOND(k) (m == 2 ? fr->f[2 * (k) + 1] : 0.0)
    int64_t at = position(fr, f), end = at;
    if (at > 0 && SECOND(at - 1) <= last) {
        return false;
    }
    if (at < fr->n && fr->f[at * fr->m] == f[0] && SECOND(at) <= last) {
        return false;
    }
    while (end < fr->n && SECOND(end) >= last) {
        note_removed(fr, end++);
    }
#undef SECOND
    grow(fr);
    size_t tail = (size_t)(fr->n - end);
    memmove(fr->f + (size_t)(at + 1) * m, fr->f + (size_t)end * m, tail * m * sizeof *fr->f);
    memmove(fr->id + at + 1, fr->id + end, tail * sizeof *fr->id);
    memcpy(fr->f + (size_t)at * m, f, m * sizeof *f);
    fr->id[at] = id;
    fr->n += at + 1 - end;
    return true;
}

/* Bit 0: a is better somewhere; bit 1: b is. */
static int better(const double *a, const double *b, int m)
{
    int who = 0;
    for (int k = 0; k < m; k++) {
        who |= (a[k] < b[k]) | (b[k] < a[k]) << 1;
    }
    return who;
}

static void swap_points(struct front *fr, int64_t a, int64_t b)
{
    for (int k = 0; k < fr->m; k++) {
        double f = fr->f[a * fr->m + k];
        fr->f[a * fr->m + k] = fr->f[b * fr->m + k];
        fr->f[b * fr->m + k] = f;
    }
    int64_t id = fr->id[a];
    fr->id[a] = fr->id[b];
    fr->id[b] = id;
}

static bool add_list(struct front *fr, const double *f, int64_t id)
{
    for (int64_t i = 0; i < fr->n;) {
        int who = better(fr->f + i * fr->m, f, fr->m);
        if (who <= 1) { /* dominates or equals the newcomer: nothing was removed before,
                           for then both could not be here */
            if (i > 0) {
                swap_points(fr, i, i / 2);
            }
            return false;
        }
        if (who == 2) {
            note_removed(fr, i);
            fr->n--;
            if (i < fr->n) {
                swap_points(fr, i, fr->n);
            }
        } else {
            i++;
        }
    }
    grow(fr);
    memcpy(fr->f + fr->n * fr->m, f, (size_t)fr->m * sizeof *f);
    fr->id[fr->n++] = id;
    return true;
}

void front_load(struct front *fr, const double *f, int64_t id)
{
    if (fr->m <= 2) {
        front_add(fr, f, id);
        return;
    }
    grow(fr);
    memcpy(fr->f + fr->n * fr->m, f, (size_t)fr->m * sizeof *f);
    fr->id[fr->n++] = id;
}

bool front_add(struct front *fr, const double *f, int64_t id)
{
    fr->n_removed = 0;
    for (int k = 0; k < fr->m; k++) {
        if (isnan(f[k])) {
            return false;
        }
    }
    if (!fr->m) {
        return false;
    }
    return fr->m <= 2 ? add_sorted(fr, f, id) : add_list(fr, f, id);
}
