/* One design through the external evaluator: the request, the cache of answers, and how an answer meets what our own model said. */
#include "experiments/external.h"
#include "experiments/external_request.h"
#include "experiments/shared_cache.h"

#include <math.h>

/* What our model says of a number that the evaluator replaced no longer holds: products are made anew, parts and what follows from it are unknown. */
static void settle(const bool *given, double *m)
{
    static const struct {
        enum metric_id of, part;
    } parts[] = {{METRIC_ENERGY, METRIC_ENERGY_DRAM},    {METRIC_ENERGY, METRIC_ENERGY_ONCHIP},
                 {METRIC_ENERGY, METRIC_ENERGY_MAC},     {METRIC_ENERGY, METRIC_ENERGY_NETWORK},
                 {METRIC_ENERGY, METRIC_ENERGY_LEAKAGE}, {METRIC_ENERGY, METRIC_POWER_PEAK},
                 {METRIC_LATENCY, METRIC_POWER_PEAK},    {METRIC_LATENCY, METRIC_THROUGHPUT},
                 {METRIC_LATENCY, METRIC_UTILIZATION},   {METRIC_ACCURACY, METRIC_ACCURACY_DROP},
                 {METRIC_ACCURACY_DROP, METRIC_ACCURACY}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (given[parts[i].of] && !given[parts[i].part]) {
            m[parts[i].part] = NAN;
        }
    }
    if (given[METRIC_ENERGY] || given[METRIC_LATENCY]) {
        m[METRIC_EDP] = given[METRIC_EDP] ? m[METRIC_EDP] : m[METRIC_ENERGY] * m[METRIC_LATENCY];
        m[METRIC_POWER_AVG] = given[METRIC_POWER_AVG] ? m[METRIC_POWER_AVG] : m[METRIC_ENERGY] / m[METRIC_LATENCY];
    }
}

/* Asks the evaluator, or the cache when it answered this before; failures are never kept there. metric[]: in the columns' units. */
static enum external_outcome recall_or_ask(struct external *e, struct db *cache, struct hash key, const char *id,
                                           const char *line, double metric[METRIC_COUNT], struct strbuf *why)
{
    struct err known = ERR_INIT;
    int have = cache != NULL ? shared_cache_get(cache, key, metric, &known) : 0;
    if (have != 0) {
        strbuf_adds(why, known.text);
        return have < 0 ? EXTERNAL_INFEASIBLE : EXTERNAL_OK;
    }
    enum external_outcome outcome = external_price(e, id, line, metric, why);
    if (cache != NULL && outcome == EXTERNAL_OK) {
        shared_cache_put(cache, key, metric, NULL);
    } else if (cache != NULL && outcome == EXTERNAL_INFEASIBLE) {
        err_set(&known, ERR_NO, "%s", strbuf_str(why));
        shared_cache_put(cache, key, metric, &known);
    }
    return outcome;
}

static struct hash answer_key(const struct external_hello *h, const struct network *net, const struct strbuf *body)
{
    struct strbuf t = STRBUF_INIT;
    strbuf_addf(&t, "external %s\nversion %s\n", h->name, h->version);
    network_canonical(net, &t);
    strbuf_add(&t, body->buf, body->len);
    struct hash key = hash_bytes(t.buf, t.len);
    strbuf_release(&t);
    return key;
}

int external_evaluate(struct external *e, struct db *cache, const struct external_design *d,
                      double metric[METRIC_COUNT], struct strbuf *note, struct err *err)
{
    const struct study_evaluator *spec = d->study->evaluator;
    double answer[METRIC_COUNT];
    for (int i = 0; i < METRIC_COUNT; i++) {
        answer[i] = NAN;
    }
    char id[HASH_HEX];
    hash_hex(study_design_hash(d->study, d->x), id);
    struct strbuf body = STRBUF_INIT, line = STRBUF_INIT, why = STRBUF_INIT;
    external_request_body(d->study, d->x, d->slots, d->network, spec->alone ? NULL : metric, &body);
    external_request_line(id, d->study->name, strbuf_str(&body), &line);
    struct hash key = answer_key(external_says(e), d->network, &body);
    enum external_outcome outcome = recall_or_ask(e, cache, key, id, strbuf_str(&line), answer, &why);
    int bad = 0;
    if (outcome == EXTERNAL_OK) {
        for (int i = 0; i < METRIC_COUNT; i++) {
            metric[i] = spec->metric[i] ? answer[i] / metrics[i].column_scale : metric[i];
        }
        settle(spec->metric, metric);
        strbuf_addf(note, why.len > 0 ? "tried again after %s" : "%s", strbuf_str(&why));
    } else {
        bad = err_set(err, outcome == EXTERNAL_INFEASIBLE ? ERR_NO : ERR_EVALUATOR, "%s", strbuf_str(&why));
    }
    strbuf_release(&body);
    strbuf_release(&line);
    strbuf_release(&why);
    return bad;
}
