/* problem: -> struct einsum. */
#include "sw/timeloop_problem.h"
#include "base/mem.h"
#include "base/schema.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_COEFFICIENTS = 16 };

/* The shapes that Timeloop (src/workload/problem-shapes at 4cf6d4c) and CoSA's and DOSA's data sets know by name: each tensor is a list of ranks, a rank
 * a sum of dimension*coefficient. R and P are one image axis, S and Q the other, as Timeloop has them. */
static const struct named_shape {
    const char *name;
    const char *dims;
    struct {
        const char *name, *ranks;
        bool output;
    } tensor[3];
} named_shapes[] = {
    {"cnn-layer",
     "R S P Q C K N",
     {{"Weights", "C K R S", false},
      {"Inputs", "N C R*Wdilation+P*Wstride S*Hdilation+Q*Hstride", false},
      {"Outputs", "N K Q P", true}}},
    {"dw-cnn-layer",
     "R S P Q C N",
     {{"Weights", "C R S", false},
      {"Inputs", "N C R*Wdilation+P*Wstride S*Hdilation+Q*Hstride", false},
      {"Outputs", "N C Q P", true}}},
};

struct problem {
    const struct node *problem, *shape, *instance;
    struct einsum *e;
    struct {
        char name[EINSUM_NAME];
        int64_t value;
        bool zero;
    } coefficient[MAX_COEFFICIENTS];
    int n_coefficients;
    struct diags *d;
};

