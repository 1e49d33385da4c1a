#include "experiments/external_answer.h"

#include "base/mem.h"
#include "experiments/dovetail_evaluator.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#define QUOTE 60 /* of a line that is no JSON */

const char *const external_outcome_names[EXTERNAL_OUTCOME_COUNT] = {
    [EXTERNAL_OK] = "ok",           [EXTERNAL_INFEASIBLE] = "infeasible", [EXTERNAL_REPORTED] = "reported",
    [EXTERNAL_TIMEOUT] = "timeout", [EXTERNAL_CRASHED] = "crashed",       [EXTERNAL_BAD_ANSWER] = "bad answer"};

static void quote(const struct strbuf *line, struct strbuf *out)
{
    strbuf_adds(out, "'");
    for (size_t i = 0; i < line->len && i < QUOTE; i++) {
        char c = line->buf[i];
        strbuf_add(out, c >= ' ' && c < 127 ? &c : "?", 1);
    }
    strbuf_adds(out, line->len > QUOTE ? "...'" : "'");
}

/* An object, or NULL and why. */
static json_t *read_object(const struct strbuf *line, struct strbuf *why)
{
    json_error_t error;
    json_t *doc = json_loadb(strbuf_str(line), line->len, JSON_REJECT_DUPLICATES, &error);
    if (doc == NULL) {
        bool nan = strstr(strbuf_str(line), "NaN") != NULL || strstr(strbuf_str(line), "Infinity") != NULL ||
                   strstr(strbuf_str(line), "nan") != NULL || strstr(strbuf_str(line), "inf") != NULL;
        strbuf_adds(why, nan ? "a number that is not finite is no JSON: " : "no JSON: ");
        quote(line, why);
        return NULL;
    }
    if (!json_is_object(doc)) {
        strbuf_adds(why, "no JSON object: ");
        quote(line, why);
        json_decref(doc);
        return NULL;
    }
    return doc;
}

/* ---- the greeting ---- */

static int metric_of_column(const char *column)
{
    for (int m = 0; m < METRIC_COUNT; m++) {
        if (strcmp(metrics[m].column, column) == 0) {
            return m;
        }
    }
    return -1;
}

static int read_metrics(const json_t *list, struct external_hello *hello, struct strbuf *why)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        const char *name = json_string_value(item);
        int m = name != NULL ? metric_of_column(name) : -1;
        int plain = name != NULL ? metric_find(name) : -1;
        if (m < 0 && plain >= 0) {
            strbuf_addf(why, "metrics are named with their unit: '%s', not '%s'", metrics[plain].column, name);
            return -1;
        }
        if (m < 0) {
            strbuf_addf(why, "it offers '%.100s', which is no metric", name != NULL ? name : "?");
            return -1;
        }
        hello->metric[m] = true;
    }
    return 0;
}

int external_read_hello(const struct strbuf *line, struct external_hello *hello, struct strbuf *why)
{
    *hello = (struct external_hello){0};
    json_t *doc = read_object(line, why);
    if (doc == NULL) {
        return -1;
    }
    const json_t *abi = json_object_get(doc, "dovetail_evaluator"), *list = json_object_get(doc, "metrics");
    const char *name = json_string_value(json_object_get(doc, "name"));
    const char *version = json_string_value(json_object_get(doc, "version"));
    int bad = -1;
    if (!json_is_integer(abi) || json_integer_value(abi) != DOVETAIL_EVALUATOR_ABI) {
        strbuf_addf(why, "its first line has no \"dovetail_evaluator\": %d", DOVETAIL_EVALUATOR_ABI);
    } else if (name == NULL || version == NULL || name[0] == '\0' || version[0] == '\0') {
        strbuf_adds(why, "its first line has no \"name\" or no \"version\" (texts)");
    } else if (!json_is_array(list) || json_array_size(list) == 0) {
        strbuf_adds(why, "its first line has no \"metrics\" (a list of names)");
    } else {
        bad = read_metrics(list, hello, why);
        hello->name = mem_strdup(name);
        hello->version = mem_strdup(version);
    }
    json_decref(doc);
    return bad;
}

void external_hello_release(struct external_hello *hello)
{
    mem_free(hello->name);
    mem_free(hello->version);
    *hello = (struct external_hello){0};
}

/* ---- an answer ---- */

/* A value that the metric can have. */
static int check_value(const struct metric *m, const json_t *v, double *out, struct strbuf *why)
{
    if (!json_is_number(v)) {
        strbuf_addf(why, "'%s' is no number", m->column);
        return -1;
    }
    *out = json_number_value(v);
    bool low = m->goal < 0 && *out<m->bound * m->column_scale, high = m->goal> 0 && *out > m->bound * m->column_scale;
    if (!isfinite(*out)) {
        strbuf_addf(why, "'%s' is not finite", m->column);
        return -1;
    }
    bool negative = m->goal > 0 && *out < 0 && strcmp(m->unit, "dB") != 0;
    if (low || high || negative) {
        strbuf_addf(why, "'%s' cannot be %g", m->column, *out);
        return -1;
    }
    return 0;
}

static int read_values(json_t *doc, const struct external_hello *hello, double metric[METRIC_COUNT], struct strbuf *why)
{
    const char *key;
    json_t *v;
    bool have[METRIC_COUNT] = {false};
    json_object_foreach(doc, key, v)
    {
        int m = metric_of_column(key);
        if (strcmp(key, "id") == 0) {
            continue;
        }
        if (m < 0 || !hello->metric[m]) {
            strbuf_addf(why, "it holds '%.100s', which the first line did not name", key);
            return -1;
        }
        if (check_value(&metrics[m], v, &metric[m], why) < 0) {
            return -1;
        }
        have[m] = true;
    }
    for (int m = 0; m < METRIC_COUNT; m++) {
        if (hello->metric[m] && !have[m]) {
            strbuf_addf(why, "'%s' is missing", metrics[m].column);
            return -1;
        }
    }
    return 0;
}

static enum external_outcome read_excuse(json_t *doc, const char *key, enum external_outcome outcome,
                                         struct strbuf *why)
{
    const char *text = json_string_value(json_object_get(doc, key));
    if (text == NULL || json_object_size(doc) != 2) {
        strbuf_addf(why, "\"%s\" goes with a text and an \"id\", and nothing else", key);
        return EXTERNAL_BAD_ANSWER;
    }
    strbuf_adds(why, text);
    return outcome;
}

enum external_outcome external_read_answer(const struct strbuf *line, const struct external_hello *hello,
                                           const char *id, double metric[METRIC_COUNT], struct strbuf *why)
{
    json_t *doc = read_object(line, why);
    if (doc == NULL) {
        return EXTERNAL_BAD_ANSWER;
    }
    const char *about = json_string_value(json_object_get(doc, "id"));
    enum external_outcome outcome;
    if (about == NULL || strcmp(about, id) != 0) {
        strbuf_addf(why, about == NULL ? "it has no \"id\"" : "it is about another design: \"id\" is '%.40s'", about);
        outcome = EXTERNAL_BAD_ANSWER;
    } else if (json_object_get(doc, "infeasible") != NULL) {
        outcome = read_excuse(doc, "infeasible", EXTERNAL_INFEASIBLE, why);
    } else if (json_object_get(doc, "failed") != NULL) {
        outcome = read_excuse(doc, "failed", EXTERNAL_REPORTED, why);
    } else {
        outcome = read_values(doc, hello, metric, why) < 0 ? EXTERNAL_BAD_ANSWER : EXTERNAL_OK;
    }
    json_decref(doc);
    return outcome;
}
