/* A network out of Timeloop's problem files. A problem is an operator here when it has the form of a convolution, which a matmul is too: two tensors are
 * read, one is written, and each dimension is told by which of them it belongs to:
 *
 *     weights and outputs       K       output channels
 *     weights and inputs        C       input channels
 *     inputs and outputs        N, P, Q samples, rows, columns; P and Q also share a rank of the inputs with R and S, kernel rows and columns
 *     all three                 G       groups, heads
 *
 * The files do not say which layer feeds which, so each reads an input of its own, as with SCALE-Sim's. */
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/import.h"
#include "sw/network_build.h"
#include "sw/timeloop_problem.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ON_WEIGHTS = 1, ON_INPUTS = 2, ON_OUTPUTS = 4, MAX_FILES = 4096 };

struct form {
    const struct einsum *e;
    int weights, inputs, outputs; /* tensors */
    struct conv_shape shape;
    int windows; /* ranks of the inputs that rows or columns were found in */
    bool used[EINSUM_DIMS];
    int still; /* a dimension that only the outputs have, -1: none */
};

static int where(const struct form *f, int dim)
{
    return (einsum_relevant(f->e, f->weights, dim) ? ON_WEIGHTS : 0) |
           (einsum_relevant(f->e, f->inputs, dim) ? ON_INPUTS : 0) |
           (einsum_relevant(f->e, f->outputs, dim) ? ON_OUTPUTS : 0);
}

/* A rank of the inputs with an output dimension and perhaps a kernel dimension: the next of rows and columns. */
static int take_window(struct form *f, const struct einsum_rank *rank, struct err *err)
{
    int64_t *p = f->windows == 0 ? &f->shape.p : &f->shape.q, *r = f->windows == 0 ? &f->shape.r : &f->shape.s;
    int64_t *stride = f->windows == 0 ? &f->shape.stride_h : &f->shape.stride_w;
    int64_t *dilation = f->windows == 0 ? &f->shape.dilation_h : &f->shape.dilation_w;
    for (int i = 0; i < rank->n_terms; i++) {
        int dim = rank->term[i].dim, on = where(f, dim);
        bool kernel = on == (ON_WEIGHTS | ON_INPUTS);
        if (f->windows == 2 || (!kernel && on != (ON_INPUTS | ON_OUTPUTS)) || (kernel ? *r : *p) != 1 || f->used[dim]) {
            return err_set(err, ERR_DATA, "'%s' makes it no convolution and no matmul", f->e->dim[dim]);
        }
        *(kernel ? r : p) = f->e->bound[dim];
        *(kernel ? dilation : stride) = rank->term[i].coef;
        f->used[dim] = true;
    }
    f->windows++;
    return 0;
}

static bool is_window(const struct form *f, const struct einsum_rank *rank)
{
    for (int i = 0; i < rank->n_terms; i++) {
        if (rank->n_terms > 1 || (rank->term[i].coef > 1 && f->e->bound[rank->term[i].dim] > 1)) {
            return true;
        }
    }
    return false;
}

/* A dimension outside of windows. */
static int take_dim(struct form *f, int dim, struct err *err)
{
    const char *name = f->e->dim[dim];
    int64_t *to = NULL;
    switch (where(f, dim)) {
    case ON_WEIGHTS: /* a kernel dimension with dilation 0, for which people write 0 when they mean none */
        to = f->shape.r == 1 ? &f->shape.r : &f->shape.s;
        break;
    case ON_WEIGHTS | ON_OUTPUTS:
        to = &f->shape.k;
        break;
    case ON_WEIGHTS | ON_INPUTS:
        to = &f->shape.c;
        break;
    case ON_WEIGHTS | ON_INPUTS | ON_OUTPUTS:
        to = &f->shape.g;
        break;
    case ON_OUTPUTS: /* rows with stride 0, for which people write 0 when they mean none */
        f->still = f->e->bound[dim] > 1 ? dim : f->still; /* fall through */
    case ON_INPUTS | ON_OUTPUTS:
        to = strcmp(name, "N") == 0 || strcmp(name, "B") == 0 ? &f->shape.n
             : f->shape.p == 1                                ? &f->shape.p
             : f->shape.q == 1                                ? &f->shape.q
                                                              : &f->shape.n;
        break;
    default:
        if (f->e->bound[dim] > 1) {
            return err_set(err, ERR_DATA, "'%s' makes it no convolution and no matmul", name);
        }
        return 0;
    }
    return __builtin_mul_overflow(*to, f->e->bound[dim], to) ? err_set(err, ERR_DATA, "'%s' is too large", name) : 0;
}

static int find_form(const struct einsum *e, struct form *f, struct err *err)
{
    *f = (struct form){.e = e, .weights = -1, .inputs = -1, .outputs = einsum_output(e), .still = -1};
    f->shape = conv_shape_unit;
    for (int t = 0; t < e->n_tensors; t++) {
        int *to = e->tensor[t].role == TENSOR_WEIGHTS  ? &f->weights
                  : e->tensor[t].role == TENSOR_INPUTS ? &f->inputs
                                                       : &f->outputs;
        *to = t;
    }
    if (e->n_tensors != 3 || f->weights < 0 || f->inputs < 0) {
        return err_set(err, ERR_DATA, "it has %d tensors; an operator of a network reads two and writes one",
                       e->n_tensors);
    }
    const struct einsum_tensor *inputs = &e->tensor[f->inputs];
    for (int r = 0; r < inputs->n_ranks; r++) {
        if (is_window(f, &inputs->rank[r]) && take_window(f, &inputs->rank[r], err)) {
            return -1;
        }
    }
    for (int dim = 0; dim < e->n_dims; dim++) {
        if (!f->used[dim] && take_dim(f, dim, err)) {
            return -1;
        }
    }
    return 0;
}

