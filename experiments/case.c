/* The answer to a case. Counts are per instance, as Timeloop prints them (`instances` are those that work at all; the mean over them where
 * factors are imperfect), and under "total" summed over all of them, as a walk of the loop nest counts them. */
#include "experiments/case.h"

#include "base/strbuf.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An integer where it is one. */
static json_t *number(double x)
{
    return x == floor(x) && fabs(x) < 0x1p53 ? json_integer((json_int_t)x) : json_real(x);
}

static json_t *tensor_json(const struct tensor_cost *t, int64_t instances)
{
    static const char *const names[] = {"reads", "fills", "updates", "drains", "forwards"};
    const int64_t counts[] = {t->reads, t->fills, t->updates, t->drains, t->forwards};
    int n = t->forwards > 0 ? 5 : 4;
    json_t *o = json_object(), *total = json_object();
    json_object_set_new(o, "tile", json_integer(t->tile));
    json_object_set_new(o, "instances", json_integer(instances));
    for (int i = 0; i < n; i++) {
        json_object_set_new(o, names[i], number((double)counts[i] / (double)instances));
        json_object_set_new(total, names[i], json_integer(counts[i]));
    }
    json_object_set_new(o, "energy_pj", number(t->energy_pj));
    json_object_set_new(o, "total", total);
    return o;
}

static json_t *level_json(const struct case_problem *p, const struct cost *c, int l)
{
    const struct level_cost *lc = &c->level[l];
    json_t *o = json_object(), *tensors = json_object();
    json_object_set_new(o, "cycles", number(fmax(lc->cycles, (double)c->compute_cycles)));
    for (int t = 0; t < p->einsum.n_tensors; t++) {
        if (p->mapping.level[l].keep >> t & 1) {
            json_object_set_new(tensors, p->einsum.tensor[t].name, tensor_json(&lc->tensor[t], lc->instances_used));
        }
    }
    json_object_set_new(o, "tensors", tensors);
    return o;
}

static json_t *answer(const struct case_problem *p, const struct cost *c, enum accounting accounting)
{
    json_t *o = json_object(), *levels = json_object();
    json_object_set_new(o, "id", json_string(p->id));
    json_object_set_new(o, "accounting", json_string(accounting_names[accounting]));
    json_object_set_new(o, "fidelity", json_string(fidelity_names[c->fidelity]));
    json_object_set_new(o, "cycles", number(c->cycles));
    json_object_set_new(o, "compute_cycles", json_integer(c->compute_cycles));
    json_object_set_new(o, "computes", json_integer(c->macs));
    json_object_set_new(o, "energy_pj", number(c->energy_pj));
    for (int l = 0; l < p->accelerator.n_levels; l++) {
        json_object_set_new(levels, p->accelerator.level[l].name, level_json(p, c, l));
    }
    json_object_set_new(o, "levels", levels);
    return o;
}

int case_run(const char *line, size_t len, enum accounting accounting, struct strbuf *out)
{
    struct case_problem p;
    struct cost cost;
    struct err err = ERR_INIT;
    const struct cost_options options = {accounting, FIDELITY_BANDWIDTH};
    json_t *o;
    int rc = case_read(line, len, &p, &err);
    for (int l = 0; rc == 0 && l < p.accelerator.n_levels && p.link_transfers && accounting != ACCOUNTING_EXACT; l++) {
        p.accelerator.level[l].links = true;
    }
    if (rc == 0) {
        rc = cost_evaluate(&p.accelerator, &p.einsum, &p.mapping, &options, &cost, &err);
    }
    if (rc == 0) {
        o = answer(&p, &cost, accounting);
    } else {
        o = json_pack("{s:o, s:s}", "id", p.id[0] != '\0' ? json_string(p.id) : json_null(), "error", err.text);
    }
    char *text = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
    strbuf_addf(out, "%s\n", text != NULL ? text : "{\"id\":null,\"error\":\"not UTF-8\"}");
    free(text);
    json_decref(o);
    return rc;
}
