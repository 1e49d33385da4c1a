/* Evolution in mixed spaces, with what was measured to pay (docs/search.md): no point twice in the whole run; a small
 * population that grows with the square root of the evaluations; small generations (near to steady state, with a fixed lag);
 * some parents from the unbounded archive; mates that are often neighbours in objective space; constraints by feasibility
 * first; moves that earn their share (variation.h).
 *
 * Generations of `lambda` children. A child depends on the results of all generations but the last `depth`, its own among them: with a depth of 1
 * on all before its own. Deeper, the next children are asked while the last ones of a generation are still evaluated, so that no worker
 * of a cluster waits for the slowest: with `lag` results to do without, lag / depth children a generation, and never less than
 * (depth - 1) / depth * lag evaluations at once. */
#include "search/evolution.h"

#include "base/mem.h"
#include "search/algorithm.h"
#include "search/dominance.h"
#include "search/variation.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <string.h>

enum { CHILD_TRIES = 20, POPULATION_MIN = 20, POPULATION_MAX = 500, CHILDREN_MIN = 10, DEPTH_MAX = 4, NEAR_OF = 8 };
static const double GROWTH = 0.7;       /* population = GROWTH * sqrt(trials) */
static const double FROM_ARCHIVE = 0.1; /* share of parents that come from the archive */
static const double FROM_NEAR = 0.5;    /* share of mates chosen for being near in objective space */

struct evolution {
    struct search *s;
    enum survival rule;
    struct variation v;
    int n, cap;                /* members now; room */
    double *x, *f, *g;         /* [cap][n], [cap][m], [cap][c] */
    double *violation, *crowd; /* [cap] */
    int *rank;                 /* [cap] */
    int first, lambda, depth;  /* trials of generation 0, of each other; see above */
    struct archive_mark mark;  /* the archive before the last result */
    unsigned char *move;       /* [moves] move + 1 that made trial k, at k % moves; 0: none */
    int moves;
    bool apart;     /* takes no parents from the archive, which others fill too */
    double *scale;  /* [m] 1 / range of the population's objectives */
    double *sample; /* [first generation][n] Latin hypercube on the unit cube */
};

static int target(const struct evolution *e, int64_t trials)
{
    if (e->s->options.population > 0) {
        return e->s->options.population;
    }
    double mu = GROWTH * sqrt((double)trials);
    return mu < POPULATION_MIN ? POPULATION_MIN : mu > POPULATION_MAX ? POPULATION_MAX : (int)mu;
}

void *evolution_create(struct search *s, enum survival rule)
{
    struct evolution *e = mem_calloc(1, sizeof *e);
    e->s = s;
    e->rule = rule;
    variation_init(&e->v, s->problem.space);
    int most = s->options.population > 0 ? s->options.population : POPULATION_MAX;
    int lag = s->options.lag > 0 ? s->options.lag : SEARCH_LAG;
    e->depth = lag / CHILDREN_MIN < 1 ? 1 : lag / CHILDREN_MIN > DEPTH_MAX ? DEPTH_MAX : lag / CHILDREN_MIN;
    e->lambda = lag / e->depth;
    e->first = e->lambda > target(e, 0) ? e->lambda : target(e, 0);
    e->first = e->first > s->options.n_start ? e->first : s->options.n_start;
    e->moves = e->first + e->depth * e->lambda;
    e->cap = most + e->first;
    size_t cap = (size_t)e->cap;
    e->x = mem_calloc(cap * (size_t)s->n, sizeof *e->x);
    e->f = mem_calloc(cap * (size_t)s->m, sizeof *e->f);
    e->g = mem_calloc(cap * (size_t)s->c + 1, sizeof *e->g);
    e->violation = mem_calloc(cap, sizeof *e->violation);
    e->crowd = mem_calloc(cap, sizeof *e->crowd);
    e->rank = mem_calloc(cap, sizeof *e->rank);
    e->scale = mem_calloc((size_t)s->m, sizeof *e->scale);
    e->move = mem_calloc((size_t)e->moves, 1);
    e->sample = search_latin(s, e->first);
    return e;
}

void evolution_destroy(void *state)
{
    struct evolution *e = state;
    variation_release(&e->v);
    mem_free(e->x);
    mem_free(e->f);
    mem_free(e->g);
    mem_free(e->violation);
    mem_free(e->crowd);
    mem_free(e->rank);
    mem_free(e->scale);
    mem_free(e->move);
    mem_free(e->sample);
    mem_free(e);
}

void evolution_apart(void *state, bool apart)
{
    struct evolution *e = state;
    e->apart = apart;
}

