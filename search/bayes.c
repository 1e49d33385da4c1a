/* Bayesian optimization of few, expensive evaluations: the next trial is the point with the best score of the model (surrogate.h, acquisition.h) or,
 * in the share that has been earned, one bred from the front. `hybrid` proposes so for a while, then evolution goes on. */
#include "base/mem.h"
#include "search/acquisition.h"
#include "search/algorithm.h"
#include "search/evolution.h"
#include "search/surrogate.h"
#include "search/variation.h"

#include <math.h>
#include <string.h>

void openblas_set_num_threads(int n);

enum {
    CONDITIONED = 1000,       /* results that the model starts from at most, */
    CONDITIONED_HYBRID = 300, /* where it proposes no more than some hundred trials */
    HYBRID_LEAST = 250,       /* proposed by the model before evolution takes over: half of the plan, within these; */
    HYBRID_MOST = 500,
    HYBRID_MANY = 2000 /* the least for a longer plan, whose evaluations are cheap and make up for it */
};

/* Where a model errs, as among many local optima, its points would displace everything else in the population at once; so in a long plan evolution
 * begins by itself, on this share of what is left, and gets the model's results then. */
static const double HYBRID_APART = 0.5;
/* Some trials are bred from the front without asking the model, in case it errs: the more, the more such trials have brought beside the model's. Each
 * maker's worth is the mean of what its trials did to the archive, fading over FADING of them, and one of MAKER_PRIOR trials of worth `prior` before;
 * the model's has a lead, as what it adds is larger by volume. The shares go with the cubes. */
static const double FADING = 30, MAKER_PRIOR = 6, PRIOR_MODEL = 0.3, PRIOR_BRED = 0.15, MODEL_LEAD = 0.2;
static const double BRED_LEAST = 1.0 / 6, BRED_MOST = 5.0 / 6;

enum maker_kind { BY_SAMPLE, BY_MODEL, BY_MOVE }; /* BY_MOVE + move: bred */

struct maker { /* both fading */
    double gained, made;
};

struct bayes {
    struct search *s;
    struct surrogate m;
    struct variation v;
    void *evolution; /* hybrid: takes over at trial `until`; NULL otherwise */
    int64_t until;
    int64_t from, join; /* evolution's trial 0; the trial whose result ends its time by itself, -1: it has none */
    int64_t lag, first; /* first: points of the initial sample */
    double *sample;     /* [first][n] */
    struct acquisition best;
    struct maker model, bred;
    unsigned char *maker;     /* [lag] of trial k, at k % lag */
    struct archive_mark mark; /* the archive before the last result */
    double least;             /* violation so far */
};

static void *create(struct search *s, int64_t until, enum survival rule)
{
    struct bayes *b = mem_calloc(1, sizeof *b);
    openblas_set_num_threads(1); /* its sums change with the number of threads */
    b->s = s;
    b->until = until;
    b->lag = s->options.lag > 0 ? s->options.lag : 1;
    b->first = 2 * s->n + 2;
    b->first = b->first > s->options.plan / 6 ? s->options.plan / 6 : b->first;
    b->first = b->first < 8 ? 8 : b->first;
    b->first = b->first < s->options.n_start ? s->options.n_start : b->first;
    b->sample = search_latin(s, (int)b->first);
    b->maker = mem_calloc((size_t)b->lag, sizeof *b->maker);
    b->least = HUGE_VAL;
    variation_init(&b->v, s->problem.space);
    surrogate_init(&b->m, s, b->first + 1 - b->lag > 8 ? b->first + 1 - b->lag : 8,
                   until < s->options.plan ? CONDITIONED_HYBRID : CONDITIONED);
    acquisition_init(&b->best, s, &b->m, &b->v);
    b->evolution = until < s->options.plan ? evolution_create(s, rule) : NULL;
    b->join = -1;
    if (b->evolution && s->options.plan > HYBRID_MANY) {
        b->from = until;
        b->join = until + (int64_t)(HYBRID_APART * (double)(s->options.plan - until));
        evolution_apart(b->evolution, true);
    }
    return b;
}

static void destroy(void *state)
{
    struct bayes *b = state;
    if (b->evolution) {
        evolution_destroy(b->evolution);
    }
    variation_release(&b->v);
    surrogate_release(&b->m);
    mem_free(b->sample);
    mem_free(b->maker);
    mem_free(b);
}

static int64_t needs(const void *state, int64_t k)
{
    const struct bayes *b = state;
    int64_t last = b->evolution && k >= b->until ? b->until - 1 : k, own = last >= b->first ? last + 1 - b->lag : 0;
    own = own > 0 ? own : 0;
    int64_t evolved = b->evolution && k >= b->until ? b->from + evolution_needs(b->evolution, k - b->from) : 0;
    return own > evolved ? own : evolved;
}

static double worth(const struct maker *m, double prior)
{
    return (m->gained + prior * MAKER_PRIOR) / (m->made + MAKER_PRIOR);
}

