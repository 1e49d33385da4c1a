/* The reader. It refuses what it does not know: an unknown key of a level or of a mapping could change the answer. */
#include "experiments/case.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole number of at least lo, also when written 4.0; else -1. */
static int64_t integer(const json_t *v, int64_t lo)
{
    double x = json_number_value(v);
    if (json_is_integer(v)) {
        return json_integer_value(v) >= lo ? json_integer_value(v) : -1;
    }
    return json_is_real(v) && x == floor(x) && x >= (double)lo && x < 0x1p53 ? (int64_t)x : -1;
}

static int copy_name(char *to, size_t size, const json_t *v, const char *what, struct err *err)
{
    if (!json_is_string(v) || json_string_length(v) == 0 || json_string_length(v) >= size) {
        return err_set(err, ERR_DATA, "%s needs a name of 1 to %d characters", what, (int)size - 1);
    }
    memcpy(to, json_string_value(v), json_string_length(v) + 1);
    return 0;
}

static int known_keys(json_t *object, const char *const *keys, const char *what, struct err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object)) {
        return err_set(err, ERR_DATA, "%s must be an object", what);
    }
    json_object_foreach(object, key, value)
    {
        int i = 0;
        while (keys[i] != NULL && strcmp(keys[i], key) != 0) {
            i++;
        }
        if (keys[i] == NULL) {
            return err_set(err, ERR_DATA, "%s has an unknown key '%s'", what, key);
        }
    }
    return 0;
}

static int read_rank(const json_t *terms, const struct einsum *e, const char *tensor, struct einsum_rank *rank,
                     struct err *err)
{
    size_t n = json_array_size(terms);
    if (n < 1 || n > EINSUM_TERMS) {
        return err_set(err, ERR_DATA, "a rank of '%s' has %d terms; 1 to %d are possible", tensor, (int)n,
                       EINSUM_TERMS);
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *term = json_array_get(terms, i);
        const char *name = json_string_value(json_array_get(term, 0));
        int dim = name != NULL ? einsum_dim(e, name) : -1;
        int64_t coef = integer(json_array_get(term, 1), 1);
        if (json_array_size(term) != 2 || dim < 0 || coef < 0) {
            return err_set(err, ERR_DATA, "a term of '%s' is not [dimension, coefficient]", tensor);
        }
        rank->term[i].dim = dim;
        rank->term[i].coef = coef;
    }
    rank->n_terms = (int)n;
    return 0;
}

static bool flag(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return json_is_true(v) || (json_is_integer(v) && json_integer_value(v) == 1);
}

static int read_tensor(json_t *v, const struct einsum *e, struct einsum_tensor *t, struct err *err)
{
    static const char *const keys[] = {"name", "proj", "rw", NULL};
    if (known_keys(v, keys, "a tensor", err) != 0 ||
        copy_name(t->name, sizeof t->name, json_object_get(v, "name"), "a tensor", err) != 0) {
        return -1;
    }
    t->output = flag(v, "rw");
    t->role = t->output ? TENSOR_OUTPUTS : t == &e->tensor[0] ? TENSOR_WEIGHTS : TENSOR_INPUTS;
    t->bits = t->partial_bits = 1;
    t->density = 1;
    const json_t *proj = json_object_get(v, "proj");
    size_t n = json_array_size(proj);
    if (n < 1 || n > EINSUM_RANKS) {
        return err_set(err, ERR_DATA, "'%s' has %d ranks; 1 to %d are possible", t->name, (int)n, EINSUM_RANKS);
    }
    for (size_t r = 0; r < n; r++) {
        if (read_rank(json_array_get(proj, r), e, t->name, &t->rank[r], err) != 0) {
            return -1;
        }
    }
    t->n_ranks = (int)n;
    return 0;
}

static int read_workload(const json_t *v, struct einsum *e, struct err *err)
{
    const char *name;
    json_t *size;
    json_t *dims = json_object_get(v, "dims");
    const json_t *tensors = json_object_get(v, "tensors");
    snprintf(e->name, sizeof e->name, "workload");
    if (json_object_size(dims) < 1 || json_object_size(dims) > EINSUM_DIMS) {
        return err_set(err, ERR_DATA, "a workload has 1 to %d dimensions, not %d", EINSUM_DIMS,
                       (int)json_object_size(dims));
    }
    json_object_foreach(dims, name, size)
    {
        if (strlen(name) >= EINSUM_NAME || integer(size, 1) < 0) {
            return err_set(err, ERR_DATA, "dimension '%s' needs a size of at least 1", name);
        }
        snprintf(e->dim[e->n_dims], EINSUM_NAME, "%s", name);
        e->bound[e->n_dims++] = json_integer_value(size);
    }
    if (json_array_size(tensors) < 1 || json_array_size(tensors) > EINSUM_TENSORS) {
        return err_set(err, ERR_DATA, "a workload has 1 to %d tensors, not %d", EINSUM_TENSORS,
                       (int)json_array_size(tensors));
    }
    for (size_t t = 0; t < json_array_size(tensors); t++) {
        if (read_tensor(json_array_get(tensors, t), e, &e->tensor[t], err) != 0) {
            return -1;
        }
    }
    e->n_tensors = (int)json_array_size(tensors);
    return einsum_check(e, err);
}

