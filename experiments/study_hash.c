/* The two hashes that say what a study is: the space (which designs are asked) and the model (what they cost). */
#include "base/embed.h"
#include "base/strbuf.h"
#include "experiments/study_raw.h"

#include <string.h>

static void family_canonical(const struct study_family *f, struct strbuf *out)
{
    strbuf_addf(out, "%s per %d x %d kind %d:", f->name, (int)f->per, f->count, (int)f->kind);
    for (int64_t i = 0; i < f->n_levels; i++) {
        strbuf_addf(out, " %.17g", f->level[i]);
    }
    if (f->when != NULL) {
        strbuf_adds(out, " when ");
        expr_print(f->when, out);
    }
    strbuf_adds(out, "\n");
}

static void hash_space(struct study *s)
{
    struct strbuf t = STRBUF_INIT;
    for (int i = 0; i < s->n_families; i++) {
        family_canonical(&s->family[i], &t);
        const struct variable *v = &s->space.var[s->family[i].first];
        strbuf_addf(&t, "%.17g %.17g %d\n", v->lo, v->hi, v->log);
    }
    for (int i = 0; i < s->n_objectives; i++) {
        strbuf_addf(&t, "objective %s %s\n", metrics[s->objective[i].metric].name,
                    s->objective[i].maximise ? "max" : "min");
    }
    for (int i = 0; i < s->n_constraints; i++) {
        strbuf_addf(&t, "constraint %s\n", s->constraint[i].text);
    }
    if (s->lag > 0) {
        strbuf_addf(&t, "lag %lld\n", (long long)s->lag);
    }
    for (int i = 0; s->cells && i < s->n_objectives; i++) {
        strbuf_addf(&t, "epsilon %.17g\n", s->epsilon[i]);
    }
    if (s->guess) {
        strbuf_adds(&t, "fidelity roofline\n");
    }
    for (int i = 0; i < s->n_start; i++) {
        strbuf_addf(&t, "start %s\n", s->start[i]);
    }
    strbuf_addf(&t, "search %s population %lld seed %llu\n", s->algorithm, (long long)s->population,
                (unsigned long long)s->seed);
    s->space_hash = hash_bytes(t.buf, t.len);
    strbuf_release(&t);
}

/* The built-in tables of constants: a changed row is another model. */
static void hash_tables(struct strbuf *out)
{
    int n;
    const struct embed *e = embed_list(&n);
    for (int i = 0; i < n; i++) {
        if (strncmp(e[i].path, "hw/technology/", 14) == 0 || strncmp(e[i].path, "sw/accuracy/", 12) == 0) {
            char hex[HASH_HEX];
            hash_hex(hash_bytes(e[i].data, e[i].len), hex);
            strbuf_addf(out, "%s %s\n", e[i].path, hex);
        }
    }
}

static void hash_model(struct study *s)
{
    struct strbuf t = STRBUF_INIT;
    strbuf_adds(&t, MODEL_VERSION "\n");
    hash_tables(&t);
    char hex[HASH_HEX];
    hash_hex(template_digest(s->hardware), hex);
    strbuf_addf(&t, "template %s\n", hex);
    int n_params;
    const struct template_param *params = template_params(s->hardware, &n_params);
    for (int i = 0; i < s->n_params; i++) {
        bool varies = false;
        for (int k = 0; k < s->n_families; k++) {
            varies |=
                s->family[k].binding == BIND_PARAMETER && s->family[k].parameter == i && s->family[k].when == NULL;
        }
        if (!varies) {
            strbuf_addf(&t, "fixed %s %.17g\n", params[i].name, s->fixed[i]);
        }
    }
    network_canonical(s->network, &t);
    if (s->accuracy != NULL) {
        accuracy_canonical(s->accuracy, &t);
    }
    for (int m = 0; s->evaluator != NULL && m < METRIC_COUNT; m++) {
        if (s->evaluator->metric[m]) {
            strbuf_addf(&t, "evaluator%s %s\n", s->evaluator->alone ? " alone" : "", metrics[m].name);
        }
    }
    if (s->kv_group > 0) {
        strbuf_addf(&t, "kv group %d\n", s->kv_group);
    }
    if (s->quantized || s->kv_bits > 0 || s->acc_bits > 0) {
        const struct quantizer *q = &s->quantizer;
        strbuf_addf(&t, "quantization %d %s %s %d %d %d kv %d acc %d\n", s->quantized, number_format_names[q->format],
                    quantizer_per_names[q->per], q->group, q->scale_bits, q->zero_bits, s->kv_bits, s->acc_bits);
    }
    if (s->fusion) {
        strbuf_adds(&t, "fusion elementwise\n");
    }
    strbuf_addf(&t, "bits %d goal %s budget %lld\n", s->fixed_bits, goal_names[s->goal], (long long)s->mapper_budget);
    s->model_hash = hash_bytes(t.buf, t.len);
    strbuf_release(&t);
}

void study_evaluator_is(struct study *s, const char *name, const char *version)
{
    char hex[HASH_HEX];
    struct strbuf t = STRBUF_INIT;
    hash_hex(s->model_hash, hex);
    strbuf_addf(&t, "%s\nevaluator %s\nversion %s\n", hex, name, version);
    s->model_hash = hash_bytes(t.buf, t.len);
    strbuf_release(&t);
}

void study_hash(struct study *s)
{
    hash_space(s);
    hash_model(s);
}
