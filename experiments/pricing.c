#include "experiments/pricing.h"

#include "base/doc.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "base/units.h"
#include "costmodel/mapper.h"
#include "costmodel/sparse.h"
#include "experiments/calibration.h"
#include "hw/template.h"
#include "sw/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct mark nowhere = {NULL, 0, 0, 0};

static int fail(struct diags *d, const struct err *err)
{
    return diags_error(d, nowhere, NULL, "%s", err->text);
}

/* "did you mean 'x'?" into buf; NULL when nothing is near. */
static const char *did_you_mean(const char *near, char *buf, size_t size)
{
    if (near == NULL) {
        return NULL;
    }
    snprintf(buf, size, "did you mean '%s'?", near);
    return buf;
}

/* "name=value" into the parameter's value. */
static int set_param(const struct template *t, const char *text, double *values, struct diags *d)
{
    int n, unit_at = 0;
    const struct template_param *params = template_params(t, &n);
    const char *equals = strchr(text, '=');
    char *name = mem_strndup(text, equals != NULL ? (size_t)(equals - text) : strlen(text));
    int i = template_param(t, name);
    const char *value = equals != NULL ? equals + 1 : "";
    int rc = 0;
    struct dim dim;
    double x;
    if (i < 0) {
        const char **names = mem_calloc((size_t)n + 1, sizeof *names);
        for (int k = 0; k < n; k++) {
            names[k] = params[k].name;
        }
        char help[128];
        const char *near = did_you_mean(suggest(name, names, n), help, sizeof help);
        rc = diags_error(d, nowhere, near, "template '%s' has no parameter '%s'", template_name(t), name);
        mem_free(names);
    } else if (params[i].n_labels > 0) {
        int k = 0;
        while (k < params[i].n_labels && strcmp(params[i].labels[k], value) != 0) {
            k++;
        }
        values[i] = k;
        if (k == params[i].n_labels) {
            char help[128];
            const char *near = suggest(value, (const char *const *)params[i].labels, k);
            rc = diags_error(d, nowhere, did_you_mean(near, help, sizeof help), "'%s' is no choice for '%s'", value,
                             name);
        }
    } else if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
        values[i] = value[0] == 't';
    } else if (quantity_scan(value, &x, &dim, &unit_at) != (int)strlen(value) || !dim_equal(dim, params[i].dim)) {
        char what[64], help[160];
        const char *units = dim_units(params[i].dim);
        snprintf(help, sizeof help, "write %s%s%s", dim_name(params[i].dim, what, sizeof what),
                 *units ? " with its unit: " : "", units);
        rc = diags_error(d, nowhere, help, "'%s' is no value for '%s'", value, name);
    } else {
        values[i] = x;
    }
    mem_free(name);
    return rc;
}

int pricing_arch(const struct pricing_request *r, struct accelerator *out, struct diags *d)
{
    struct err err = ERR_INIT;
    struct template *t = template_load(r->arch, d);
    if (t == NULL) {
        return -1;
    }
    int n, rc = 0;
    template_params(t, &n);
    double *values = mem_calloc((size_t)n + 1, sizeof *values);
    template_defaults(t, values);
    for (int i = 0; i < r->n_set; i++) {
        rc |= set_param(t, r->set[i], values, d);
    }
    if (rc == 0 && template_build(t, values, out, &err) != 0) {
        rc = fail(d, &err);
    }
    mem_free(values);
    template_free(t);
    return rc;
}

static int find_layer(const struct network *net, const char *layer, struct diags *d)
{
    const char **names = mem_calloc((size_t)net->n_ops + 1, sizeof *names);
    int n = 0, found = -1, only = -1;
    for (int i = 0; i < net->n_ops; i++) {
        if (net->op[i].kind == OP_TENSOR) {
            names[n++] = net->op[i].name;
            only = i;
            found = layer != NULL && strcmp(net->op[i].name, layer) == 0 ? i : found;
        }
    }
    if (layer == NULL && n == 1) {
        found = only;
    } else if (layer == NULL) {
        diags_error(d, nowhere, NULL, "'%s' has %d tensor operators: name one with --layer, such as '%s'", net->name, n,
                    n > 0 ? names[0] : "");
    } else if (found < 0) {
        char help[128];
        const char *near = did_you_mean(suggest(layer, names, n), help, sizeof help);
        diags_error(d, nowhere, near, "'%s' has no tensor operator '%s'", net->name, layer);
    }
    mem_free(names);
    return found;
}

