/* architecture: -> struct timeloop_arch. The nodes are a tree written as a list: a component lies inside of all that stand before it; a container's mesh
 * multiplies everything after it. Members of !Parallel are siblings for Timeloop too only in name: it stacks them, each passing by what it does not keep. */
#include "base/mem.h"
#include "base/schema.h"
#include "base/strbuf.h"
#include "experiments/timeloop_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct arch {
    struct timeloop_arch *a;
    struct timeloop_level found[HW_LEVELS]; /* outermost first */
    int n_found;
    bool has_mac;
    struct mark last; /* of the last node */
    struct diags *d;
};

static bool contains(const char *text, const char *word)
{
    return strcasestr(text, word) != NULL;
}

static int want_real(const struct node *v, const char *what, double *out, struct diags *d)
{
    if (schema_want(v, what, NODE_SCALAR, d)) {
        return -1;
    }
    struct node plain = *v;
    plain.quoted = false;
    if (strpbrk(v->text, "*/()$")) {
        return diags_error(d, v->mark, "write the number", "'%s': arithmetic is not read", what);
    }
    return schema_read_real(&plain, what, 0, (double)INFINITY, out, d);
}

/* technology, global_cycle_seconds */
static int read_global(struct arch *r, const struct node *v)
{
    if (strcmp(v->key, "technology") == 0) {
        char text[16];
        if (timeloop_name(v, v->key, text, sizeof text, r->d)) {
            return -1;
        }
        bool bare = text[strspn(text, "0123456789")] == '\0';
        snprintf(r->a->technology, sizeof r->a->technology, "%.12s%s", text, bare ? "nm" : "");
        return 0;
    }
    double s;
    if (want_real(v, v->key, &s, r->d)) {
        return -1;
    }
    if (!(s > 0)) {
        return diags_error(r->d, v->mark, NULL, "'%s' must be above 0", v->key);
    }
    r->a->cycle_s = s;
    return 0;
}

static bool is_global(const char *key)
{
    return strcmp(key, "technology") == 0 || strcmp(key, "global_cycle_seconds") == 0;
}

static void warn_unused(struct arch *r, const struct node *v)
{
    diags_warning(r->d, v->key_mark, NULL, "attribute '%s' is left out", v->key);
}

static int read_container_attributes(struct arch *r, const struct node *attributes)
{
    for (int i = 0; attributes && i < attributes->n_children; i++) {
        const struct node *v = &attributes->child[i];
        if (is_global(v->key)) {
            if (read_global(r, v)) {
                return -1;
            }
        } else {
            warn_unused(r, v);
        }
    }
    return 0;
}

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
static int read_spatial_constraint(struct arch *r, struct timeloop_array *array, const struct node *v)
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

