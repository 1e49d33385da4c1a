/* `evaluator:` of a study file. The program is not started here: reading, validating and asking a study run nothing. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "experiments/study_raw.h"

#include <string.h>

static int read_command(struct study_evaluator *e, const struct node *node, struct diags *d)
{
    bool list = node->kind == NODE_SEQUENCE && node->n_children > 0;
    for (int i = 0; list && i < node->n_children; i++) {
        list = node->child[i].kind == NODE_SCALAR;
    }
    if (!list && node->kind != NODE_SCALAR) {
        return diags_error(d, node->mark, "write [python3, accuracy.py]", "'command' is a program and its arguments");
    }
    if (!list) {
        static const char *const shell[] = {"/bin/sh", "-c"};
        e->command = mem_calloc(4, sizeof *e->command);
        e->command[0] = mem_strdup(shell[0]);
        e->command[1] = mem_strdup(shell[1]);
        e->command[2] = mem_strdup(node->text);
        e->n_command = 3;
        return 0;
    }
    e->command = mem_calloc((size_t)node->n_children + 1, sizeof *e->command);
    for (int i = 0; i < node->n_children; i++) {
        e->command[e->n_command++] = mem_strdup(node->child[i].text);
    }
    return 0;
}

static int read_metrics(struct study_evaluator *e, const struct node *list, struct diags *d)
{
    if (list->kind != NODE_SEQUENCE || list->n_children == 0) {
        return diags_error(d, list->mark, "write [accuracy]", "'metrics' is a list of metrics");
    }
    const char *names[METRIC_COUNT];
    for (int m = 0; m < METRIC_COUNT; m++) {
        names[m] = metrics[m].name;
    }
    int bad = 0;
    for (int i = 0; i < list->n_children; i++) {
        const struct node *c = &list->child[i];
        int m = c->kind == NODE_SCALAR ? metric_find(c->text) : -1;
        if (m < 0) {
            const char *near = c->kind == NODE_SCALAR ? suggest(c->text, names, METRIC_COUNT) : NULL;
            struct strbuf help = STRBUF_INIT;
            strbuf_addf(&help, "did you mean '%s'?", near != NULL ? near : "");
            bad = diags_error(d, c->mark, near != NULL ? strbuf_str(&help) : NULL, "'%s' is no metric",
                              c->kind == NODE_SCALAR ? c->text : "this");
            strbuf_release(&help);
        } else {
            e->metric[m] = true;
        }
    }
    return bad;
}

static char *taken(char **text)
{
    char *t = *text;
    *text = NULL;
    return t;
}

int study_read_evaluator(struct study *s, struct raw_evaluator *raw, const struct node *node, struct diags *d)
{
    if (node == NULL || node->kind != NODE_MAPPING) {
        return 0;
    }
    struct study_evaluator *e = mem_calloc(1, sizeof *e);
    s->evaluator = e;
    e->timeout_s = raw->timeout;
    e->startup_s = raw->startup;
    e->retries = (int)raw->retries;
    e->max_failures = (int)raw->max_failures;
    e->workers = (int)raw->workers;
    e->alone = !raw->model;
    e->library = taken(&raw->library);
    e->name = taken(&raw->name);
    e->version = taken(&raw->version);
    int bad = raw->metrics != NULL ? read_metrics(e, raw->metrics, d) : -1;
    if ((raw->command != NULL) == (e->library != NULL)) {
        bad = diags_error(d, node->mark, "write command: [python3, accuracy.py] or library: ./accuracy.so",
                          "an evaluator is either a 'command' or a 'library'");
    } else if (raw->command != NULL) {
        bad |= read_command(e, raw->command, d);
    }
    return bad;
}

void study_evaluator_forget(struct raw_evaluator *raw)
{
    mem_free(raw->library);
    mem_free(raw->name);
    mem_free(raw->version);
}

void study_evaluator_free(struct study_evaluator *e)
{
    if (e == NULL) {
        return;
    }
    for (int i = 0; i < e->n_command; i++) {
        mem_free(e->command[i]);
    }
    mem_free(e->command);
    mem_free(e->library);
    mem_free(e->name);
    mem_free(e->version);
    mem_free(e);
}

bool study_has_metric(const struct study *s, enum metric_id m)
{
    const struct study_evaluator *e = s->evaluator;
    bool product = m == METRIC_EDP || m == METRIC_POWER_AVG;
    if (e != NULL && (e->metric[m] || e->alone)) {
        return e->metric[m] || (product && e->metric[METRIC_ENERGY] && e->metric[METRIC_LATENCY]);
    }
    static const struct {
        enum metric_id metric;
        enum accuracy_metric said;
    } accuracies[] = {{METRIC_ACCURACY, ACCURACY_TOP1},
                      {METRIC_ACCURACY_DROP, ACCURACY_DROP},
                      {METRIC_SQNR, ACCURACY_SQNR_OUT},
                      {METRIC_SQNR_WORST, ACCURACY_SQNR_WORST},
                      {METRIC_PERPLEXITY, ACCURACY_PERPLEXITY}};
    for (size_t i = 0; i < sizeof accuracies / sizeof *accuracies; i++) {
        if (accuracies[i].metric == m) { /* one that could not be read has its own error */
            return s->accuracy != NULL ? accuracy_has(s->accuracy, accuracies[i].said) : s->has_proxy;
        }
    }
    return true;
}
