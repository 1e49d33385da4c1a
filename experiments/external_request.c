#include "experiments/external_request.h"

#include "experiments/record.h"
#include "experiments/study_space.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

/* Whole numbers are written as such: 16 rows, not 16.0. */
static json_t *number(double v)
{
    return v == floor(v) && fabs(v) < 9e15 ? json_integer((json_int_t)v) : json_real(v);
}

/* Names of layers come from model files: one that is no UTF-8 is shown as such. */
static json_t *label(const char *text)
{
    json_t *out = json_string(text);
    return out != NULL ? out : json_string("(no UTF-8)");
}

static void set_named(json_t *object, const char *name, const char *suffix, json_t *value)
{
    struct strbuf key = STRBUF_INIT;
    strbuf_addf(&key, "%s%s", name, suffix);
    json_object_set_new(object, strbuf_str(&key), value);
    strbuf_release(&key);
}

static json_t *family_value(const struct study *s, const struct study_family *f, const double *x, int member)
{
    int n;
    const char *const *labels = study_labels(s, f, &n);
    double v = study_level(s, f, x, member);
    return f->kind == VALUE_NUMBER ? number(v * column_unit(f->dim)->scale) : label(labels[(int)v]);
}

/* What varies; one value a block or layer by its name. */
static json_t *design(const struct study *s, const double *x, const double *slots)
{
    json_t *out = json_object();
    for (int i = 0; i < s->n_families; i++) {
        const struct study_family *f = &s->family[i];
        const char *suffix = f->kind == VALUE_NUMBER ? column_unit(f->dim)->suffix : "";
        if (f->when != NULL && expr_eval(f->when, slots) == 0) {
            continue;
        }
        if (f->per == PER_NETWORK) {
            set_named(out, f->name, suffix, family_value(s, f, x, 0));
            continue;
        }
        json_t *members = json_object();
        for (int k = 0; k < f->count; k++) {
            json_object_set_new(members, study_member_name(s, f, k), family_value(s, f, x, k));
        }
        set_named(out, f->name, suffix, members);
    }
    return out;
}

static bool varies(const struct study *s, int parameter)
{
    for (int i = 0; i < s->n_families; i++) {
        if (s->family[i].binding == BIND_PARAMETER && s->family[i].parameter == parameter) {
            return true;
        }
    }
    return false;
}

/* The template's parameters that the space leaves alone. */
static json_t *fixed(const struct study *s)
{
    json_t *out = json_object();
    for (int i = 0; i < s->n_params; i++) {
        struct domain_type t;
        study_param_type(s, i, &t);
        if (varies(s, i)) {
            continue;
        }
        if (t.kind == VALUE_NUMBER) {
            const struct column_unit *u = column_unit(t.dim);
            set_named(out, t.name, u->suffix, number(s->fixed[i] * u->scale));
        } else if (t.labels != NULL && s->fixed[i] >= 0 && s->fixed[i] < t.n_labels) {
            json_object_set_new(out, t.name, json_string(t.labels[(int)s->fixed[i]]));
        } else {
            json_object_set_new(out, t.name, number(s->fixed[i]));
        }
    }
    return out;
}

static json_t *known_metrics(const double *known)
{
    json_t *out = json_object();
    for (int m = 0; known != NULL && m < METRIC_COUNT; m++) {
        if (isfinite(known[m])) {
            json_object_set_new(out, metrics[m].column, json_real(known[m] * metrics[m].column_scale));
        }
    }
    return out;
}

static json_t *layers(const struct network *net)
{
    json_t *out = json_array();
    for (int i = 0; i < net->n_ops; i++) {
        const struct op *op = &net->op[i];
        if (op->kind == OP_TENSOR) {
            const struct quantizer *q = &op->w_quantizer;
            json_t *layer =
                json_pack("{s:o, s:i, s:i}", "name", label(op->name), "w_bits", op->w_bits, "a_bits", op->a_bits);
            if (op->weights_input < 0) {
                json_object_set_new(layer, "w_format", json_string(number_format_names[q->format]));
                json_object_set_new(layer, "w_per", json_string(quantizer_per_names[q->per]));
            }
            if (op->weights_input < 0 && q->per == QUANTIZER_GROUP) {
                json_object_set_new(layer, "w_group", json_integer(q->group));
            }
            json_array_append_new(out, layer);
        }
    }
    return out;
}

void external_request_body(const struct study *s, const double *x, const double *slots, const struct network *net,
                           const double *known, struct strbuf *out)
{
    json_t *doc = json_pack("{s:o, s:I, s:o, s:o, s:o, s:o}", "model", label(net->name), "batch",
                            (json_int_t)net->batch, "design", design(s, x, slots), "fixed", fixed(s), "known",
                            known_metrics(known), "layers", layers(net));
    if (net->kv_bits > 0) {
        json_object_set_new(doc, "kv_bits", json_integer(net->kv_bits));
    }
    char *text = json_dumps(doc, JSON_COMPACT);
    strbuf_adds(out, text + 1);
    free(text);
    json_decref(doc);
}

void external_request_line(const char *id, const char *study, const char *body, struct strbuf *out)
{
    strbuf_addf(out, "{\"id\":\"%s\",\"study\":\"%s\",%s", id, study, body);
}
