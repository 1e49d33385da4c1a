/* densities: of a Timeloop problem: the share of each data space that is not zero. */
#include "base/diag.h"
#include "base/schema.h"
#include "sw/timeloop_problem.h"

#include <string.h>

static int read_density(struct einsum *e, const struct node *v, struct diags *d)
{
    static const char *const known[] = {"distribution",         "density",        "band_width",
                                        "workload_tensor_size", "data_file_path", NULL};
    static const char *const uniform[] = {"fixed_structured", "fixed-structured", "hypergeometric", NULL};
    int t = 0, which;
    while (t < e->n_tensors && strcmp(e->tensor[t].name, v->key) != 0) {
        t++;
    }
    if (t == e->n_tensors) {
        return diags_error(d, v->key_mark, NULL, "'%s' of 'densities' is no data space of the shape", v->key);
    }
    const struct node *number = v;
    if (v->kind == NODE_MAPPING) {
        const struct node *kind = timeloop_get(v, "distribution");
        const struct node *file = timeloop_get(v, "data_file_path");
        if (file && !timeloop_get(v, "density")) { /* the data themselves */
            return diags_warning(d, file->key_mark, NULL, "the data of '%s' are not read: taken as dense", v->key);
        }
        if (timeloop_known(v, known, "a density", d) ||
            (kind && schema_read_choice(kind, "distribution", uniform, &which, d))) {
            return -1;
        }
        number = timeloop_get(v, "density");
    }
    if (!number) {
        return diags_error(d, v->key_mark, NULL, "'density' is missing");
    }
    return schema_read_real(number, "density", 1e-12, 1, &e->tensor[t].density, d);
}

int timeloop_read_densities(const struct node *problem, const struct node *instance, struct einsum *e, struct diags *d)
{
    const struct node *v = timeloop_get(instance, "densities");
    v = v ? v : timeloop_get(problem, "densities");
    if (!v) {
        return 0;
    }
    if (schema_want(v, "densities", NODE_MAPPING, d)) {
        return -1;
    }
    int errors = d->n_errors;
    for (int i = 0; i < v->n_children; i++) {
        read_density(e, &v->child[i], d);
    }
    return d->n_errors > errors ? -1 : 0;
}