/* The name of a file without folders and ending. */
static void stem(const char *path, char *out, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    int len = dot && dot > base ? (int)(dot - base) : (int)strlen(base);
    snprintf(out, size, "%.*s", len < (int)size ? len : (int)size - 1, base);
}

static int add_operator(struct network *net, const char *name, const struct einsum *e, int64_t batch, struct mark at,
                        struct diags *d, struct err *err)
{
    struct form f;
    if (find_form(e, &f, err)) {
        return -1;
    }
    if (f.still >= 0) {
        diags_warning(d, at, NULL, "'%s' does not move over the inputs: its steps are taken to read rows of their own",
                      e->dim[f.still]);
    }
    struct conv_shape *s = &f.shape;
    if (__builtin_mul_overflow(s->n, batch, &s->n)) {
        return err_set(err, ERR_DATA, "it has too many samples");
    }
    int64_t rows = (s->p - 1) * s->stride_h + (s->r - 1) * s->dilation_h + 1,
            columns = (s->q - 1) * s->stride_w + (s->s - 1) * s->dilation_w + 1;
    if (net->n_ops == 0) {
        net->batch = s->n;
    }
    if (s->n != net->batch) {
        return err_set(err, ERR_DATA, "it has %lld samples, the network %lld", (long long)s->n, (long long)net->batch);
    }
    struct tensor_spec spec = {.shape = *s,
                               .weights_input = -1,
                               .weights = s->g * s->k * s->c * s->r * s->s,
                               .channels = s->g * s->k,
                               .rows = s->p,
                               .columns = s->q};
    int in = build_input(net, s->g * s->c, rows, columns, err);
    build_block(net, name);
    if (in < 0 || build_tensor(net, name, &in, 1, &spec, err) < 0) {
        return -1;
    }
    struct einsum *made = &net->op[net->n_ops - 1].einsum;
    for (int t = 0; t < made->n_tensors; t++) {
        for (int k = 0; k < e->n_tensors; k++) {
            made->tensor[t].density =
                e->tensor[k].role == made->tensor[t].role ? e->tensor[k].density : made->tensor[t].density;
        }
    }
    return 0;
}

static int add_file(struct network *net, const char *path, int64_t batch, struct diags *d)
{
    char name[NETWORK_NAME];
    struct einsum e;
    struct err err = ERR_INIT;
    struct doc *doc = timeloop_load(path, d);
    const struct node *problem = doc ? node_get(&doc->root, "problem") : NULL;
    int rc = -1;
    stem(path, name, sizeof name);
    if (doc && !problem) {
        diags_error(d, doc->root.mark, NULL, "this file has no 'problem'");
    } else if (doc && timeloop_read_problem(problem, &e, d) == 0) {
        rc = add_operator(net, name, &e, batch, problem->key_mark, d, &err);
        if (rc) {
            diags_error(d, problem->key_mark, NULL, "%s", err.text);
        }
    }
    doc_free(doc);
    return rc;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The folder's .yaml files, sorted by name: their order in the network. Caller frees. */
static char **list_files(const char *folder, int *n, struct diags *d)
{
    DIR *dir = opendir(folder);
    char **list = NULL;
    int cap = 0;
    *n = 0;
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry && *n < MAX_FILES; entry = readdir(dir)) {
        size_t len = strlen(entry->d_name);
        if (len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0 && entry->d_name[0] != '.') {
            struct strbuf path = STRBUF_INIT;
            strbuf_addf(&path, "%s/%s", folder, entry->d_name);
            MEM_GROW(list, *n, cap);
            list[(*n)++] = strbuf_detach(&path);
        }
    }
    if (dir) {
        closedir(dir);
    }
    if (*n == 0) {
        diags_error(d, (struct mark){NULL, 0, 0, 0}, NULL,
                    "the folder '%s' has no .yaml file: a folder is read as problems of Timeloop's", folder);
    } else {
        qsort(list, (size_t)*n, sizeof *list, compare_names);
    }
    return list;
}

struct network *import_timeloop(const char *path, int64_t batch, struct diags *d)
{
    char name[NETWORK_NAME];
    struct stat st;
    struct err err = ERR_INIT;
    int errors = d->n_errors, n = 1;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    char **files = folder ? list_files(path, &n, d) : NULL;
    stem(path, name, sizeof name);
    struct network *net = network_new(name, batch);
    for (int i = 0; i < n; i++) {
        add_file(net, files ? files[i] : path, batch, d);
    }
    if (d->n_errors == errors && build_finish(net, &err)) {
        diags_error(d, (struct mark){NULL, 0, 0, 0}, NULL, "'%s': %s", path, err.text);
    }
    for (int i = 0; files && i < n; i++) {
        mem_free(files[i]);
    }
    mem_free(files);
    if (d->n_errors > errors) {
        network_free(net);
        return NULL;
    }
    return net;
}

const char *import_timeloop_part(const char *text)
{
    static const char *const parts[] = {"problem",
                                        "architecture",
                                        "arch",
                                        "mapping",
                                        "mapper",
                                        "mapspace",
                                        "components",
                                        "compound_components",
                                        "sparse_optimizations",
                                        "architecture_constraints",
                                        "mapspace_constraints",
                                        "problem_base_ignore",
                                        "ERT",
                                        "ART"};
    size_t first = sizeof parts / sizeof *parts;
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        for (size_t i = 0; i < first; i++) {
            size_t n = strlen(parts[i]);
            if (strncmp(line, parts[i], n) == 0 && line[n + strspn(line + n, " ")] == ':') {
                first = i;
            }
        }
    }
    return first < sizeof parts / sizeof *parts ? parts[first] : NULL;
}
