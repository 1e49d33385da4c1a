/* architecture: -> struct timeloop_arch. The nodes are a tree written as a list: a component lies inside of all that stand before it; a container's mesh
 * multiplies everything after it. Members of !Parallel are siblings for Timeloop too only in name: it stacks them, each passing by what it does not keep. */
#include "base/schema.h"
#include "experiments/timeloop_arch_parts.h"

#include <stdio.h>
#include <string.h>

static int read_container_attributes(struct timeloop_reader *r, const struct node *attributes)
{
    for (int i = 0; attributes && i < attributes->n_children; i++) {
        const struct node *v = &attributes->child[i];
        if (timeloop_is_global(v->key)) {
            if (timeloop_read_global(r, v)) {
                return -1;
            }
        } else {
            timeloop_warn_unused(r, v);
        }
    }
    return 0;
}

/* spatial: {meshX, meshY}: this node stands meshX x meshY times in what is above. */
static int read_mesh(struct timeloop_reader *r, const struct node *node, const char *name, struct timeloop_array **out)
{
    static const char *const known[] = {"meshX", "meshY", NULL};
    const struct node *v = timeloop_get(node, "spatial");
    *out = NULL;
    if (!v || v->kind == NODE_NULL) {
        return 0;
    }
    struct timeloop_array array = {.above = r->n_found - 1, .x = 1, .y = 1, .x_any = true, .y_any = true};
    const struct node *x = timeloop_get(v, "meshX"), *y = timeloop_get(v, "meshY");
    if (schema_want(v, "spatial", NODE_MAPPING, r->d) || timeloop_known(v, known, "'spatial'", r->d) ||
        (x && timeloop_int(x, "meshX", 1, &array.x, r->d)) || (y && timeloop_int(y, "meshY", 1, &array.y, r->d))) {
        return -1;
    }
    if (array.x == 1 && array.y == 1) {
        return 0;
    }
    if (array.above < 0) {
        return diags_error(r->d, v->key_mark, NULL, "'%s' has a mesh, but no storage is above it", name);
    }
    if (r->a->n_arrays == TIMELOOP_ARRAYS) {
        return diags_error(r->d, v->key_mark, NULL, "more than %d meshes", TIMELOOP_ARRAYS);
    }
    struct timeloop_level *above = &r->found[array.above];
    if (__builtin_mul_overflow(above->fan_x, array.x, &above->fan_x) ||
        __builtin_mul_overflow(above->fan_y, array.y, &above->fan_y)) {
        return diags_error(r->d, v->key_mark, NULL, "too many instances");
    }
    snprintf(array.name, sizeof array.name, "%s", name);
    r->a->array[r->a->n_arrays] = array;
    *out = &r->a->array[r->a->n_arrays++];
    return 0;
}

static int read_component(struct timeloop_reader *r, const struct node *node, const char *name, bool parallel)
{
    char class[2 * HW_NAME] = "", part[HW_NAME];
    static const char *const keys[] = {"class", "subclass"};
    for (int i = 0; i < 2; i++) {
        const struct node *v = timeloop_get(node, keys[i]);
        if (v && timeloop_name(v, keys[i], part, sizeof part, r->d)) {
            return -1;
        }
        if (v) {
            size_t n = strlen(class);
            snprintf(class + n, sizeof class - n, "%s%s", n ? " " : "", part);
        }
    }
    struct timeloop_array *array;
    struct timeloop_level *level = NULL;
    if (r->has_mac) {
        return diags_error(r->d, node->mark, NULL, "'%s' stands after the compute unit '%s'", name, r->a->mac);
    }
    if (read_mesh(r, node, name, &array)) {
        return -1;
    }
    int rc;
    if (timeloop_is_compute(class)) {
        rc = r->n_found ? timeloop_read_mac(r, node, name)
                        : diags_error(r->d, node->mark, NULL, "no storage is above '%s'", name);
    } else if (timeloop_is_storage(class)) {
        rc = timeloop_read_storage(r, node, name, class, &level);
    } else {
        rc = diags_error(r->d, node->mark, NULL, "'%s' of class '%s' is neither storage nor compute", name, class);
    }
    if (rc || timeloop_read_constraints(r, timeloop_get(node, "constraints"), level, array)) {
        return -1;
    }
    const struct node *sparse = timeloop_get(node, "sparse_optimizations");
    if (sparse && sparse->kind != NODE_NULL) {
        diags_warning(r->d, sparse->key_mark, NULL,
                      "'sparse_optimizations' of '%s' go into a template; a case counts all data", name);
        if (level ? timeloop_read_zeros(sparse, level->metadata_bits, level->zeros, &level->n_zeros, r->d)
                  : timeloop_read_mac_zeros(sparse, &r->a->mac_zeros, r->d)) {
            return -1;
        }
    }
    if (parallel && level && level->n_keep == 0) {
        return diags_error(r->d, node->mark, "constraints: {dataspace: {keep: [..]}}",
                           "'%s' in !Parallel must say what it keeps", name);
    }
    if (parallel && level) {
        level->only_keep = true;
    }
    return 0;
}

