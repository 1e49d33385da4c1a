/* How much of a tile must be new when loops slide it along a rank of two terms (output rows p, kernel rows r: a*p + b*r).
 *
 * A tile that covers x of p and y of r spans E = a(x-1) + b(y-1) + 1 along the rank. With p' iterations over p and r' over r inside, a tick
 * of a loop over p moves it by a*x - (r'-1)*b*y, one over r by b*y - (p'-1)*a*x, one of a loop that does not move the rank back by the
 * whole way, (p'-1)*a*x + (r'-1)*b*y; in each case at least min(1, |move| / E) of the tile is new. So the mean share of new words under a
 * nest of p, r and other loops is a sum over loops of share * (n-1) / (iterations up to the loop), and least over all orders by dynamic
 * programming over (p', r'), prime by prime.
 *
 * The other loops (N iterations in all) stand at one place when the mean is least, as it is linear in how they are divided between two
 * places; with u = 1/N it is a minimum of linear functions of u, so concave, so not below the line between u = 0 and u = 1: these
 * two are tabulated. Loops over ranks of one term fetch everything anew at each tick and stand outermost at best. */
#include "costmodel/mapper_chain.h"

#include <math.h>

struct slide {
    const struct mapper_work *w;
    int p, r; /* dimensions */
    double move_p, move_r, extent;
    int from_p, from_r; /* the tile */
};

static double share_of(const struct slide *s, double move)
{
    double x = fabs(move) / s->extent;
    return x < 1 ? x : 1;
}

/* Least sums for all (p', r') inside; best[i * n_r + j]: at divisors i and j. */
static void fill(const struct slide *s, double *best)
{
    const struct mapper_work *w = s->w;
    int n_p = w->n_div[s->p], n_r = w->n_div[s->r];
    for (int i = 0; i < n_p * n_r; i++) {
        best[i] = HUGE_VAL;
    }
    best[s->from_p * n_r + s->from_r] = 0;
    for (int i = s->from_p; i < n_p; i++) {
        for (int j = s->from_r; j < n_r; j++) {
            double v = best[i * n_r + j];
            if (!(v < HUGE_VAL)) {
                continue;
            }
            double p = w->times[s->p][s->from_p][i], r = w->times[s->r][s->from_r][j];
            for (int k = 0; k < w->n_covers; k++) {
                bool over_p = w->cover[k].dim == s->p;
                int next = over_p ? w->cover_at[k][i] : w->cover[k].dim == s->r ? w->cover_at[k][j] : -1;
                if (next < 0) {
                    continue;
                }
                double n = (double)w->cover[k].prime;
                double share = share_of(s, over_p ? s->move_p - (r - 1) * s->move_r : s->move_r - (p - 1) * s->move_p);
                double *to = &best[over_p ? next * n_r + j : i * n_r + next];
                double x = v + share * (n - 1) / (p * r * n);
                *to = x < *to ? x : *to;
            }
        }
    }
}

static void node(const struct slide *s, double *at_0, double *at_1)
{
    const struct mapper_work *w = s->w;
    int n_p = w->n_div[s->p], n_r = w->n_div[s->r];
    double best[MP_SLIDE];
    fill(s, best);
    double all = w->loops[s->p][s->from_p] * w->loops[s->r][s->from_r];
    *at_1 = best[n_p * n_r - 1] + 1 / all;
    *at_0 = HUGE_VAL;
    for (int i = s->from_p; i < n_p; i++) {
        for (int j = s->from_r; j < n_r; j++) {
            double p = w->times[s->p][s->from_p][i], r = w->times[s->r][s->from_r][j];
            if (p * r > 1 && best[i * n_r + j] < HUGE_VAL) {
                double back = share_of(s, (p - 1) * s->move_p + (r - 1) * s->move_r);
                double x = best[i * n_r + j] + back / (p * r);
                *at_0 = x < *at_0 ? x : *at_0;
            }
        }
    }
}

bool chain_slide(const struct chain *c, int l, const struct mp_rank *k, double *at_0, double *at_1)
{
    const struct mapper_work *w = c->w;
    if (k->n_terms != 2 || w->n_div[k->dim[0]] * w->n_div[k->dim[1]] > MP_SLIDE) {
        return false;
    }
    struct slide s = {.w = w, .p = k->dim[0], .r = k->dim[1]};
    for (s.from_p = 0; s.from_p < w->n_div[s.p]; s.from_p++) {
        for (s.from_r = 0; s.from_r < w->n_div[s.r]; s.from_r++) {
            double x = (double)(c->s->inner[l][s.p] * w->div[s.p][s.from_p]);
            double y = (double)(c->s->inner[l][s.r] * w->div[s.r][s.from_r]);
            int i = s.from_p * w->n_div[s.r] + s.from_r;
            bool spread =
                c->s->inner[c->top][s.p] > c->s->inner[l][s.p] || c->s->inner[c->top][s.r] > c->s->inner[l][s.r];
            at_0[i] = at_1[i] = -1;
            if (spread && w->loops[s.p][s.from_p] > 1 && w->loops[s.r][s.from_r] > 1) {
                continue;
            }
            s.move_p = k->coef[0] * x;
            s.move_r = k->coef[1] * y;
            s.extent = k->coef[0] * (x - 1) + k->coef[1] * (y - 1) + 1;
            node(&s, &at_0[i], &at_1[i]);
        }
    }
    return true;
}