/* A positive number, or `missing` when the key is absent or null. */
static int read_positive(const json_t *object, const char *key, double missing, double *out, struct err *err)
{
    const json_t *v = json_object_get(object, key);
    *out = missing;
    if (v == NULL || json_is_null(v)) {
        return 0;
    }
    *out = json_number_value(v);
    if (!json_is_number(v) || !(*out > 0)) {
        return err_set(err, ERR_DATA, "'%s' must be a number above 0", key);
    }
    return 0;
}

/* A whole number above 0. */
static int read_count(const json_t *object, const char *key, int64_t missing, int64_t *out, struct err *err)
{
    const json_t *v = json_object_get(object, key);
    *out = missing;
    if (v == NULL || json_is_null(v)) {
        return 0;
    }
    *out = integer(v, 1);
    return *out > 0 ? 0 : err_set(err, ERR_DATA, "'%s' must be a whole number above 0", key);
}

static int read_energy(const json_t *object, double *out, struct err *err)
{
    const json_t *v = json_object_get(object, "energy_pj");
    *out = json_number_value(v);
    if (!json_is_number(v) || !(*out >= 0)) {
        return err_set(err, ERR_DATA, "'energy_pj' must be a number of at least 0");
    }
    return 0;
}

static int read_bandwidths(const json_t *v, struct level *l, struct err *err)
{
    const double none = (double)INFINITY;
    if (read_positive(v, "read_bw", none, &l->read_bits_per_cycle, err) != 0 ||
        read_positive(v, "write_bw", none, &l->write_bits_per_cycle, err) != 0) {
        return -1;
    }
    return read_positive(v, "shared_bw", none, &l->shared_bits_per_cycle, err);
}

static int read_level(json_t *v, struct level *l, int64_t *mesh_x, struct err *err)
{
    static const char *const keys[] = {"name",    "entries",  "instances", "meshX", "energy_pj",          "block",
                                       "read_bw", "write_bw", "shared_bw", "dram",  "multiple_buffering", "links",
                                       NULL};
    double buffering;
    int64_t block;
    if (known_keys(v, keys, "a level", err) != 0 ||
        copy_name(l->name, sizeof l->name, json_object_get(v, "name"), "a level", err) != 0 ||
        read_count(v, "entries", INT64_MAX, &l->capacity_bits, err) != 0 ||
        read_positive(v, "multiple_buffering", 1, &buffering, err) != 0 ||
        read_count(v, "block", 1, &block, err) != 0 || read_count(v, "instances", 1, &l->instances, err) != 0 ||
        read_count(v, "meshX", l->instances, mesh_x, err) != 0 || read_bandwidths(v, l, err) != 0 ||
        read_energy(v, &l->read_pj, err) != 0) {
        return -1;
    }
    if (block > 1 << 20 || buffering < 1) {
        return err_set(err, ERR_DATA, "level '%s' has a block of %lld words, %g buffers", l->name, (long long)block,
                       buffering);
    }
    l->links = flag(v, "links");
    l->kind = flag(v, "dram") ? LEVEL_DRAM : LEVEL_SRAM;
    if (l->capacity_bits != INT64_MAX) {
        l->capacity_bits = (int64_t)floor((double)l->capacity_bits / buffering);
    }
    l->buffering = 1;
    l->word_bits = (int)block;
    l->write_pj = l->read_pj;
    snprintf(l->source, sizeof l->source, "case");
    return 0;
}

static int set_fanout(struct level *l, int64_t mesh_x, const char *child, int64_t instances, int64_t child_x,
                      struct err *err)
{
    if (instances % l->instances != 0 || child_x % mesh_x != 0 || instances / l->instances % (child_x / mesh_x) != 0) {
        return err_set(err, ERR_DATA,
                       "%lld instances of '%s', %lld along X, do not divide over %lld "
                       "of '%s', %lld along X",
                       (long long)instances, child, (long long)child_x, (long long)l->instances, l->name,
                       (long long)mesh_x);
    }
    l->fanout_x = child_x / mesh_x;
    l->fanout_y = instances / l->instances / l->fanout_x;
    return 0;
}