static int read_nodes(struct timeloop_reader *r, const struct node *nodes, bool parallel, int depth);

static int read_node(struct timeloop_reader *r, const struct node *node, bool parallel, int depth)
{
    static const char *const known[] = {"name",
                                        "class",
                                        "subclass",
                                        "attributes",
                                        "spatial",
                                        "constraints",
                                        "nodes",
                                        "sparse_optimizations",
                                        "required_actions",
                                        "enabled",
                                        NULL};
    char name[HW_NAME] = "";
    struct node plain = *node;
    const char *tag = node->tag ? node->tag : "";
    plain.tag = NULL;
    r->last = node->mark;
    if (schema_want(&plain, "a node", NODE_MAPPING, r->d) || timeloop_known(node, known, "a node", r->d)) {
        return -1;
    }
    if (strcmp(tag, "!Parallel") == 0 || strcmp(tag, "!Hierarchical") == 0) {
        return read_nodes(r, timeloop_get(node, "nodes"), tag[1] == 'P', depth + 1);
    }
    if (!timeloop_get(node, "name")) {
        return diags_error(r->d, node->mark, NULL, "a node needs a name");
    }
    if (timeloop_name(timeloop_get(node, "name"), "name", name, sizeof name, r->d)) {
        return -1;
    }
    if (strcmp(tag, "!Component") == 0) {
        return read_component(r, node, name, parallel);
    }
    if (strcmp(tag, "!Container") == 0 && !parallel) {
        struct timeloop_array *array;
        return read_container_attributes(r, timeloop_get(node, "attributes")) || read_mesh(r, node, name, &array) ||
                       timeloop_read_constraints(r, timeloop_get(node, "constraints"), NULL, array)
                   ? -1
                   : 0;
    }
    return diags_error(r->d, node->mark,
                       "!Container, !Component, !Parallel, !Hierarchical are read; only components in !Parallel",
                       "'%s': the tag '%s' is not understood here", name, *tag ? tag : "(none)");
}

static int read_nodes(struct timeloop_reader *r, const struct node *nodes, bool parallel, int depth)
{
    int errors = r->d->n_errors;
    if (!nodes) {
        return diags_error(r->d, r->last, NULL, "'nodes' is missing");
    }
    if (depth > 8) {
        return diags_error(r->d, nodes->mark, NULL, "nested more than 8 deep");
    }
    if (schema_want(nodes, "nodes", NODE_SEQUENCE, r->d)) {
        return -1;
    }
    for (int i = 0; i < nodes->n_children; i++) {
        read_node(r, &nodes->child[i], parallel, depth);
    }
    return r->d->n_errors > errors ? -1 : 0;
}

static int finish(struct timeloop_reader *r, const struct node *arch)
{
    struct timeloop_arch *a = r->a;
    if (r->n_found == 0 || !r->has_mac) {
        return diags_error(r->d, arch->key_mark, NULL, "the architecture has no %s",
                           r->n_found ? "compute unit" : "storage");
    }
    a->n_levels = r->n_found;
    for (int l = 0; l < a->n_levels; l++) {
        a->level[l] = r->found[a->n_levels - 1 - l];
    }
    for (int i = 0; i < a->n_arrays; i++) {
        a->array[i].above = a->n_levels - 1 - a->array[i].above;
    }
    a->multiplier_bits = a->multiplier_bits ? a->multiplier_bits : a->level[0].datawidth;
    a->adder_bits = a->adder_bits ? a->adder_bits : 2 * a->multiplier_bits;
    return 0;
}

int timeloop_read_arch(const struct node *arch, struct timeloop_arch *a, struct diags *d)
{
    static const char *const known[] = {"version", "nodes", NULL};
    struct timeloop_reader r = {.a = a, .d = d, .last = arch->key_mark};
    memset(a, 0, sizeof *a);
    snprintf(a->name, sizeof a->name, "imported");
    a->cycle_s = 1e-9;
    if (schema_want(arch, "architecture", NODE_MAPPING, d) || timeloop_version(timeloop_get(arch, "version"), d)) {
        return -1;
    }
    if (timeloop_get(arch, "subtree")) {
        return diags_error(d, timeloop_get(arch, "subtree")->key_mark, "only v0.4 is read",
                           "'subtree' is the form of Timeloop v0.2 and v0.3");
    }
    if (timeloop_known(arch, known, "the architecture", d) || read_nodes(&r, timeloop_get(arch, "nodes"), false, 0)) {
        return -1;
    }
    return finish(&r, arch);
}