static int read_constraints(struct arch *r, const struct node *v, struct timeloop_level *level,
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

/* spatial: {meshX, meshY}: this node stands meshX x meshY times in what is above. */
static int read_mesh(struct arch *r, const struct node *node, const char *name, struct timeloop_array **out)
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

/* One attribute of a storage component; the words-a-cycle ones are not known to be words until datawidth is. */
static int read_storage_attribute(struct arch *r, struct timeloop_level *l, const struct node *v, int64_t *block,
                                  int64_t *entries)
{
    const struct {
        const char *key;
        int64_t *integer;
        double *real;
    } table[] = {
        {"depth", &l->depth, NULL},
        {"width", &l->width, NULL},
        {"datawidth", &l->datawidth, NULL},
        {"word_bits", &l->datawidth, NULL},
        {"block_size", block, NULL},
        {"entries", entries, NULL},
        {"n_banks", &l->banks, NULL},
        {"multiple_buffering", &l->buffering, NULL},
        {"read_bandwidth", NULL, &l->read_words},
        {"write_bandwidth", NULL, &l->write_words},
        {"shared_bandwidth", NULL, &l->shared_words},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct node one = {.kind = NODE_MAPPING, .n_children = 1};
        struct node copy = *v; /* timeloop_get() knows '-' and '_' */
        one.child = &copy;
        if (!timeloop_get(&one, table[i].key)) {
            continue;
        }
        if (table[i].integer) {
            return timeloop_int(v, v->key, 1, table[i].integer, r->d);
        }
        if (want_real(v, v->key, table[i].real, r->d)) {
            return -1;
        }
        return *table[i].real > 0 ? 0 : diags_error(r->d, v->mark, NULL, "'%s' must be above 0", v->key);
    }
    if (is_global(v->key)) {
        return read_global(r, v);
    }
    if (strcmp(v->key, "type") == 0) {
        return timeloop_name(v, "type", l->dram_type, sizeof l->dram_type, r->d);
    }
    static const char *const refused[] = {"sizeKB", "cluster_size", "instances",         "meshX",
                                          "meshY",  "network_read", "network_word_bits", "allow_overbooking"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        if (strcmp(v->key, refused[i]) == 0) {
            return diags_error(r->d, v->key_mark, "give depth, width and datawidth, and meshes in 'spatial'",
                               "attribute '%s' is not read", v->key);
        }
    }
    warn_unused(r, v);
    return 0;
}

/* Depth, width and words that fit together. */
static int check_storage(struct arch *r, struct timeloop_level *l, const struct node *node, int64_t block,
                         int64_t entries)
{
    struct mark at = node->mark;
    if (l->datawidth == 0) {
        l->datawidth = l->width && block == 0 ? 0 : 8;
        if (l->datawidth == 0) {
            return diags_error(r->d, at, NULL, "'%s' needs 'datawidth'", l->name);
        }
    }
    l->width = l->width ? l->width : l->datawidth * (block ? block : 1);
    if (l->width % l->datawidth != 0 || l->width / l->datawidth > 4096) {
        return diags_error(r->d, at, NULL,
                           "'%s': the width of %lld bits is not a whole number (up to 4096) of words of %lld bits",
                           l->name, (long long)l->width, (long long)l->datawidth);
    }
    int64_t per_row = l->width / l->datawidth;
    if (block != 0 && block != per_row) {
        return diags_error(r->d, at, NULL, "'%s': block_size %lld and width / datawidth = %lld differ", l->name,
                           (long long)block, (long long)per_row);
    }
    if (entries != 0 && l->depth == 0) {
        if (entries % per_row != 0) {
            return diags_error(r->d, at, NULL, "'%s': %lld entries are not a whole number of rows of %lld", l->name,
                               (long long)entries, (long long)per_row);
        }
        l->depth = entries / per_row;
    }
    int64_t bits;
    if (__builtin_mul_overflow(l->depth, l->width, &bits)) {
        return diags_error(r->d, at, NULL, "'%s' is too large", l->name);
    }
    if (l->buffering > 2) {
        return diags_error(r->d, at, NULL, "'%s': multiple_buffering %lld; 1 and 2 are read", l->name,
                           (long long)l->buffering);
    }
    return 0;
}

static int read_storage(struct arch *r, const struct node *node, const char *name, const char *class,
                        struct timeloop_level **out)
{
    if (r->n_found == HW_LEVELS) {
        return diags_error(r->d, node->mark, NULL, "'%s' is storage level %d; at most %d are possible", name,
                           HW_LEVELS + 1, HW_LEVELS);
    }
    const struct node *attributes = timeloop_get(node, "attributes");
    int64_t block = 0, entries = 0;
    int errors = r->d->n_errors;
    struct timeloop_level *l = &r->found[r->n_found];
    *l = (struct timeloop_level){.banks = 1,
                                 .buffering = 1,
                                 .fan_x = 1,
                                 .fan_y = 1,
                                 .read_words = (double)INFINITY,
                                 .write_words = (double)INFINITY,
                                 .shared_words = (double)INFINITY};
    snprintf(l->name, sizeof l->name, "%s", name);
    bool registers = contains(class, "reg") || contains(class, "_rf") || contains(class, "spad");
    l->class = contains(class, "dram") ? TIMELOOP_DRAM : registers ? TIMELOOP_REGFILE : TIMELOOP_SRAM;
    for (int i = 0; attributes && i < attributes->n_children; i++) {
        read_storage_attribute(r, l, &attributes->child[i], &block, &entries);
    }
    if (r->d->n_errors > errors || check_storage(r, l, node, block, entries)) {
        return -1;
    }
    if (l->depth == 0 && l->class != TIMELOOP_DRAM) {
        diags_warning(r->d, node->mark, NULL, "'%s' has no depth: it holds anything", l->name);
    }
    r->n_found++;
    *out = l;
    return 0;
}

static int read_mac(struct arch *r, const struct node *node, const char *name)
{
    const struct node *attributes = timeloop_get(node, "attributes");
    int64_t width = 0;
    snprintf(r->a->mac, sizeof r->a->mac, "%s", name);
    r->has_mac = true;
    for (int i = 0; attributes && i < attributes->n_children; i++) {
        const struct node *v = &attributes->child[i];
        bool multiplier = strcmp(v->key, "multiplier_width") == 0, adder = strcmp(v->key, "adder_width") == 0;
        bool both = strcmp(v->key, "width") == 0 || strcmp(v->key, "datawidth") == 0;
        int64_t *to = multiplier ? &r->a->multiplier_bits : adder ? &r->a->adder_bits : &width;
        if (multiplier || adder || both) {
            if (timeloop_int(v, v->key, 1, to, r->d)) {
                return -1;
            }
        } else if (is_global(v->key)) {
            if (read_global(r, v)) {
                return -1;
            }
        } else {
            warn_unused(r, v);
        }
    }
    if (r->a->multiplier_bits == 0) {
        r->a->multiplier_bits = width;
    }
    return 0;
}

/* Is this class the arithmetic unit? */
static bool is_compute(const char *class)
{
    return contains(class, "mac") || contains(class, "compute") || contains(class, "multiplier") ||
           contains(class, "alu");
}

static bool is_storage(const char *class)
{
    static const char *const words[] = {"dram", "sram", "storage", "buffer", "reg", "spad", "_rf", "cache", "fifo"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (contains(class, words[i])) {
            return true;
        }
    }
    return false;
}

static int read_component(struct arch *r, const struct node *node, const char *name, bool parallel)
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
    if (is_compute(class)) {
        rc = r->n_found ? read_mac(r, node, name)
                        : diags_error(r->d, node->mark, NULL, "no storage is above '%s'", name);
    } else if (is_storage(class)) {
        rc = read_storage(r, node, name, class, &level);
    } else {
        rc = diags_error(r->d, node->mark, NULL, "'%s' of class '%s' is neither storage nor compute", name, class);
    }
    if (rc || read_constraints(r, timeloop_get(node, "constraints"), level, array)) {
        return -1;
    }
    const struct node *sparse = timeloop_get(node, "sparse_optimizations");
    if (sparse && sparse->kind != NODE_NULL) {
        diags_warning(r->d, sparse->key_mark, NULL,
                      "'sparse_optimizations' of '%s' go into a template; a case counts all data", name);
        if (level ? timeloop_read_zeros(sparse, level->zeros, &level->n_zeros, r->d)
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

static int read_nodes(struct arch *r, const struct node *nodes, bool parallel, int depth);

static int read_node(struct arch *r, const struct node *node, bool parallel, int depth)
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
                       read_constraints(r, timeloop_get(node, "constraints"), NULL, array)
                   ? -1
                   : 0;
    }
    return diags_error(r->d, node->mark,
                       "!Container, !Component, !Parallel, !Hierarchical are read; only components in !Parallel",
                       "'%s': the tag '%s' is not understood here", name, *tag ? tag : "(none)");
}

static int read_nodes(struct arch *r, const struct node *nodes, bool parallel, int depth)
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

static int finish(struct arch *r, const struct node *arch)
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
    struct arch r = {.a = a, .d = d, .last = arch->key_mark};
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
