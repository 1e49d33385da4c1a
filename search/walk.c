/* An odometer over the levels of all variables, the last one fastest. An inactive variable has one position, so points that
 * differ in inactive variables only are met once: conditions look at earlier variables, which do not change while later ones
 * turn. */
#include "base/mem.h"
#include "search/algorithm.h"

#include <string.h>

void walk_init(struct walk *w, const struct space *space, int64_t grid)
{
    *w = (struct walk){space, grid, mem_calloc((size_t)space->n, sizeof(double)), false};
}

void walk_release(struct walk *w)
{
    mem_free(w->level);
    w->level = NULL;
}

static double value(const struct walk *w, int i)
{
    const struct variable *v = &w->space->var[i];
    if (v->kind != VARIABLE_REAL) {
        return w->level[i];
    }
    double u = w->grid > 1 ? w->level[i] / (double)(w->grid - 1) : 0.5;
    return space_from_unit(v, u);
}

void walk_point(const struct walk *w, double *x)
{
    for (int i = 0; i < w->space->n; i++) {
        x[i] = space_active(w->space, x, i) ? value(w, i) : 0;
    }
}

void walk_step(struct walk *w)
{
    const struct space *s = w->space;
    double x[64], *point = s->n <= 64 ? x : mem_calloc((size_t)s->n, sizeof *point);
    walk_point(w, point);
    w->done = true;
    for (int i = s->n - 1; i >= 0; i--) {
        int64_t levels = s->var[i].kind == VARIABLE_REAL ? w->grid : s->var[i].n;
        if (space_active(s, point, i) && w->level[i] + 1 < (double)levels) {
            w->level[i]++;
            w->done = false;
            break;
        }
        w->level[i] = 0;
    }
    if (point != x) {
        mem_free(point);
    }
}