/* Room for more members. */
static void reserve(struct evolution *e, int more)
{
    if (e->n + more <= e->cap) {
        return;
    }
    e->cap = e->n + more;
    size_t cap = (size_t)e->cap, m = (size_t)e->s->m, c = (size_t)e->s->c;
    e->x = mem_realloc(e->x, cap * (size_t)e->s->n, sizeof *e->x);
    e->f = mem_realloc(e->f, cap * m, sizeof *e->f);
    e->g = mem_realloc(e->g, cap * c + 1, sizeof *e->g);
    e->violation = mem_realloc(e->violation, cap, sizeof *e->violation);
    e->crowd = mem_realloc(e->crowd, cap, sizeof *e->crowd);
    e->rank = mem_realloc(e->rank, cap, sizeof *e->rank);
}

static int64_t generation(const struct evolution *e, int64_t k)
{
    return k < e->first ? 0 : 1 + (k - e->first) / e->lambda;
}

/* The first trial of generation g. */
static int64_t begin(const struct evolution *e, int64_t g)
{
    return g == 0 ? 0 : e->first + (g - 1) * e->lambda;
}

int64_t evolution_needs(const void *state, int64_t k)
{
    const struct evolution *e = state;
    int64_t g = generation(e, k), known = g - e->depth + 1;
    return g == 0 ? 0 : begin(e, known < 1 ? 1 : known);
}

/* A parent: its point and its objectives. */
struct parent {
    const double *x, *f;
};

static struct parent tournament(const struct evolution *e, struct rng *r)
{
    int a = (int)rng_below(r, e->n), b = (int)rng_below(r, e->n);
    bool second = e->rank[b] < e->rank[a] || (e->rank[b] == e->rank[a] && e->crowd[b] > e->crowd[a]);
    int i = second ? b : a;
    return (struct parent){e->x + (int64_t)i * e->s->n, e->f + (int64_t)i * e->s->m};
}

static struct parent parent(const struct evolution *e, struct rng *r)
{
    const struct archive *a = &e->s->archive;
    if (!e->apart && 2 * a->n >= e->n && rng_uniform(r) < FROM_ARCHIVE) {
        int64_t i = rng_below(r, a->n);
        return (struct parent){a->x + i * e->s->n, a->f + i * e->s->m};
    }
    return tournament(e, r);
}

static double distance(const struct evolution *e, const double *a, const double *b)
{
    double sum = 0;
    for (int j = 0; j < e->s->m; j++) {
        double d = (a[j] - b[j]) * e->scale[j];
        sum += d * d;
    }
    return sum;
}

/* Half of the time a mate from near by in objective space: the nearest of a few. */
static struct parent mate(const struct evolution *e, struct rng *r, struct parent p)
{
    struct parent best = parent(e, r);
    if (rng_uniform(r) >= FROM_NEAR) {
        return best;
    }
    double least = best.x == p.x ? HUGE_VAL : distance(e, p.f, best.f);
    for (int t = 1; t < NEAR_OF; t++) {
        struct parent q = parent(e, r);
        double d = q.x == p.x ? HUGE_VAL : distance(e, p.f, q.f);
        if (d < least) {
            least = d;
            best = q;
        }
    }
    return best;
}

bool evolution_propose(void *state, int64_t k, double *x)
{
    struct evolution *e = state;
    struct search *s = e->s;
    struct rng r;
    rng_init(&r, s->options.seed, (uint64_t)k, RNG_CROSSOVER);
    e->move[k % e->moves] = 0;
    enum search_fresh fresh = SEARCH_SEEN;
    if (k < e->first) {
        search_initial(s, e->sample, k, x);
        fresh = search_fresh(s, x);
    } else {
        enum variation_move move = variation_choose(&e->v, &r);
        e->move[k % e->moves] = (unsigned char)(move + 1);
        struct parent main = parent(e, &r);
        const double *p[3] = {main.x, mate(e, &r, main).x, mate(e, &r, main).x};
        variation_make(&e->v, move, &r, p, x);
        fresh = search_fresh(s, x);
        for (int t = 0; t < CHILD_TRIES && fresh == SEARCH_SEEN; t++) {
            variation_mutate_one(&e->v, &r, x);
            fresh = search_fresh(s, x);
        }
    }
    return fresh == SEARCH_FRESH || search_repair(s, &r, x) || search_any(s, &r, x);
}

