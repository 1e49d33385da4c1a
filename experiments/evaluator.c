/* One evaluation: slots -> parameters -> accelerator; families -> bit widths and places -> network cost -> metrics -> violations.
 *
 * What an evaluation needs to write on (a network of its own, the mapper's memory) is taken from a pool and given back, so that any thread may
 * evaluate and none allocates once the pool is warm. Every evaluation sets all bit widths anew: nothing of an earlier one is left. */
#include "experiments/evaluator.h"

#include "base/clock.h"
#include "base/mem.h"
#include "experiments/external.h"
#include "experiments/shared_cache.h"
#include "experiments/software.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct bench {
    struct bench *next;
    struct network *network;
    struct network_cost *cost;
    struct mapper_work *work;
    struct op_place *place;      /* [n_ops] */
    struct quantizer *quantizer; /* [n_ops] */
};

struct evaluator {
    const struct study *study;
    struct memo *memo;
    struct db *cache;          /* shared with other studies, or NULL */
    struct external *external; /* NULL: none, or not started */
    struct external *own;      /* the same when it is ours to end */
    atomic_llong hits;         /* evaluations that the cache answered */
    pthread_mutex_t lock;
    struct bench *free_list;
};

struct evaluator *evaluator_new(const struct study *s, struct memo *memo, struct db *cache)
{
    struct evaluator *e = mem_calloc(1, sizeof *e);
    e->study = s;
    e->memo = memo;
    e->cache = cache;
    atomic_init(&e->hits, 0);
    pthread_mutex_init(&e->lock, NULL);
    return e;
}

int evaluator_start(struct evaluator *e, int threads, struct err *err)
{
    if (e->study->evaluator == NULL || e->external != NULL) {
        return 0;
    }
    e->external = e->own = external_open(e->study->evaluator, threads, err);
    return e->external != NULL ? 0 : -1;
}

void evaluator_adopt(struct evaluator *e, struct external *running)
{
    assert(e->external == NULL);
    e->external = running;
}

const struct external *evaluator_external(const struct evaluator *e)
{
    return e->external;
}

int64_t evaluator_cache_hits(struct evaluator *e)
{
    return atomic_load(&e->hits);
}

static struct bench *bench_new(const struct study *s)
{
    struct bench *b = mem_calloc(1, sizeof *b);
    b->network = network_copy(s->network);
    b->cost = network_cost_new(s->network->n_ops);
    b->work = mapper_work_new();
    b->place = mem_calloc((size_t)s->network->n_ops + 1, sizeof *b->place);
    b->quantizer = mem_calloc((size_t)s->network->n_ops + 1, sizeof *b->quantizer);
    return b;
}

static void bench_free(struct bench *b)
{
    network_free(b->network);
    network_cost_free(b->cost);
    mapper_work_free(b->work);
    mem_free(b->place);
    mem_free(b->quantizer);
    mem_free(b);
}

static struct bench *bench_take(struct evaluator *e)
{
    pthread_mutex_lock(&e->lock);
    struct bench *b = e->free_list;
    if (b != NULL) {
        e->free_list = b->next;
    }
    pthread_mutex_unlock(&e->lock);
    return b != NULL ? b : bench_new(e->study);
}

static void bench_give(struct evaluator *e, struct bench *b)
{
    pthread_mutex_lock(&e->lock);
    b->next = e->free_list;
    e->free_list = b;
    pthread_mutex_unlock(&e->lock);
}

void evaluator_free(struct evaluator *e)
{
    if (e == NULL) {
        return;
    }
    external_free(e->own);
    while (e->free_list != NULL) {
        struct bench *next = e->free_list->next;
        bench_free(e->free_list);
        e->free_list = next;
    }
    pthread_mutex_destroy(&e->lock);
    mem_free(e);
}

/* ---- metrics ---- */

static double sum_roles(const double row[TENSOR_ROLE_COUNT])
{
    return row[TENSOR_WEIGHTS] + row[TENSOR_INPUTS] + row[TENSOR_OUTPUTS];
}