static double bred_share(const struct bayes *b)
{
    double bred = pow(worth(&b->bred, PRIOR_BRED), 3), model = pow(worth(&b->model, PRIOR_MODEL) + MODEL_LEAD, 3);
    return fmin(fmax(bred / (bred + model), BRED_LEAST), BRED_MOST);
}

/* Who makes trial k: from the results that it depends on, so the same again when it is recalled. Starts the trial's random numbers. */
static int choose_maker(struct bayes *b, int64_t k, struct rng *r)
{
    int maker = BY_SAMPLE;
    rng_init(r, b->s->options.seed, (uint64_t)k, RNG_ACQUIRE);
    if (k >= b->first) {
        maker = rng_uniform(r) < bred_share(b) && b->m.n > 0 ? BY_MOVE + (int)variation_choose(&b->v, r) : BY_MODEL;
    }
    b->maker[k % b->lag] = (unsigned char)maker;
    return maker;
}

static void reward(struct bayes *b, int maker, enum archive_gain gain)
{
    if (maker == BY_SAMPLE) {
        return;
    }
    struct maker *m = maker == BY_MODEL ? &b->model : &b->bred;
    m->gained = m->gained * (1 - 1 / FADING) + archive_worth(gain);
    m->made = m->made * (1 - 1 / FADING) + 1;
    if (maker == BY_MODEL) {
        acquisition_adjust(&b->best, gain != GAIN_NONE);
    } else {
        variation_reward(&b->v, (enum variation_move)(maker - BY_MOVE), gain);
    }
}

static bool propose(void *state, int64_t k, double *x)
{
    struct bayes *b = state;
    struct search *s = b->s;
    struct rng r;
    if (b->evolution && k >= b->until) {
        return evolution_propose(b->evolution, k - b->from, x);
    }
    int maker = choose_maker(b, k, &r);
    bool found = false;
    if (maker == BY_SAMPLE) {
        search_initial(s, b->sample, k, x);
        found = search_fresh(s, x) == SEARCH_FRESH || search_repair(s, &r, x);
    } else if (maker >= BY_MOVE) {
        found = acquisition_breed(&b->best, (enum variation_move)(maker - BY_MOVE), &r, x);
    }
    if (!found && maker != BY_SAMPLE && surrogate_learn(&b->m, k)) {
        found = acquisition_best(&b->best, &r, x);
    }
    found = found || search_any(s, &r, x);
    surrogate_remember(&b->m, k, x);
    return found;
}

/* What a result did to the archive; while nothing is feasible, whether it is the least infeasible. */
static enum archive_gain gain_of(struct bayes *b, double violation)
{
    enum archive_gain gain = archive_gain(&b->s->archive, &b->mark);
    bool nearer = b->s->archive.n == 0 && violation < b->least;
    b->least = violation < b->least ? violation : b->least;
    return nearer ? GAIN_BETTER : gain;
}

static void result(void *state, int64_t k, const double *x, const double *f, const double *g, double violation)
{
    struct bayes *b = state;
    if (b->evolution && k >= b->from) {
        evolution_result(b->evolution, k - b->from, x, f, g, violation);
    }
    if (b->evolution && k == b->join) {
        evolution_apart(b->evolution, false);
        evolution_immigrate(b->evolution, b->s->archive.n, b->s->archive.x, b->s->archive.f);
    }
    if (k >= b->until) {
        return;
    }
    surrogate_add(&b->m, k, f, g, violation);
    reward(b, b->maker[k % b->lag], gain_of(b, violation));
}

static bool recall(void *state, int64_t k, const double *x)
{
    struct bayes *b = state;
    if (b->evolution && k >= b->until) {
        double *own = mem_calloc((size_t)b->s->n, sizeof *own);
        bool same =
            evolution_propose(b->evolution, k - b->from, own) && memcmp(own, x, (size_t)b->s->n * sizeof *x) == 0;
        mem_free(own);
        return same;
    }
    struct rng r;
    choose_maker(b, k, &r);
    surrogate_remember(&b->m, k, x);
    return true;
}

/* The model knows trials only; evolution, once it takes over, all. */
static void immigrate(void *state, int n, const double *x, const double *f)
{
    const struct bayes *b = state;
    if (b->evolution) {
        evolution_immigrate(b->evolution, n, x, f);
    }
}

static void *create_bayes(struct search *s, struct err *err)
{
    (void)err;
    return create(s, INT64_MAX, SURVIVE_VOLUME);
}

static void *create_hybrid(struct search *s, struct err *err)
{
    (void)err;
    int64_t half = s->options.plan > HYBRID_MANY ? 0 : s->options.plan / 2;
    int64_t until = half < HYBRID_LEAST ? HYBRID_LEAST : half > HYBRID_MOST ? HYBRID_MOST : half;
    until = until < s->options.plan ? until : INT64_MAX;
    return create(s, until, s->m <= 3 ? SURVIVE_VOLUME : SURVIVE_SHIFT);
}

const struct search_ops search_bayes_ops = {create_bayes, destroy, needs, propose, result, recall, NULL};
const struct search_ops search_hybrid_ops = {create_hybrid, destroy, needs, propose, result, recall, immigrate};