static int find_coefficient(const struct problem *p, const char *name)
{
    for (int i = 0; i < p->n_coefficients; i++) {
        if (strcmp(p->coefficient[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

static int add_dim(struct problem *p, const char *name, struct mark at)
{
    if (p->e->n_dims == EINSUM_DIMS || strlen(name) >= EINSUM_NAME) {
        return diags_error(p->d, at, NULL,
                           "dimension '%s': at most %d dimensions with names of at most %d letters are possible", name,
                           EINSUM_DIMS, EINSUM_NAME - 1);
    }
    if (einsum_dim(p->e, name) >= 0) {
        return diags_error(p->d, at, NULL, "dimension '%s' is there twice", name);
    }
    snprintf(p->e->dim[p->e->n_dims], EINSUM_NAME, "%.23s", name);
    p->e->bound[p->e->n_dims++] = 1;
    return 0;
}

static int read_dims(struct problem *p, const struct node *node)
{
    struct words w = {.node = node};
    int errors = p->d->n_errors;
    while (words_next(&w, p->d)) {
        if (add_dim(p, w.text, w.mark)) {
            return -1;
        }
    }
    return p->d->n_errors > errors ? -1 : 0;
}

static int add_coefficient(struct problem *p, const char *name, int64_t value, struct mark at)
{
    if (p->n_coefficients == MAX_COEFFICIENTS || strlen(name) >= EINSUM_NAME) {
        return diags_error(p->d, at, NULL, "coefficient '%s': at most %d, with names of at most %d letters", name,
                           MAX_COEFFICIENTS, EINSUM_NAME - 1);
    }
    snprintf(p->coefficient[p->n_coefficients].name, EINSUM_NAME, "%.23s", name);
    p->coefficient[p->n_coefficients++].value = value;
    return 0;
}

static int read_coefficients(struct problem *p, const struct node *list)
{
    static const char *const known[] = {"name", "default", NULL};
    if (schema_want(list, "coefficients", NODE_SEQUENCE, p->d)) {
        return -1;
    }
    for (int i = 0; i < list->n_children; i++) {
        const struct node *c = &list->child[i];
        int64_t value = 1;
        char name[EINSUM_NAME];
        const struct node *preset = timeloop_get(c, "default");
        if (schema_want(c, "a coefficient", NODE_MAPPING, p->d) || timeloop_known(c, known, "a coefficient", p->d)) {
            return -1;
        }
        if (!timeloop_get(c, "name")) {
            return diags_error(p->d, c->mark, NULL, "a coefficient needs a name");
        }
        if (timeloop_name(timeloop_get(c, "name"), "name", name, sizeof name, p->d) ||
            (preset && timeloop_int(preset, "default", 0, &value, p->d)) || add_coefficient(p, name, value, c->mark)) {
            return -1;
        }
    }
    return 0;
}

static bool is_density_key(const char *key)
{
    return strcmp(key, "densities") == 0 || strcmp(key, "shape") == 0 || strcmp(key, "version") == 0 ||
           strcmp(key, "instance") == 0 || strcmp(key, "name") == 0 || strcmp(key, "<<<") == 0;
}

/* Bounds and coefficients out of `instance` (or, in the older form, out of the problem itself). */
static int read_instance(struct problem *p)
{
    int errors = p->d->n_errors;
    for (int i = 0; i < p->instance->n_children; i++) {
        const struct node *v = &p->instance->child[i];
        int dim = einsum_dim(p->e, v->key);
        int c = find_coefficient(p, v->key);
        if (dim >= 0) {
            timeloop_int(v, v->key, 1, &p->e->bound[dim], p->d);
        } else if (c >= 0) {
            timeloop_int(v, v->key, 0, &p->coefficient[c].value, p->d);
        } else if (!is_density_key(v->key) && !(v->kind == NODE_SCALAR && strcmp(v->text, "1") == 0)) {
            diags_warning(p->d, v->key_mark, NULL,
                          "'%s' is neither a dimension nor a coefficient of the shape: left out", v->key);
        }
    }
    return p->d->n_errors > errors ? -1 : 0;
}

/* "dim" or "dim*coefficient". A coefficient of 0 leaves the dimension out of the rank. */
static int add_term(struct problem *p, struct einsum_rank *rank, const char *dim, const char *coefficient,
                    struct mark at)
{
    int64_t coef = 1;
    int index = einsum_dim(p->e, dim);
    if (index < 0) {
        return diags_error(p->d, at, NULL, "'%s' is no dimension of the shape", dim);
    }
    if (coefficient) {
        int c = find_coefficient(p, coefficient);
        if (c < 0) {
            return diags_error(p->d, at, NULL, "'%s' is no coefficient of the shape", coefficient);
        }
        coef = p->coefficient[c].value;
        if (coef == 0) {
            diags_warning(p->d, at, NULL, "'%s' is 0: '%s' does not move this rank", coefficient, dim);
            return 0;
        }
    }
    if (rank->n_terms == EINSUM_TERMS) {
        return diags_error(p->d, at, NULL, "a rank may sum at most %d dimensions", EINSUM_TERMS);
    }
    rank->term[rank->n_terms].dim = index;
    rank->term[rank->n_terms++].coef = coef;
    return 0;
}

/* One rank as text: "R*Wdilation+P*Wstride". */
static int read_rank_text(struct problem *p, struct einsum_rank *rank, const char *text, struct mark at)
{
    char buf[128];
    int n = 0;
    for (const char *s = text; *s; s++) {
        if (!isspace((unsigned char)*s) && n < (int)sizeof buf - 1) {
            buf[n++] = *s;
        }
    }
    buf[n] = '\0';
    char *save = NULL;
    for (char *part = strtok_r(buf, "+", &save); part; part = strtok_r(NULL, "+", &save)) {
        char *star = strchr(part, '*');
        if (star) {
            *star = '\0';
        }
        if (add_term(p, rank, part, star ? star + 1 : NULL, at)) {
            return -1;
        }
    }
    return 0;
}

/* One product: [dim], [dim, coefficient] or "dim". */
static int read_product(struct problem *p, struct einsum_rank *rank, const struct node *v)
{
    if (v->kind == NODE_SCALAR) {
        return read_rank_text(p, rank, v->text, v->mark);
    }
    bool good = v->kind == NODE_SEQUENCE && v->n_children >= 1 && v->n_children <= 2;
    for (int i = 0; good && i < v->n_children; i++) {
        good = v->child[i].kind == NODE_SCALAR;
    }
    if (!good) {
        return diags_error(p->d, v->mark, "write [DIMENSION] or [DIMENSION, COEFFICIENT]",
                           "this product is not understood");
    }
    return add_term(p, rank, v->child[0].text, v->n_children > 1 ? v->child[1].text : NULL, v->mark);
}

static int read_rank(struct problem *p, struct einsum_tensor *t, const struct node *v)
{
    if (t->n_ranks == EINSUM_RANKS) {
        return diags_error(p->d, v->mark, NULL, "'%s' has more than %d ranks", t->name, EINSUM_RANKS);
    }
    struct einsum_rank *rank = &t->rank[t->n_ranks];
    if (v->kind == NODE_SCALAR) {
        if (read_rank_text(p, rank, v->text, v->mark)) {
            return -1;
        }
    } else if (schema_want(v, "a rank", NODE_SEQUENCE, p->d)) {
        return -1;
    }
    for (int i = 0; v->kind == NODE_SEQUENCE && i < v->n_children; i++) {
        if (read_product(p, rank, &v->child[i])) {
            return -1;
        }
    }
    t->n_ranks += rank->n_terms > 0;
    return 0;
}

/* Roles by name; a shape that names no weights has them in its first input, as docs/cases.md says. */
static void set_roles(struct einsum *e)
{
    bool weights = false;
    for (int t = 0; t < e->n_tensors; t++) {
        const char *name = e->tensor[t].name;
        bool is_weights = strncasecmp(name, "weight", 6) == 0 || strncasecmp(name, "filter", 6) == 0 ||
                          strncasecmp(name, "kernel", 6) == 0;
        e->tensor[t].role = e->tensor[t].output ? TENSOR_OUTPUTS : is_weights ? TENSOR_WEIGHTS : TENSOR_INPUTS;
        weights = weights || e->tensor[t].role == TENSOR_WEIGHTS;
    }
    for (int t = 0; t < e->n_tensors && !weights; t++) {
        if (!e->tensor[t].output) {
            e->tensor[t].role = TENSOR_WEIGHTS;
            weights = true;
        }
    }
}

static struct einsum_tensor *add_tensor(struct problem *p, const char *name)
{
    struct einsum_tensor *t = &p->e->tensor[p->e->n_tensors++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->bits = t->partial_bits = 1;
    t->density = 1;
    return t;
}

static int read_tensor(struct problem *p, const struct node *v)
{
    static const char *const known[] = {"name", "projection", "read_write", NULL};
    char name[EINSUM_NAME];
    const struct node *projection = timeloop_get(v, "projection"), *rw = timeloop_get(v, "read_write");
    if (schema_want(v, "a data space", NODE_MAPPING, p->d) || timeloop_known(v, known, "a data space", p->d)) {
        return -1;
    }
    if (!timeloop_get(v, "name") || !projection) {
        return diags_error(p->d, v->mark, NULL, "a data space needs 'name' and 'projection'");
    }
    if (p->e->n_tensors == EINSUM_TENSORS) {
        return diags_error(p->d, v->mark, NULL, "at most %d data spaces are possible", EINSUM_TENSORS);
    }
    if (timeloop_name(timeloop_get(v, "name"), "name", name, sizeof name, p->d)) {
        return -1;
    }
    struct einsum_tensor *t = add_tensor(p, name);
    t->output = rw && rw->kind == NODE_SCALAR && strcasecmp(rw->text, "true") == 0;
    struct words w = {.node = projection};
    if (projection->kind == NODE_SCALAR) { /* "N C R*Wdilation+P*Wstride" */
        while (words_next(&w, p->d)) {
            if (t->n_ranks == EINSUM_RANKS || read_rank_text(p, &t->rank[t->n_ranks++], w.text, w.mark)) {
                return diags_error(p->d, w.mark, NULL, "'%s' cannot be read", name);
            }
        }
        return 0;
    }
    if (schema_want(projection, "projection", NODE_SEQUENCE, p->d)) {
        return -1;
    }
    for (int r = 0; r < projection->n_children; r++) {
        if (read_rank(p, t, &projection->child[r])) {
            return -1;
        }
    }
    return 0;
}

static int read_shape(struct problem *p)
{
    static const char *const known[] = {"name", "dimensions", "coefficients", "data_spaces", NULL};
    const struct node *dims = timeloop_get(p->shape, "dimensions"), *spaces = timeloop_get(p->shape, "data_spaces"),
                      *name = timeloop_get(p->shape, "name");
    const struct node *coefficients = timeloop_get(p->shape, "coefficients");
    if (timeloop_known(p->shape, known, "the shape", p->d)) {
        return -1;
    }
    if (!dims || !spaces) {
        return diags_error(p->d, p->shape->key_mark, NULL, "a shape needs 'dimensions' and 'data_spaces'");
    }
    const char *text = name ? schema_read_text(name, "name", p->d) : p->e->name;
    if (!text) {
        return -1;
    }
    if (name) {
        snprintf(p->e->name, sizeof p->e->name, "%.63s", text);
    }
    if (read_dims(p, dims) || (coefficients && read_coefficients(p, coefficients)) || read_instance(p) ||
        schema_want(spaces, "data_spaces", NODE_SEQUENCE, p->d)) {
        return -1;
    }
    int errors = p->d->n_errors;
    for (int i = 0; i < spaces->n_children; i++) {
        read_tensor(p, &spaces->child[i]);
    }
    return p->d->n_errors > errors ? -1 : 0;
}

/* "cnn_layer" is "cnn-layer". */
static bool same_word(const char *a, const char *b)
{
    for (; *a && (*a == *b || (*a == '_' && *b == '-')); a++) {
        b++;
    }
    return *a == '\0' && *b == '\0';
}

static int read_named_shape(struct problem *p, const char *name, struct mark at)
{
    enum { N = sizeof named_shapes / sizeof *named_shapes };
    const struct named_shape *s = NULL;
    const char *names[N];
    for (int i = 0; i < N; i++) {
        names[i] = named_shapes[i].name;
        s = same_word(name, names[i]) ? &named_shapes[i] : s;
    }
    if (!s) {
        struct strbuf help = STRBUF_INIT;
        suggest_help(name, names, N, &help);
        diags_error(p->d, at, strbuf_str(&help), "the shape '%s' is not known by name", name);
        strbuf_release(&help);
        return -1;
    }
    static const char *const coefficients[] = {"Wstride", "Hstride", "Wdilation", "Hdilation"};
    struct node text = {.kind = NODE_SCALAR, .mark = at};
    snprintf(p->e->name, sizeof p->e->name, "%s", name);
    for (int i = 0; i < 4; i++) {
        add_coefficient(p, coefficients[i], 1, at);
    }
    text.text = mem_strdup(s->dims);
    int rc = read_dims(p, &text);
    mem_free(text.text);
    rc = rc ? rc : read_instance(p);
    for (int t = 0; t < 3 && rc == 0; t++) {
        struct einsum_tensor *tensor = add_tensor(p, s->tensor[t].name);
        tensor->output = s->tensor[t].output;
        text.text = mem_strdup(s->tensor[t].ranks);
        struct words w = {.node = &text};
        while (rc == 0 && words_next(&w, p->d)) {
            rc = read_rank_text(p, &tensor->rank[tensor->n_ranks++], w.text, at);
        }
        mem_free(text.text);
    }
    return rc;
}

/* Problems of v0.2 and v0.3 are written as those of v0.4 are. */
static bool is_old(const struct node *version)
{
    return version && version->kind == NODE_SCALAR &&
           (strcmp(version->text, "0.2") == 0 || strcmp(version->text, "0.3") == 0);
}

int timeloop_read_problem(const struct node *problem, struct einsum *e, struct diags *d)
{
    static const char *const known[] = {"version", "instance", "shape", "densities", "name", NULL};
    struct problem p = {.problem = problem, .e = e, .d = d};
    struct err err = ERR_INIT;
    int rc;
    memset(e, 0, sizeof *e);
    snprintf(e->name, sizeof e->name, "problem");
    if (schema_want(problem, "problem", NODE_MAPPING, d) ||
        (!is_old(timeloop_get(problem, "version")) && timeloop_version(timeloop_get(problem, "version"), d))) {
        return -1;
    }
    p.shape = timeloop_get(problem, "shape");
    p.instance = timeloop_get(problem, "instance");
    if (p.instance &&
        (schema_want(p.instance, "instance", NODE_MAPPING, d) || timeloop_known(problem, known, "the problem", d))) {
        return -1;
    }
    p.instance = p.instance ? p.instance : problem; /* the older form */
    if (!p.shape) {
        diags_warning(d, problem->key_mark, NULL, "no 'shape': Timeloop's default, 'cnn-layer'");
    }
    if (!p.shape || p.shape->kind == NODE_SCALAR) {
        rc = read_named_shape(&p, p.shape ? p.shape->text : "cnn-layer", p.shape ? p.shape->mark : problem->key_mark);
    } else {
        rc = schema_want(p.shape, "shape", NODE_MAPPING, d) ? -1 : read_shape(&p);
    }
    if (rc || timeloop_read_densities(p.problem, p.instance, e, d)) {
        return -1;
    }
    set_roles(e);
    return einsum_check(e, &err) ? diags_error(d, problem->key_mark, NULL, "%s", err.text) : 0;
}
