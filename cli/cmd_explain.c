/* dovetail explain [NAME]: what a metric, or a parameter of a template, means, in which unit, and what it may be. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/cli.h"
#include "cli/param_text.h"
#include "experiments/metrics.h"

#include <stdio.h>
#include <string.h>

struct explain_opts {
    const char *arch;
};

/* clang-format off */
static const struct opt options[] = {
    {"arch", 0, OPT_STRING, offsetof(struct explain_opts, arch), "TEMPLATE", .help = "whose parameters (default: edge_npu)"},
    OPT_END
};
/* clang-format on */

static const struct explain_opts defaults = {.arch = "edge_npu"};

static const char *goal_of(const struct metric *m)
{
    return m->goal > 0 ? "max" : m->goal < 0 ? "min" : "";
}

static json_t *metric_json(const struct metric *m)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "metric", "name", m->name, "column", m->column, "unit",
                     m->unit, "goal", goal_of(m), "what", m->what);
}

static void metric_say(const struct metric *m)
{
    printf("%-16s %-17s %-4s %s\n", m->name, m->column, goal_of(m), m->what);
}

/* "10MHz to 4GHz", "plain, shared_l2". */
static void legal_text(const struct template_param *p, struct strbuf *out)
{
    if (p->type == PARAM_CHOICE) {
        for (int i = 0; i < p->n_labels; i++) {
            strbuf_addf(out, "%s%s", i > 0 ? ", " : "", p->labels[i]);
        }
    } else if (p->type == PARAM_BOOL) {
        strbuf_adds(out, "true, false");
    } else {
        param_text(p, p->min, out);
        strbuf_adds(out, " to ");
        param_text(p, p->max, out);
    }
}

static json_t *param_json(const struct template_param *p, const char *def, const char *legal)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "parameter", "name", p->name, "type",
                     param_type_names[p->type], "default", def, "values", legal, "what", p->help);
}

/* Appends to `list`, or prints where it is NULL. */
static void show_param(const struct template_param *p, json_t *list)
{
    struct strbuf def = STRBUF_INIT, legal = STRBUF_INIT;
    param_text(p, p->def, &def);
    legal_text(p, &legal);
    if (list != NULL) {
        json_array_append_new(list, param_json(p, strbuf_str(&def), strbuf_str(&legal)));
    } else {
        printf("%-16s %-17s %s\n%-34s %s\n", p->name, strbuf_str(&def), p->help, "", strbuf_str(&legal));
    }
    strbuf_release(&def);
    strbuf_release(&legal);
}

static void show_metric(const struct metric *m, json_t *list)
{
    if (list != NULL) {
        json_array_append_new(list, metric_json(m));
    } else {
        metric_say(m);
    }
}

static void show_all(const struct template *t, const char *arch, json_t *list)
{
    int n;
    const struct template_param *p = template_params(t, &n);
    if (list == NULL) {
        printf("metrics: name, column of the database, goal\n");
    }
    for (int m = 0; m < METRIC_COUNT; m++) {
        show_metric(&metrics[m], list);
    }
    if (list == NULL) {
        printf("\nparameters of %s: name, default, legal values\n", arch);
    }
    for (int i = 0; i < n; i++) {
        show_param(&p[i], list);
    }
}

static int unknown(const struct cli *cli, const struct template *t, const char *name)
{
    int n;
    const struct template_param *p = template_params(t, &n);
    const char **names = mem_calloc((size_t)(METRIC_COUNT + n), sizeof *names);
    for (int m = 0; m < METRIC_COUNT; m++) {
        names[m] = metrics[m].name;
    }
    for (int i = 0; i < n; i++) {
        names[METRIC_COUNT + i] = p[i].name;
    }
    int status = cli_unknown(cli, "metric or parameter", name, names, METRIC_COUNT + n);
    mem_free(names);
    return status;
}

static int show(const struct cli *cli, const struct template *t, const struct explain_opts *o, int n_args,
                const char *const *args)
{
    json_t *list = cli->json ? json_array() : NULL;
    if (n_args == 0) {
        show_all(t, o->arch, list);
    }
    for (int a = 0; a < n_args; a++) {
        int m = metric_find(args[a]), p = template_param(t, args[a]), n;
        if (m < 0 && p < 0) {
            json_decref(list);
            return unknown(cli, t, args[a]);
        }
        if (m >= 0) {
            show_metric(&metrics[m], list);
        } else {
            show_param(&template_params(t, &n)[p], list);
        }
    }
    return list != NULL ? cli_json(list) : 0;
}

static int run(struct cli *cli, const void *values, int n_args, const char *const *args)
{
    const struct explain_opts *o = values;
    struct diags d = DIAGS_INIT;
    struct template *t = template_load(o->arch, &d);
    int status = cli_diags(cli, &d);
    if (t != NULL) {
        status = show(cli, t, o, n_args, args);
    }
    template_free(t);
    diags_release(&d);
    return status;
}

const struct verb verb_explain = {.name = "explain",
                                  .args = "[NAME..]",
                                  .help = "what a metric or a parameter means, its unit, what it may be",
                                  .example = "dovetail explain energy edp\ndovetail explain --arch eyeriss_like",
                                  .options = options,
                                  .options_size = sizeof(struct explain_opts),
                                  .defaults = &defaults,
                                  .max_args = -1,
                                  .run = run};
