#include "experiments/elites.h"

#include "base/mem.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void elites_init(struct elites *e, const struct study *s)
{
    *e = (struct elites){.study = s, .from = -1};
    e->x = mem_calloc((size_t)(ELITES_MOST * s->space.n), sizeof *e->x);
    e->f = mem_calloc((size_t)(ELITES_MOST * s->n_objectives), sizeof *e->f);
}

void elites_release(struct elites *e)
{
    mem_free(e->x);
    mem_free(e->f);
    *e = (struct elites){.n = 0};
}

static void print_numbers(const double *v, int n, struct strbuf *out)
{
    for (int i = 0; i < n; i++) {
        strbuf_adds(out, i ? "," : "[");
        strbuf_addf(out, v[i] == 0 && signbit(v[i]) ? "-0.0" : "%.17g", v[i]); /* JSON's integers have no sign of 0 */
    }
    strbuf_adds(out, "]");
}

void elites_print(const struct elites *e, struct strbuf *out)
{
    const struct study *s = e->study;
    strbuf_addf(out, "{\"from\": %d, \"moment\": %lld, \"elites\": [", e->from, (long long)e->moment);
    for (int i = 0; i < e->n; i++) {
        strbuf_addf(out, "%s\n {\"trial\": %lld, \"x\": ", i ? "," : "", (long long)e->trial[i]);
        print_numbers(e->x + (int64_t)i * s->space.n, s->space.n, out);
        strbuf_adds(out, ", \"f\": ");
        print_numbers(e->f + (int64_t)i * s->n_objectives, s->n_objectives, out);
        strbuf_adds(out, "}");
    }
    strbuf_adds(out, "]}\n");
}

static int read_numbers(const json_t *list, double *v, int n)
{
    bool good = json_array_size(list) == (size_t)n;
    for (int i = 0; i < n && good; i++) {
        const json_t *number = json_array_get(list, (size_t)i);
        good = json_is_number(number);
        v[i] = json_number_value(number);
    }
    return good ? 0 : -1;
}

/* A point of the study, in canonical form. */
static bool is_point(const struct study *s, const double *x)
{
    double *copy = mem_calloc((size_t)s->space.n, sizeof *copy);
    memcpy(copy, x, (size_t)s->space.n * sizeof *x);
    space_canonical(&s->space, copy);
    bool same = memcmp(copy, x, (size_t)s->space.n * sizeof *x) == 0;
    mem_free(copy);
    return same;
}

static int read_elite(struct elites *e, json_t *one)
{
    const struct study *s = e->study;
    double *x = e->x + (int64_t)e->n * s->space.n, *f = e->f + (int64_t)e->n * s->n_objectives;
    json_int_t trial;
    json_t *point, *result;
    if (json_unpack(one, "{s:I, s:o, s:o}", "trial", &trial, "x", &point, "f", &result) ||
        read_numbers(point, x, s->space.n) || read_numbers(result, f, s->n_objectives) || !is_point(s, x)) {
        return -1;
    }
    e->trial[e->n++] = trial;
    return 0;
}

int elites_parse(struct elites *e, const char *text, size_t len, const char *name, struct err *err)
{
    json_t *doc = json_loadb(text, len, 0, NULL), *list;
    json_int_t moment;
    int bad = json_unpack(doc, "{s:i, s:I, s:o}", "from", &e->from, "moment", &moment, "elites", &list) ||
              json_array_size(list) > ELITES_MOST;
    e->n = 0;
    e->moment = bad ? 0 : moment;
    for (size_t i = 0; !bad && i < json_array_size(list); i++) {
        bad = read_elite(e, json_array_get(list, i));
    }
    json_decref(doc);
    return bad ? err_set(err, ERR_DATA, "%s does not hold results of the study '%s'", name, e->study->name) : 0;
}

static void fact_name(char *out, size_t size, int64_t moment)
{
    snprintf(out, size, "immigrants_%06lld", (long long)moment);
}

int elites_recall(struct elites *e, const struct db *db, int64_t moment, struct err *err)
{
    char key[64];
    fact_name(key, sizeof key, moment);
    const char *text = db_meta(db, key);
    return text == NULL ? 0 : elites_parse(e, text, strlen(text), key, err) < 0 ? -1 : 1;
}

int elites_store(const struct elites *e, struct db *db, int64_t moment, struct err *err)
{
    char key[64];
    struct strbuf text = STRBUF_INIT;
    fact_name(key, sizeof key, moment);
    elites_print(e, &text);
    int bad = db_put_meta(db, key, strbuf_str(&text), err);
    strbuf_release(&text);
    return bad;
}