static int read_mac(json_t *v, struct accelerator *a, int64_t *mesh_x, struct err *err)
{
    static const char *const keys[] = {"instances", "meshX", "energy_pj", NULL};
    if (known_keys(v, keys, "'mac'", err) != 0 || read_count(v, "instances", 1, &a->mac.instances, err) != 0 ||
        read_count(v, "meshX", a->mac.instances, mesh_x, err) != 0 || read_energy(v, &a->mac.mul_pj, err) != 0) {
        return -1;
    }
    a->mac.w_bits = a->mac.a_bits = a->mac.acc_bits = 1;
    a->mac.max_hz = 1;
    snprintf(a->mac.source, sizeof a->mac.source, "case");
    return 0;
}

static int read_arch(json_t *v, struct accelerator *a, struct err *err)
{
    static const char *const keys[] = {"mac", "levels", NULL};
    json_t *levels = json_object_get(v, "levels");
    int64_t mesh_x[HW_LEVELS + 1]; /* of the MACs, of level 0, .. */
    if (known_keys(v, keys, "'arch'", err) != 0 || read_mac(json_object_get(v, "mac"), a, &mesh_x[0], err) != 0) {
        return -1;
    }
    if (json_array_size(levels) < 1 || json_array_size(levels) > HW_LEVELS) {
        return err_set(err, ERR_DATA, "an accelerator has 1 to %d levels, not %d", HW_LEVELS,
                       (int)json_array_size(levels));
    }
    snprintf(a->name, sizeof a->name, "case");
    a->n_levels = (int)json_array_size(levels);
    a->cores = 1;
    a->core_level = -1;
    a->clock_hz = a->voltage_v = 1;
    for (int l = 0; l < a->n_levels; l++) {
        const char *child = l > 0 ? a->level[l - 1].name : "mac";
        int64_t n = l > 0 ? a->level[l - 1].instances : a->mac.instances;
        if (read_level(json_array_get(levels, (size_t)l), &a->level[l], &mesh_x[l + 1], err) != 0 ||
            set_fanout(&a->level[l], mesh_x[l + 1], child, n, mesh_x[l], err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* [dim, bound] or [dim, bound, residual]; spatial ones end with their axis. */
static int read_loop(const json_t *v, const struct einsum *e, bool spatial, struct spatial_loop *out, int64_t *residual,
                     struct err *err)
{
    size_t n = json_array_size(v);
    const char *name = json_string_value(json_array_get(v, 0));
    const char *axis = spatial && n > 0 ? json_string_value(json_array_get(v, --n)) : NULL;
    bool good = !spatial || (axis != NULL && (strcmp(axis, "X") == 0 || strcmp(axis, "Y") == 0));
    out->dim = name != NULL ? einsum_dim(e, name) : -1;
    out->bound = integer(json_array_get(v, 1), 1);
    out->axis = axis != NULL && axis[0] == 'Y' ? AXIS_Y : AXIS_X;
    *residual = n == 3 ? integer(json_array_get(v, 2), 1) : 0;
    if (!good || out->dim < 0 || out->bound < 0 || *residual < 0 || n < 2 || n > 3) {
        char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
        err_set(err, ERR_DATA, "not a %s loop: %s", spatial ? "spatial" : "temporal", text != NULL ? text : "");
        free(text);
        return -1;
    }
    return 0;
}

/* Residuals as the case states them, by level, kind of loop and loop; 0: none. */
struct stated {
    int64_t residual[HW_LEVELS][2][2 * EINSUM_DIMS];
};

static int read_loops(const json_t *list, const struct einsum *e, bool spatial, struct mapping_level *ml,
                      int64_t *residual, struct err *err)
{
    size_t most = spatial ? 2 * EINSUM_DIMS : EINSUM_DIMS;
    if (!json_is_array(list) || json_array_size(list) > most) {
        return err_set(err, ERR_DATA, "a level needs a list of at most %d %s loops", (int)most,
                       spatial ? "spatial" : "temporal");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct spatial_loop loop;
        if (read_loop(json_array_get(list, i), e, spatial, &loop, &residual[i], err) != 0) {
            return -1;
        }
        if (spatial) {
            ml->spatial[ml->n_spatial++] = loop;
        } else {
            ml->temporal[ml->n_temporal++] = (struct loop){loop.dim, loop.bound};
        }
    }
    return 0;
}

static int read_keep(const json_t *list, const struct einsum *e, struct mapping_level *ml, struct err *err)
{
    if (!json_is_array(list)) {
        return err_set(err, ERR_DATA, "a level needs a list 'keep'");
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        int t = 0;
        while (t < e->n_tensors && (name == NULL || strcmp(name, e->tensor[t].name) != 0)) {
            t++;
        }
        if (t == e->n_tensors) {
            return err_set(err, ERR_DATA, "'keep' names an unknown tensor '%s'", name != NULL ? name : "");
        }
        ml->keep |= 1u << t;
    }
    return 0;
}

/* A residual that is stated must be the one that follows from the operator's bound. */
static int check_residuals(const struct case_problem *p, const struct stated *s, struct err *err)
{
    const struct einsum *e = &p->einsum;
    int64_t stride[EINSUM_DIMS];
    for (int d = 0; d < e->n_dims; d++) {
        stride[d] = 1;
    }
    for (int l = 0; l < p->mapping.n_levels; l++) {
        const struct mapping_level *ml = &p->mapping.level[l];
        for (int i = ml->n_temporal + ml->n_spatial - 1; i >= 0; i--) {
            bool spatial = i >= ml->n_temporal;
            int k = spatial ? i - ml->n_temporal : i;
            int d = spatial ? ml->spatial[k].dim : ml->temporal[k].dim;
            int64_t bound = spatial ? ml->spatial[k].bound : ml->temporal[k].bound;
            int64_t follows = (e->bound[d] - 1) / stride[d] % bound + 1;
            int64_t stated = s->residual[l][spatial][k];
            if (stated != 0 && stated != follows) {
                return err_set(err, ERR_DATA, "'%s' in '%s': the residual of a loop of %lld is %lld, not %lld",
                               e->dim[d], p->accelerator.level[l].name, (long long)bound, (long long)follows,
                               (long long)stated);
            }
            stride[d] *= bound;
        }
    }
    return 0;
}

static int read_mapping(json_t *v, struct case_problem *p, struct stated *stated, struct err *err)
{
    static const char *const keys[] = {"level", "temporal", "spatial", "keep", NULL};
    p->mapping.n_levels = p->accelerator.n_levels;
    if ((int)json_array_size(v) != p->mapping.n_levels) {
        return err_set(err, ERR_DATA, "the mapping has %d levels, the accelerator %d", (int)json_array_size(v),
                       p->mapping.n_levels);
    }
    for (int l = 0; l < p->mapping.n_levels; l++) {
        json_t *ml = json_array_get(v, (size_t)l);
        struct mapping_level *out = &p->mapping.level[l];
        const char *name = json_string_value(json_object_get(ml, "level"));
        if (known_keys(ml, keys, "a level of the mapping", err) != 0) {
            return -1;
        }
        if (name == NULL || strcmp(name, p->accelerator.level[l].name) != 0) {
            return err_set(err, ERR_DATA, "level %d of the mapping is '%s', not '%s'", l, name != NULL ? name : "",
                           p->accelerator.level[l].name);
        }
        if (read_loops(json_object_get(ml, "temporal"), &p->einsum, false, out, stated->residual[l][0], err) != 0 ||
            read_loops(json_object_get(ml, "spatial"), &p->einsum, true, out, stated->residual[l][1], err) != 0 ||
            read_keep(json_object_get(ml, "keep"), &p->einsum, out, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_root(json_t *root, struct case_problem *out, struct err *err)
{
    struct stated stated;
    memset(&stated, 0, sizeof stated);
    out->link_transfers = flag(root, "link_transfers");
    if (!json_is_object(root)) {
        return err_set(err, ERR_DATA, "a case must be an object");
    }
    if (copy_name(out->id, sizeof out->id, json_object_get(root, "id"), "'id'", err) != 0 ||
        read_workload(json_object_get(root, "workload"), &out->einsum, err) != 0 ||
        read_arch(json_object_get(root, "arch"), &out->accelerator, err) != 0 ||
        read_mapping(json_object_get(root, "mapping"), out, &stated, err) != 0 ||
        mapping_check(&out->mapping, &out->accelerator, &out->einsum, err) != 0) {
        return -1;
    }
    return check_residuals(out, &stated, err);
}

int case_read(const char *line, size_t len, struct case_problem *out, struct err *err)
{
    json_error_t where;
    memset(out, 0, sizeof *out);
    json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL) {
        return err_set(err, ERR_DATA, "not JSON: column %d: %s", where.column, where.text);
    }
    int rc = read_root(root, out, err);
    json_decref(root);
    return rc;
}