/* In base units (J, s, m2, bit, V). */
static void hardware_metrics(const struct accelerator *a, const struct network_cost *c, double *m)
{
    double dram = 0, onchip = 0, network = 0;
    for (int l = 0; l < a->n_levels; l++) {
        double *where = a->level[l].kind == LEVEL_DRAM ? &dram : &onchip;
        *where += sum_roles(c->storage_pj[l]);
        network += sum_roles(c->network_pj[l]);
    }
    m[METRIC_ENERGY] = c->energy_pj * 1e-12;
    m[METRIC_LATENCY] = c->latency_s;
    m[METRIC_AREA] = a->area_mm2 * 1e-6;
    m[METRIC_EDP] = m[METRIC_ENERGY] * m[METRIC_LATENCY];
    m[METRIC_POWER_AVG] = m[METRIC_ENERGY] / m[METRIC_LATENCY];
    m[METRIC_POWER_PEAK] = c->peak_power_w;
    m[METRIC_UTILIZATION] = c->utilization;
    m[METRIC_DRAM_TRAFFIC] = c->dram_bits;
    m[METRIC_ENERGY_DRAM] = dram * 1e-12;
    m[METRIC_ENERGY_ONCHIP] = onchip * 1e-12;
    m[METRIC_ENERGY_NETWORK] = network * 1e-12;
    m[METRIC_ENERGY_MAC] = (c->mac_pj + c->vector_pj) * 1e-12;
    m[METRIC_ENERGY_LEAKAGE] = c->leak_pj * 1e-12;
    m[METRIC_VOLTAGE] = a->voltage_v;
}

static int all_metrics(const struct study *s, const struct accelerator *a, const struct bench *b, double *m,
                       struct err *err)
{
    hardware_metrics(a, b->cost, m);
    struct network_totals totals;
    network_totals(b->network, &totals);
    m[METRIC_WEIGHT_SIZE] = (double)totals.weight_bits;
    m[METRIC_THROUGHPUT] = b->cost->throughput_hz * (double)b->network->batch;
    m[METRIC_ACTIVATION_PEAK] = (double)totals.peak_in_place_bits;
    m[METRIC_KV_SIZE] = (double)totals.cache_bits;
    struct accuracy_result r;
    if (s->accuracy == NULL) {
        return 0;
    }
    if (accuracy_evaluate(s->accuracy, b->network, &r, err) < 0) {
        return -1;
    }
    m[METRIC_ACCURACY] = r.top1_percent;
    m[METRIC_ACCURACY_DROP] = r.drop_pp;
    m[METRIC_SQNR] = r.sqnr_db;
    m[METRIC_SQNR_WORST] = r.sqnr_worst_db;
    m[METRIC_PERPLEXITY] = r.perplexity;
    return 0;
}

/* The stored number is the column's; constraints see that number in base units, so a stored trial violates exactly what a fresh one does. */
static void finish(const struct study *s, double *slots, struct evaluation *out)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        out->metric[i] *= metrics[i].column_scale;
        slots[s->first_metric + i] = out->metric[i] / metrics[i].column_scale;
    }
    for (int i = 0; i < s->n_constraints; i++) {
        out->violation[i] = expr_violation(s->constraint[i].expr, slots);
        if (out->violation[i] > 0) {
            out->state = DB_INFEASIBLE;
        }
    }
}

/* Cut at a whole character: the database keeps UTF-8. */
static void text_copy(char *to, size_t size, const char *from)
{
    size_t n = strnlen(from, size);
    if (n == size) {
        n = size - 1;
        while (n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80) {
            n--;
        }
    }
    memcpy(to, from, n);
    to[n] = '\0';
}

static void give_up(const struct study *s, const struct err *err, struct evaluation *out)
{
    bool misfit = err->code == ERR_NO || err->code == ERR_DATA;
    out->state = misfit ? DB_INFEASIBLE : DB_FAILED;
    text_copy(out->why, sizeof out->why, err->text);
    for (int i = 0; i < METRIC_COUNT; i++) {
        out->metric[i] = NAN;
    }
    for (int i = 0; i < s->n_constraints; i++) {
        out->violation[i] = NAN;
    }
    out->violation[s->n_constraints] = 1;
}

/* ---- the whole ---- */

/* b holds accelerator, bits and places: what the design is. */
static int cost(const struct evaluator *e, const struct network_options *options, struct bench *b,
                struct accelerator *a, double *metric, struct err *err)
{
    if (network_cost_evaluate(a, b->network, b->place, options, e->memo, b->work, b->cost, err) < 0) {
        return -1;
    }
    return all_metrics(e->study, a, b, metric, err);
}

static int cached_cost(struct evaluator *e, const struct network_options *options, struct bench *b,
                       struct accelerator *a, double *metric, struct err *err)
{
    struct hash key = shared_cache_key(a, b->network, b->place, options, e->study->accuracy);
    int known = shared_cache_get(e->cache, key, metric, err);
    if (known != 0) {
        atomic_fetch_add(&e->hits, 1);
        return known < 0 ? -1 : 0;
    }
    int bad = cost(e, options, b, a, metric, err);
    shared_cache_put(e->cache, key, metric, bad ? err : NULL);
    return bad;
}

enum how { HOW_STUDY, HOW_EXPLAINED, HOW_GUESSED };

