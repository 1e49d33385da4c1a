/* constraints: of an architecture: what a level keeps, along which dimensions a mesh works. */
#include "base/schema.h"
#include "experiments/timeloop_arch_parts.h"

#include <stdio.h>
#include <string.h>

/* Dimensions that a list of factors fixes at 1 ("N=1"). */
static bool is_fixed(const struct node *factors, const char *dim, struct diags *d)
{
    char fixed[EINSUM_NAME + 4];
    struct words w = {.node = factors};
    snprintf(fixed, sizeof fixed, "%.23s=1", dim);
    while (words_next(&w, d)) {
        if (strcmp(w.text, fixed) == 0) {
            return true;
        }
    }
    return false;
}

/* constraints: spatial: the dimensions that stay free, along x before the split, along y after it. */
static int read_spatial_constraint(struct timeloop_reader *r, struct timeloop_array *array, const struct node *v)
{
    static const char *const known[] = {"permutation", "factors", "split", "no_reuse", NULL};
    if (schema_want(v, "spatial", NODE_MAPPING, r->d) || timeloop_known(v, known, "a spatial constraint", r->d)) {
        return -1;
    }
    const struct node *factors = timeloop_get(v, "factors"), *split_node = timeloop_get(v, "split");
    int64_t split = array->y > 1 && array->x == 1 ? 0 : EINSUM_DIMS;
    struct words w = {.node = timeloop_get(v, "permutation")};
    if (!w.node || (split_node && timeloop_int(split_node, "split", 0, &split, r->d))) {
        return w.node
                   ? -1
                   : diags_warning(r->d, v->key_mark, NULL, "a spatial constraint without a permutation is left out");
    }
    array->x_any = array->y_any = false;
    for (int i = 0; words_next(&w, r->d) && i < EINSUM_DIMS; i++) {
        if (strlen(w.text) >= EINSUM_NAME || is_fixed(factors, w.text, r->d)) {
            continue;
        }
        if (i < split) {
            snprintf(array->x_dim[array->n_x++], EINSUM_NAME, "%.23s", w.text);
        } else {
            snprintf(array->y_dim[array->n_y++], EINSUM_NAME, "%.23s", w.text);
        }
    }
    return 0;
}

int timeloop_names(const struct node *v, char to[][EINSUM_NAME], int *n, struct diags *d)
{
    struct words w = {.node = v};
    int errors = d->n_errors;
    while (words_next(&w, d)) {
        if (*n == EINSUM_TENSORS || strlen(w.text) >= EINSUM_NAME) {
            return diags_error(d, w.mark, NULL, "at most %d data spaces, with names of at most %d letters",
                               EINSUM_TENSORS, EINSUM_NAME - 1);
        }
        snprintf(to[(*n)++], EINSUM_NAME, "%.23s", w.text);
    }
    return d->n_errors > errors ? -1 : 0;
}

int timeloop_read_constraints(struct timeloop_reader *r, const struct node *v, struct timeloop_level *level,
                              struct timeloop_array *array)
{
    static const char *const known[] = {"dataspace", "spatial", "temporal", "version", NULL};
    static const char *const known_dataspace[] = {"keep", "bypass", NULL};
    if (!v || v->kind == NODE_NULL) {
        return 0;
    }
    if (schema_want(v, "constraints", NODE_MAPPING, r->d) || timeloop_known(v, known, "the constraints", r->d)) {
        return -1;
    }
    const struct node *dataspace = timeloop_get(v, "dataspace"), *spatial = timeloop_get(v, "spatial"),
                      *temporal = timeloop_get(v, "temporal");
    if (temporal) {
        diags_warning(r->d, temporal->key_mark, NULL, "temporal constraints are left out: the mapper is free here");
    }
    if (spatial && array) {
        if (read_spatial_constraint(r, array, spatial)) {
            return -1;
        }
    } else if (spatial) {
        diags_warning(r->d, spatial->key_mark, NULL, "a spatial constraint without a mesh is left out");
    }
    if (dataspace && level) {
        return schema_want(dataspace, "dataspace", NODE_MAPPING, r->d) ||
                       timeloop_known(dataspace, known_dataspace, "the dataspace", r->d) ||
                       timeloop_names(timeloop_get(dataspace, "keep"), level->keep, &level->n_keep, r->d) ||
                       timeloop_names(timeloop_get(dataspace, "bypass"), level->bypass, &level->n_bypass, r->d)
                   ? -1
                   : 0;
    }
    if (dataspace) {
        diags_warning(r->d, dataspace->key_mark, NULL, "'dataspace' belongs to a storage component: left out");
    }
    return 0;
}