int pricing_density(const struct pricing_request *r, double out[TENSOR_ROLE_COUNT], struct diags *d)
{
    int rc = 0;
    for (int role = 0; role < TENSOR_ROLE_COUNT; role++) {
        out[role] = 0;
    }
    for (int i = 0; i < r->n_density; i++) {
        const char *text = r->density[i], *value = strchr(text, '=') + 1;
        int role = 0;
        size_t len = (size_t)(value - 1 - text);
        while (role < TENSOR_ROLE_COUNT &&
               (strlen(tensor_role_names[role]) != len || strncmp(tensor_role_names[role], text, len) != 0)) {
            role++;
        }
        char *end;
        double share = strtod(value, &end);
        if (role == TENSOR_ROLE_COUNT) {
            rc = diags_error(d, nowhere, "weights, inputs or outputs", "no tensor '%.*s'", (int)len, text);
        } else if (*end != '\0' || !(share > 0 && share <= 1)) {
            rc = diags_error(d, nowhere, NULL, "the density of %s must lie in (0, 1], not '%s'",
                             tensor_role_names[role], value);
        } else {
            out[role] = share;
        }
    }
    return rc;
}

static int load_workload(const struct pricing_request *r, struct einsum *out, struct diags *d)
{
    struct err err = ERR_INIT;
    struct network *net = network_load(r->workload, NULL, 0, 1, d);
    if (net == NULL) {
        return -1;
    }
    int i = find_layer(net, r->layer, d);
    int rc = i < 0 ? -1 : 0;
    if (rc == 0 && (r->w_bits > 0 || r->a_bits > 0 || r->acc_bits > 0)) {
        enum bits_scope scope = net->op[i].fixed_bits ? BITS_ALL : BITS_OP;
        net->op[i].fixed_bits = false; /* the operator alone is priced: its widths are the caller's */
        if (network_set_bits(net, scope, i, r->w_bits, r->a_bits, r->acc_bits, &err) != 0) {
            rc = fail(d, &err);
        }
    }
    double density[TENSOR_ROLE_COUNT];
    if (pricing_density(r, density, d) != 0) {
        rc = -1;
    } else if (rc == 0 && network_set_density(net, i, density, &err) != 0) {
        rc = fail(d, &err);
    }
    if (rc == 0) {
        *out = net->op[i].einsum;
    }
    network_free(net);
    return rc;
}

/* The node of the file that holds the mapping's text. */
static const struct node *mapping_node(const struct doc *doc, const char *layer, struct diags *d)
{
    const struct node *m = node_get(&doc->root, "mapping");
    if (m != NULL && m->kind == NODE_MAPPING && layer != NULL) {
        m = node_get(m, layer);
    }
    if (m == NULL || m->kind != NODE_SCALAR) {
        diags_error(d, doc->root.mark, "write 'mapping: DRAM K8 | RF C4', or a map from operators to such lines",
                    "no mapping of the operator here");
        return NULL;
    }
    return m;
}

static int load_mapping(const struct pricing_request *r, struct pricing *p, struct diags *d)
{
    struct err err = ERR_INIT;
    struct doc *doc = NULL;
    const char *text = r->mapping;
    struct mark mark = nowhere;
    if (strpbrk(text, "| ") == NULL || access(text, F_OK) == 0) {
        doc = doc_read_file(text, d);
        const struct node *node = doc != NULL ? mapping_node(doc, r->layer, d) : NULL;
        if (node == NULL) {
            doc_free(doc);
            return -1;
        }
        text = node->text;
        mark = node->mark;
    }
    int rc = mapping_read(text, &p->accelerator, &p->einsum, &p->mapping, &err);
    rc = rc == 0 ? mapping_check(&p->mapping, &p->accelerator, &p->einsum, &err) : rc;
    if (rc != 0) {
        diags_error(d, mark, NULL, "%s", err.text);
    }
    doc_free(doc);
    return rc;
}

static int find_mapping(struct pricing *p, struct diags *d)
{
    struct err err = ERR_INIT;
    struct mapper_result result;
    const struct mapper_options how = {.goal = GOAL_EDP, .effort = MAPPER_FAST, .core_split = CORE_ANY};
    struct mapper_work *work = mapper_work_new();
    int rc = mapper_best(&p->accelerator, &p->einsum, &how, work, &result, &err);
    mapper_work_free(work);
    if (rc != 0) {
        return fail(d, &err);
    }
    p->mapping = result.mapping;
    p->mapped = true;
    return 0;
}

int pricing_run(const struct pricing_request *r, struct pricing *out, struct diags *d)
{
    struct err err = ERR_INIT;
    memset(out, 0, sizeof *out);
    int arch = pricing_arch(r, &out->accelerator, d), workload = load_workload(r, &out->einsum, d);
    if (arch != 0 || workload != 0) {
        return -1;
    }
    if ((r->mapping != NULL ? load_mapping(r, out, d) : find_mapping(out, d)) != 0) {
        return -1;
    }
    if (calibration_evaluate(&out->accelerator, &out->einsum, &out->mapping, &r->options, &out->cost, &err) != 0) {
        return fail(d, &err);
    }
    out->zeros = sparse_any(&out->accelerator, &out->einsum);
    return 0;
}
