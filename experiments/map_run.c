/* Maps each distinct operator once, operators in parallel; results stand at their operator's place. */
#include "experiments/map_run.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "experiments/map_constraint.h"
#include "sw/network.h"

#include <stdio.h>
#include <string.h>

static const struct mark nowhere = {NULL, 0, 0, 0};

static void map_one(const struct map_request *r, const struct accelerator *a, struct map_line *line)
{
    struct err err = ERR_INIT;
    struct mapper_work *work = mapper_work_new();
    double start = clock_wall_s();
    int rc = r->pareto ? mapper_pareto(a, &line->einsum, &r->options, work, &line->front, &err)
                       : mapper_best(a, &line->einsum, &r->options, work, &line->result, &err);
    line->seconds = clock_wall_s() - start;
    line->found = rc == 0;
    snprintf(line->why, sizeof line->why, "%.*s", (int)sizeof line->why - 1, err.text);
    mapper_work_free(work);
}

static int missing_layer(const struct network *net, const char *layer, struct diags *d)
{
    const char **names = mem_calloc((size_t)net->n_ops + 1, sizeof *names);
    int n = 0;
    for (int i = 0; i < net->n_ops; i++) {
        if (net->op[i].kind == OP_TENSOR) {
            names[n++] = net->op[i].name;
        }
    }
    const char *near = suggest(layer, names, n);
    char help[128];
    snprintf(help, sizeof help, "did you mean '%s'?", near ? near : "");
    diags_error(d, nowhere, near ? help : NULL, "'%s' has no tensor operator '%s'", net->name, layer);
    mem_free(names);
    return -1;
}

/* Lines for the operators asked for. */
static int list_operators(const struct map_request *r, const struct network *net, struct map_answer *out,
                          struct diags *d)
{
    int *unique = mem_calloc((size_t)net->n_ops + 1, sizeof *unique);
    int *at = mem_calloc((size_t)net->n_ops + 1, sizeof *at);
    network_unique(net, unique);
    out->line = mem_calloc((size_t)net->n_ops + 1, sizeof *out->line);
    for (int i = 0; i < net->n_ops; i++) {
        const struct op *op = &net->op[i];
        bool asked = r->what.layer == NULL || strcmp(r->what.layer, op->name) == 0;
        if (op->kind != OP_TENSOR || !asked) {
            continue;
        }
        if (r->what.layer != NULL || unique[i] == i) {
            struct map_line *line = &out->line[out->n];
            at[i] = out->n++;
            snprintf(line->name, sizeof line->name, "%s", op->name);
            line->einsum = op->einsum;
            line->count = 1;
        } else {
            out->line[at[unique[i]]].count++;
        }
    }
    mem_free(unique);
    mem_free(at);
    if (out->n > 0) {
        return 0;
    }
    return r->what.layer != NULL ? missing_layer(net, r->what.layer, d)
                                 : diags_error(d, nowhere, NULL, "'%s' has no tensor operators", net->name);
}

static int load_operators(const struct map_request *r, struct map_answer *out, struct diags *d)
{
    const struct pricing_request *w = &r->what;
    struct err err = ERR_INIT;
    struct network *net = network_load(w->workload, NULL, 0, 1, d);
    if (net == NULL) {
        return -1;
    }
    for (int i = 0; i < net->n_ops; i++) {
        net->op[i].fixed_bits = false; /* operators are mapped by themselves: widths are the caller's */
    }
    int rc = 0;
    if ((w->w_bits > 0 || w->a_bits > 0 || w->acc_bits > 0) &&
        network_set_bits(net, BITS_ALL, 0, w->w_bits, w->a_bits, w->acc_bits, &err) != 0) {
        rc = diags_error(d, nowhere, NULL, "%s", err.text);
    }
    double density[TENSOR_ROLE_COUNT];
    if (pricing_density(w, density, d) != 0) {
        rc = -1;
    } else if (rc == 0 && network_set_density(net, -1, density, &err) != 0) {
        rc = diags_error(d, nowhere, NULL, "%s", err.text);
    }
    rc = rc == 0 ? list_operators(r, net, out, d) : rc;
    network_free(net);
    return rc;
}

static int constrain(const struct map_request *r, struct map_answer *out, struct diags *d)
{
    const struct einsum **op = mem_calloc((size_t)out->n + 1, sizeof *op);
    for (int i = 0; i < out->n; i++) {
        op[i] = &out->line[i].einsum;
    }
    int bad = map_constrain(&out->accelerator, r->rule, r->n_rules, op, out->n, d);
    mem_free(op);
    return bad;
}

int map_run(const struct map_request *r, struct map_answer *out, struct diags *d)
{
    memset(out, 0, sizeof *out);
    int arch = pricing_arch(&r->what, &out->accelerator, d);
    if (load_operators(r, out, d) != 0 || arch != 0 || constrain(r, out, d) != 0) {
        map_answer_release(out);
        return -1;
    }
    const struct accelerator *a = &out->accelerator;
    struct map_line *line = out->line;
    int n = out->n;
#pragma omp parallel for schedule(dynamic, 1) default(none) shared(r, a, line, n)
    for (int i = 0; i < n; i++) {
        map_one(r, a, &line[i]);
    }
    return 0;
}

void map_answer_release(struct map_answer *a)
{
    for (int i = 0; i < a->n; i++) {
        mapper_front_release(&a->line[i].front);
    }
    mem_free(a->line);
    memset(a, 0, sizeof *a);
}