static int price(struct evaluator *e, enum how how, const double *x, const double *slots, struct bench *b,
                 struct accelerator *a, double *metric, struct network_options *options, struct err *err)
{
    const struct software software = {b->network, b->place, b->quantizer, options};
    const struct study *s = e->study;
    if (template_build(s->hardware, slots, a, err) < 0 || software_set(s, x, slots, &a->mac, &software, err) < 0) {
        return -1;
    }
    if (how == HOW_STUDY && s->evaluator != NULL && s->evaluator->alone) {
        return 0;
    }
    options->roofline = how == HOW_GUESSED;
    return how == HOW_STUDY && e->cache != NULL ? cached_cost(e, options, b, a, metric, err)
                                                : cost(e, options, b, a, metric, err);
}

static int outside(struct evaluator *e, const double *x, const double *slots, const struct bench *b, double *metric,
                   struct strbuf *note, struct err *err)
{
    if (e->external == NULL) {
        return err_set(err, ERR_EVALUATOR, "crashed: the evaluator was not started");
    }
    struct external_design d = {e->study, x, slots, b->network};
    return external_evaluate(e->external, e->cache, &d, metric, note, err);
}

static void run(struct evaluator *e, enum how how, const double *x, struct evaluation *out)
{
    double start = clock_wall_s(), slots[STUDY_SLOTS];
    struct err err = ERR_INIT;
    struct accelerator a;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < METRIC_COUNT; i++) {
        out->metric[i] = NAN;
    }
    struct network_options options;
    struct bench *b = bench_take(e);
    study_slots(e->study, x, slots);
    struct strbuf note = STRBUF_INIT;
    bool asks = how == HOW_STUDY && e->study->evaluator != NULL;
    if (price(e, how, x, slots, b, &a, out->metric, &options, &err) < 0 ||
        (asks && outside(e, x, slots, b, out->metric, &note, &err) < 0)) {
        give_up(e->study, &err, out);
    } else {
        finish(e->study, slots, out);
        text_copy(out->why, sizeof out->why, strbuf_str(&note));
    }
    strbuf_release(&note);
    bench_give(e, b);
    out->us = 1e6 * (clock_wall_s() - start);
}

void evaluator_run(struct evaluator *e, const double *x, struct evaluation *out)
{
    run(e, HOW_STUDY, x, out);
}

void evaluator_guess(struct evaluator *e, const double *x, struct evaluation *out)
{
    const struct study *s = e->study;
    run(e, HOW_GUESSED, x, out);
    for (int i = 0; s->evaluator != NULL && i < s->n_constraints; i++) {
        for (int m = 0; m < METRIC_COUNT; m++) {
            if (s->evaluator->metric[m] && isnan(out->metric[m]) &&
                expr_uses(s->constraint[i].expr, s->first_metric + m)) {
                out->violation[i] = 0;
            }
        }
    }
}

int evaluator_explain(struct evaluator *e, const double *x, struct evaluation_detail *out, struct err *err)
{
    double slots[STUDY_SLOTS];
    memset(out, 0, sizeof *out);
    struct bench *b = bench_new(e->study);
    study_slots(e->study, x, slots);
    double metric[METRIC_COUNT];
    int bad = price(e, HOW_EXPLAINED, x, slots, b, &out->accelerator, metric, &out->options, err);
    if (!bad) {
        out->network = network_copy(b->network);
        out->cost = b->cost;
        out->place = b->place;
        b->cost = NULL;
        b->place = NULL;
    }
    bench_free(b);
    return bad;
}

void evaluation_detail_release(struct evaluation_detail *d)
{
    network_free(d->network);
    network_cost_free(d->cost);
    mem_free(d->place);
    memset(d, 0, sizeof *d);
}

const char *const failure_names[FAILURE_COUNT] = {
    [FAILURE_TIMEOUT] = "timeout",   [FAILURE_CRASHED] = "crashed", [FAILURE_BAD_ANSWER] = "bad answer",
    [FAILURE_REPORTED] = "reported", [FAILURE_MODEL] = "model",
};

enum failure evaluation_failure(const struct evaluation *v)
{
    for (int i = 0; i < FAILURE_MODEL; i++) {
        size_t n = strlen(failure_names[i]);
        if (strncmp(v->why, failure_names[i], n) == 0 && v->why[n] == ':') {
            return (enum failure)i;
        }
    }
    return FAILURE_MODEL;
}

void evaluation_tell(const struct study *s, const struct evaluation *v, double *f, double *g)
{
    bool any = true;
    for (int i = 0; i < s->n_objectives; i++) {
        const struct study_objective *o = &s->objective[i];
        f[i] = o->maximise ? -v->metric[o->metric] : v->metric[o->metric];
        any &= isfinite(f[i]) != 0;
    }
    for (int i = 0; i <= s->n_constraints; i++) {
        g[i] = isnan(v->violation[i]) ? 1 : v->violation[i];
    }
    if (!any || v->state == DB_FAILED) {
        f[0] = NAN;
    }
}
