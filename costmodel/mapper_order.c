/* Orders of the loops of one level (mapper_order.h). */
#include "costmodel/mapper_order.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

void mp_tick_init(struct mp_tick *k, const struct mp_tensor *t, const struct mp_loops *l, const double *extent,
                  const double *wrap)
{
    k->volume = mp_volume(t, extent);
    k->moves = k->slides = 0;
    k->closed = false;
    k->n_slide = 0;
    for (int r = 0; r < t->n_ranks; r++) {
        const struct mp_rank *rank = &t->rank[r];
        int i = k->n_slide;
        bool slides = rank->n_terms > 1;
        if (slides) {
            k->extent[i] = 1;
            k->start[i] = 0;
            for (int j = 0; j < l->m; j++) {
                k->step[i][j] = k->back[i][j] = 0;
            }
            k->n_slide++;
        }
        for (int q = 0; q < rank->n_terms; q++) {
            int d = rank->dim[q];
            double coef = rank->coef[q];
            if (slides) {
                k->extent[i] += coef * (extent[d] - 1);
                k->start[i] -= coef * wrap[d];
            } else {
                k->closed = k->closed || wrap[d] > 0;
            }
            for (int j = 0; j < l->m; j++) {
                if (l->dim[j] != d) {
                    continue;
                }
                if (slides) {
                    k->slides |= 1u << j;
                    k->step[i][j] += coef * l->step[j];
                    k->back[i][j] += coef * (l->n[j] - 1) * l->step[j];
                } else {
                    k->moves |= 1u << j;
                }
            }
        }
    }
}

/* New words of the tile when loop j ticks with the loops of `inside` inside it. */
static double new_words(const struct mp_tick *k, uint32_t inside, int j)
{
    if (k->closed || ((inside | 1u << j) & k->moves)) {
        return k->volume;
    }
    double kept = k->volume;
    for (int r = 0; r < k->n_slide; r++) {
        double move = k->start[r] + k->step[r][j];
        for (uint32_t a = inside & k->slides; a; a &= a - 1) {
            move -= k->back[r][__builtin_ctz(a)];
        }
        double overlap = k->extent[r] - fabs(move);
        if (overlap <= 0) {
            return k->volume;
        }
        kept = kept / k->extent[r] * overlap;
    }
    return k->volume - kept;
}

static bool may_follow(uint32_t inside, int j, uint32_t inner_first)
{
    return (inner_first >> j & 1) || (inside & inner_first) == inner_first;
}

/* Product of the iterations of the loops outside of a set. */
static double outside(const struct mp_loops *l, uint32_t set)
{
    double n = 1;
    for (int i = 0; i < l->m; i++) {
        n *= set >> i & 1 ? 1 : l->n[i];
    }
    return n;
}

double mp_order_min(const struct mp_loops *l, const struct mp_tick *ticks, int n_ticks, uint32_t inner_first)
{
    double best[1 << MP_DIMS];
    uint32_t full = (1u << l->m) - 1;
    for (uint32_t a = 1; a <= full; a++) {
        best[a] = HUGE_VAL;
    }
    best[0] = 0;
    for (uint32_t a = 0; a < full; a++) {
        if (!(best[a] < HUGE_VAL)) {
            continue;
        }
        double out = outside(l, a);
        for (int j = 0; j < l->m; j++) {
            if ((a >> j & 1) || !may_follow(a, j, inner_first)) {
                continue;
            }
            double words = 0;
            for (int k = 0; k < n_ticks; k++) {
                words += ticks[k].weight * new_words(&ticks[k], a, j);
            }
            double v = best[a] + (l->n[j] - 1) * (out / l->n[j]) * words;
            uint32_t b = a | 1u << j;
            best[b] = v < best[b] ? v : best[b];
        }
    }
    return best[full];
}

static bool dominates(const struct mp_label *a, const struct mp_label *b, int n)
{
    for (int k = 0; k < n; k++) {
        if (a->words[k] > b->words[k]) {
            return false;
        }
    }
    return true;
}

static void put_first(struct mp_labels *out, uint32_t set, const struct mp_label *v)
{
    MEM_GROW(out->label, out->n, out->cap);
    out->label[out->n] = *v;
    out->label[out->n].next = out->head[set];
    out->head[set] = out->n++;
}

/* Puts a label into the list of a set unless one there is as good; drops what it beats. */
static void insert(struct mp_labels *out, uint32_t set, const struct mp_label *v, int n)
{
    int before = -1;
    for (int i = out->head[set]; i >= 0; i = out->label[i].next) {
        if (dominates(&out->label[i], v, n)) {
            return;
        }
    }
    for (int i = out->head[set], next; i >= 0; i = next) {
        next = out->label[i].next;
        if (!dominates(v, &out->label[i], n)) {
            before = i;
        } else if (before < 0) {
            out->head[set] = next;
        } else {
            out->label[before].next = next;
        }
    }
    MEM_GROW(out->label, out->n, out->cap);
    out->label[out->n] = *v;
    out->label[out->n].next = -1;
    if (before < 0) {
        out->head[set] = out->n;
    } else {
        out->label[before].next = out->n;
    }
    out->n++;
}

int mp_order_pareto(const struct mp_loops *l, const struct mp_tick *ticks, int n_ticks, uint32_t inner_first, bool all,
                    struct mp_labels *out)
{
    uint32_t full = (1u << l->m) - 1;
    struct mp_label v;
    for (uint32_t a = 0; a <= full; a++) {
        out->head[a] = -1;
    }
    memset(&v, 0, sizeof v);
    insert(out, 0, &v, n_ticks);
    for (uint32_t a = 0; a < full; a++) {
        if (out->head[a] < 0) {
            continue;
        }
        double outer = outside(l, a);
        int depth = __builtin_popcount(a);
        for (int j = 0; j < l->m; j++) {
            double add[MP_PAIRS];
            if ((a >> j & 1) || !may_follow(a, j, inner_first)) {
                continue;
            }
            for (int k = 0; k < n_ticks; k++) {
                add[k] = (l->n[j] - 1) * (outer / l->n[j]) * new_words(&ticks[k], a, j);
            }
            for (int i = out->head[a]; i >= 0; i = out->label[i].next) {
                v = out->label[i];
                for (int k = 0; k < n_ticks; k++) {
                    v.words[k] += add[k];
                }
                v.order[depth] = (uint8_t)j;
                if (all) {
                    put_first(out, a | 1u << j, &v);
                } else {
                    insert(out, a | 1u << j, &v, n_ticks);
                }
            }
        }
    }
    return out->head[full];
}
