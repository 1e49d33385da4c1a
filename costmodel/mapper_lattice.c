/* Divisor tables, and heaps of nodes (mapper_lattice.h). */
#include "costmodel/mapper_lattice.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

struct mapper_work *mapper_work_new(void)
{
    struct mapper_work *w = mem_alloc(sizeof *w);
    for (int l = 0; l < HW_LEVELS; l++) {
        mp_level_reserve(w, l, MP_FAST_NODES);
    }
    return w;
}

void mapper_work_free(struct mapper_work *w)
{
    if (!w) {
        return;
    }
    for (int l = 0; l < HW_LEVELS; l++) {
        mem_free(w->level[l].node);
        mem_free(w->level[l].heap);
        mem_free(w->level[l].sorted);
        mem_free(w->inner.fits[l]);
    }
    mem_free(w->labels.label);
    mem_free(w->inner.pool);
    mem_free(w);
}

/* Drops inner divisors of the longest lists until the lattice is small enough. */
static void thin(struct mapper_work *w, int nd)
{
    for (;;) {
        double n = 1;
        int longest = 0;
        for (int d = 0; d < nd; d++) {
            n *= w->n_div[d];
            longest = w->n_div[d] > w->n_div[longest] ? d : longest;
        }
        if (n <= MP_FAST_NODES) {
            return;
        }
        int64_t *v = w->div[longest];
        int at = 1;
        double least = HUGE_VAL;
        for (int i = 1; i + 1 < w->n_div[longest]; i++) {
            double gap = (double)v[i + 1] / (double)v[i - 1];
            if (gap < least) {
                least = gap;
                at = i;
            }
        }
        w->n_div[longest]--;
        memmove(v + at, v + at + 1, (size_t)(w->n_div[longest] - at) * sizeof *v);
    }
}

static bool list_divisors(struct mapper_work *w, int d, int64_t n)
{
    w->n_div[d] = 0;
    for (int64_t f = 1; f <= n / f; f++) {
        if (n % f == 0) {
            if (w->n_div[d] == MP_DIVISORS / 2) {
                return false;
            }
            w->div[d][w->n_div[d]++] = f;
        }
    }
    for (int i = w->n_div[d] - 1; i >= 0; i--) {
        int64_t f = n / w->div[d][i];
        if (f != w->div[d][i]) {
            w->div[d][w->n_div[d]++] = f;
        }
    }
    return true;
}

static void tables(struct mapper_work *w, int d)
{
    int64_t *div = w->div[d];
    int n = w->n_div[d];
    for (int i = 0; i < n; i++) {
        w->loops[d][i] = (double)div[n - 1] / (double)div[i];
        for (int j = 0; j < n; j++) {
            w->times[d][i][j] = div[j] % div[i] == 0 ? (int32_t)(div[j] / div[i]) : 0;
        }
    }
}

/* Covers: divisors above 1 that none below them divides. */
static void covers(struct mapper_work *w, int d)
{
    for (int i = 1; i < w->n_div[d] && w->n_covers < MP_COVERS; i++) {
        bool prime = true;
        for (int j = 1; j < i; j++) {
            prime = prime && w->times[d][j][i] == 0;
        }
        if (!prime) {
            continue;
        }
        int c = w->n_covers++;
        w->cover[c].dim = d;
        w->cover[c].prime = w->div[d][i];
        for (int j = 0; j < w->n_div[d]; j++) {
            w->cover_at[c][j] = -1;
            for (int k = j + 1; k < w->n_div[d]; k++) {
                if (w->div[d][k] == w->div[d][j] * w->div[d][i]) {
                    w->cover_at[c][j] = (int8_t)k;
                }
            }
        }
    }
}

bool mp_lattice_init(struct mapper_work *w, int nd, const int64_t *rest, bool exact)
{
    bool changed[MP_DIMS], fits = true;
    for (int d = 0; d < nd; d++) {
        changed[d] = w->thinned || !exact || w->rest[d] != rest[d];
        w->rest[d] = 0;
        if (changed[d]) {
            fits = list_divisors(w, d, rest[d]) && fits;
        }
    }
    if (!fits) {
        return false;
    }
    if (!exact) {
        thin(w, nd);
    }
    w->thinned = !exact;
    w->n_covers = 0;
    for (int d = 0; d < nd; d++) {
        w->rest[d] = rest[d];
        if (changed[d]) {
            tables(w, d);
        }
        covers(w, d);
    }
    return true;
}

void mp_level_reserve(struct mapper_work *w, int l, int n)
{
    struct mp_level_nodes *v = &w->level[l];
    if (n > v->cap) {
        v->cap = 2 * n;
        v->node = mem_realloc(v->node, (size_t)v->cap, sizeof *v->node);
        v->heap = mem_realloc(v->heap, (size_t)v->cap, sizeof *v->heap);
        v->sorted = mem_realloc(v->sorted, (size_t)v->cap, sizeof *v->sorted);
    }
}

static bool key_less(const struct mp_key *a, const struct mp_key *b)
{
    return a->pj < b->pj || (!(b->pj < a->pj) && a->i < b->i);
}

static void sift(struct mp_key *heap, int n, int i)
{
    struct mp_key k = heap[i];
    for (;;) {
        int j = 2 * i + 1;
        if (j >= n) {
            break;
        }
        j += j + 1 < n && key_less(&heap[j + 1], &heap[j]);
        if (!key_less(&heap[j], &k)) {
            break;
        }
        heap[i] = heap[j];
        i = j;
    }
    heap[i] = k;
}

void mp_level_heap(struct mapper_work *w, int l, int n)
{
    struct mp_level_nodes *v = &w->level[l];
    v->n_sorted = 0;
    v->n_heap = n;
    for (int i = 0; i < n; i++) {
        v->heap[i] = (struct mp_key){v->node[i].bound_pj, i};
    }
    for (int i = n / 2 - 1; i >= 0; i--) {
        sift(v->heap, n, i);
    }
}

bool mp_pop_node(struct mp_level_nodes *v)
{
    if (v->n_heap == 0) {
        return false;
    }
    v->sorted[v->n_sorted++] = v->heap[0].i;
    v->heap[0] = v->heap[--v->n_heap];
    if (v->n_heap > 0) {
        sift(v->heap, v->n_heap, 0);
    }
    return true;
}