static void member_move(struct evolution *e, int from, int to)
{
    const struct search *s = e->s;
    memmove(e->x + (int64_t)to * s->n, e->x + (int64_t)from * s->n, (size_t)s->n * sizeof *e->x);
    memmove(e->f + (int64_t)to * s->m, e->f + (int64_t)from * s->m, (size_t)s->m * sizeof *e->f);
    memmove(e->g + (int64_t)to * s->c, e->g + (int64_t)from * s->c, (size_t)s->c * sizeof *e->g);
    e->violation[to] = e->violation[from];
    e->crowd[to] = e->crowd[from];
    e->rank[to] = e->rank[from];
}

static void measure(struct evolution *e)
{
    int m = e->s->m;
    for (int j = 0; j < m; j++) {
        double lo = HUGE_VAL, hi = -HUGE_VAL;
        for (int i = 0; i < e->n; i++) {
            lo = fmin(lo, e->f[(int64_t)i * m + j]); /* a failed evaluation's NaN is passed over */
            hi = fmax(hi, e->f[(int64_t)i * m + j]);
        }
        e->scale[j] = hi > lo ? 1 / (hi - lo) : 0;
    }
}

/* Keeps the best `keep` members: whole fronts, part of the last one. */
static void survive(struct evolution *e, int keep)
{
    const struct search *s = e->s;
    for (int i = 0; i < e->n; i++) { /* the constraints' scale may have changed */
        if (e->violation[i] > 0 && isfinite(e->violation[i])) {
            e->violation[i] = search_violation(s, e->f + (int64_t)i * s->m, e->g + (int64_t)i * s->c);
        }
    }
    int fronts = dominance_sort_constrained(e->f, e->violation, e->n, s->m, e->rank);
    int *member = mem_calloc((size_t)e->n, sizeof *member);
    double *worth = mem_calloc((size_t)e->n, sizeof *worth);
    bool *part = mem_calloc(2 * (size_t)e->n, sizeof *part), *stays = part + e->n;
    int kept = 0;
    for (int front = 0; front < fronts && kept < keep; front++) {
        int n = 0;
        for (int i = 0; i < e->n; i++) {
            if (e->rank[i] == front) {
                member[n++] = i;
            }
        }
        int room = keep - kept < n ? keep - kept : n;
        if (isfinite(e->violation[member[0]])) {
            survival_truncate(e->rule, e->f, s->m, member, n, room, part, worth);
        } else { /* failed evaluations have no objectives */
            for (int k = 0; k < n; k++) {
                part[k] = k < room;
                worth[k] = 0;
            }
        }
        for (int k = 0; k < n; k++) {
            e->crowd[member[k]] = worth[k];
            stays[member[k]] = part[k];
        }
        kept += room;
    }
    int to = 0;
    for (int i = 0; i < e->n; i++) {
        if (stays[i]) {
            member_move(e, i, to++);
        }
    }
    e->n = to;
    measure(e);
    mem_free(member);
    mem_free(worth);
    mem_free(part);
}

void evolution_result(void *state, int64_t k, const double *x, const double *f, const double *g, double violation)
{
    struct evolution *e = state;
    const struct search *s = e->s;
    int i = e->n++;
    assert(i < e->cap);
    memcpy(e->x + (int64_t)i * s->n, x, (size_t)s->n * sizeof *x);
    memcpy(e->f + (int64_t)i * s->m, f, (size_t)s->m * sizeof *f);
    memcpy(e->g + (int64_t)i * s->c, g, (size_t)s->c * sizeof *g);
    e->violation[i] = violation;
    e->rank[i] = INT_MAX; /* until it is compared */
    unsigned char move = e->move[k % e->moves];
    enum archive_gain gain = archive_gain(&s->archive, &e->mark);
    if (move > 0) {
        variation_reward(&e->v, (enum variation_move)(move - 1), gain);
    }
    if (k + 1 == begin(e, generation(e, k) + 1)) {
        survive(e, target(e, k + 1));
    }
}

/* They take their chance among the members there are; no more remain than selection leaves, or than there were. */
void evolution_immigrate(void *state, int n, const double *x, const double *f)
{
    struct evolution *e = state;
    const struct search *s = e->s;
    reserve(e, n);
    memcpy(e->x + (int64_t)e->n * s->n, x, (size_t)n * (size_t)s->n * sizeof *x);
    memcpy(e->f + (int64_t)e->n * s->m, f, (size_t)n * (size_t)s->m * sizeof *f);
    for (int i = e->n; i < e->n + n; i++) {
        for (int j = 0; j < s->c; j++) {
            e->g[(int64_t)i * s->c + j] = 0;
        }
        e->violation[i] = 0;
    }
    int had = e->n, keep = target(e, s->delivered);
    e->n += n;
    survive(e, keep > had ? keep : had);
}
