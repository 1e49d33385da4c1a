/* Products: Gemm, MatMul and their quantized forms, Einsum. */
#include "sw/onnx_ops.h"

#include <string.h>

int onnx_do_gemm(struct onnx *g, struct onnx_node *n)
{
    int port[3];
    onnx_ports(n, port);
    const struct onnx_value *a = onnx_in(g, n, port[0]), *b = onnx_in(g, n, port[1]);
    if (a == NULL || b == NULL || a->rank != 2 || b->rank != 2) {
        return onnx_error(g, n, "its inputs must have two dimensions");
    }
    bool ta = onnx_attr_int(n, "transA", 0) != 0, tb = onnx_attr_int(n, "transB", 0) != 0;
    const int64_t dim[] = {a->dim[ta], b->dim[!tb]};
    if (a->dim[!ta] != b->dim[tb]) {
        return onnx_error(g, n, "the summed dimension is %lld on one side and %lld on the other",
                          (long long)a->dim[!ta], (long long)b->dim[tb]);
    }
    if (onnx_set_out(g, n, 0, dim, 2)) {
        return -1;
    }
    struct conv_shape shape = conv_shape_unit;
    bool swap = a->act < 0 && b->act >= 0; /* constants play the weights */
    shape.p = swap ? dim[1] : dim[0];
    shape.k = swap ? dim[0] : dim[1];
    shape.c = a->dim[!ta];
    const int in[] = {n->in[swap ? port[1] : port[0]], n->in[swap ? port[0] : port[1]]};
    return onnx_emit(g, n, &shape, in, onnx_bias(n, port[2]));
}

/* Batch dimensions of both sides, broadcast; their product, -1 when they do not fit. */
static int64_t batch_dims(const struct onnx_value *a, const struct onnx_value *b, int64_t dim[ONNX_RANK], int *rank)
{
    int ra = a->rank > 2 ? a->rank - 2 : 0, rb = b->rank > 2 ? b->rank - 2 : 0;
    int64_t all = 1;
    *rank = ra > rb ? ra : rb;
    for (int i = 0; i < *rank; i++) {
        int64_t x = i >= *rank - ra ? a->dim[i - *rank + ra] : 1, y = i >= *rank - rb ? b->dim[i - *rank + rb] : 1;
        if (x != 1 && y != 1 && x != y) {
            return -1;
        }
        dim[i] = x != 1 ? x : y;
        all = all < 0 ? all : onnx_product(all, dim[i], 1);
    }
    return all;
}

/* FusedMatMul: the last two dimensions change places. A copy for its shape only. */
static const struct onnx_value *turn(const struct onnx_node *n, const char *attribute, const struct onnx_value *v,
                                     struct onnx_value *turned)
{
    if (v == NULL || v->rank < 2 || onnx_attr_int(n, attribute, 0) == 0) {
        return v;
    }
    *turned = *v;
    turned->dim[v->rank - 1] = v->dim[v->rank - 2];
    turned->dim[v->rank - 2] = v->dim[v->rank - 1];
    return turned;
}

int onnx_do_matmul(struct onnx *g, struct onnx_node *n)
{
    int port[3], rank;
    onnx_ports(n, port);
    const struct onnx_value *left = onnx_in(g, n, port[0]), *right = onnx_in(g, n, port[1]);
    struct onnx_value turned[2];
    const struct onnx_value *a = turn(n, "transA", left, &turned[0]), *b = turn(n, "transB", right, &turned[1]);
    int64_t dim[2 * ONNX_RANK], batch;
    if (a == NULL || b == NULL || a->rank < 1 || b->rank < 1 || (batch = batch_dims(a, b, dim, &rank)) < 0) {
        return onnx_error(g, n, "its inputs do not fit one another");
    }
    int64_t m = a->rank > 1 ? a->dim[a->rank - 2] : 1, depth = a->dim[a->rank - 1];
    int64_t cols = b->rank > 1 ? b->dim[b->rank - 1] : 1, other = b->rank > 1 ? b->dim[b->rank - 2] : b->dim[0];
    if (depth != other) {
        return onnx_error(g, n, "the summed dimension is %lld on one side and %lld on the other", (long long)depth,
                          (long long)other);
    }
    if (a->rank > 1) {
        dim[rank++] = m;
    }
    if (b->rank > 1) {
        dim[rank++] = cols;
    }
    if (onnx_set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    bool swap = a->act < 0 && b->act >= 0;
    const struct onnx_value *w = swap ? a : b;
    bool shared = w->elements == (swap ? m : cols) * depth; /* one matrix for the whole batch */
    struct conv_shape shape = conv_shape_unit;
    shape.g = shared ? 1 : batch;
    shape.p = onnx_product(swap ? cols : m, shared ? batch : 1, 1);
    shape.k = swap ? m : cols;
    shape.c = depth;
    const int in[] = {n->in[swap ? port[1] : port[0]], n->in[swap ? port[0] : port[1]]};
    return shape.p < 0 ? onnx_error(g, n, "more than 2^48 rows") : onnx_emit(g, n, &shape, in, -1);
}

struct equation {
    char term[2][ONNX_RANK + 1], out[ONNX_RANK + 1];
    int n;
    int64_t size[128];
};

/* Labels of dimensions that an ellipsis stands for: 1, 2, ... from the right, so that they fit one another as in broadcasting. */

/* The ellipsis of a term: as many labels as the value has dimensions beyond the letters of the whole term. */
static int put_dots(char *to, int length, int dimensions)
{
    for (int i = dimensions; i > 0 && length < ONNX_RANK; i--) {
        to[length++] = (char)i;
    }
    return length;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One term of the text from *at up to ',' or '-' or its end; `dots`: dimensions that an ellipsis stands for. Length, or -1. */
static int parse_term(const uint8_t *text, size_t len, size_t *at, int dots, char *to)
{
    int length = 0;
    for (; *at < len && text[*at] != ',' && text[*at] != '-'; (*at)++) {
        char c = (char)text[*at];
        if (is_letter(c) && length < ONNX_RANK) {
            to[length++] = c;
        } else if (c == '.' && *at + 2 < len && text[*at + 1] == '.' && text[*at + 2] == '.' && dots >= 0) {
            length = put_dots(to, length, dots);
            *at += 2;
        } else if (c != ' ') {
            return -1;
        }
    }
    return length;
}

static int letters_of(const uint8_t *text, size_t len, size_t at)
{
    int n = 0;
    for (; at < len && text[at] != ',' && text[at] != '-'; at++) {
        n += is_letter((char)text[at]);
    }
    return n;
}

/* Without '->' the result has the ellipsis and then what stands once, in alphabetical order. */
static void implicit_output(struct equation *e, int dots)
{
    int length = put_dots(e->out, 0, dots);
    for (int c = 'A'; c <= 'z'; c++) {
        int times = 0;
        for (int t = 0; t < e->n; t++) {
            for (const char *p = e->term[t]; *p; p++) {
                times += *p == c;
            }
        }
        if (times == 1 && length < ONNX_RANK) {
            e->out[length++] = (char)c;
        }
    }
}

/* "ij,jk->ik", "...ij,jk->...ik", "ij,jk": up to two inputs. */
static int parse_equation(struct onnx *g, const struct onnx_node *n, struct equation *e)
{
    const Onnx__AttributeProto *a = onnx_attr(n, "equation");
    memset(e, 0, sizeof *e);
    if (a == NULL || !a->has_s) {
        return -1;
    }
    size_t at = 0, len = a->s.len;
    const uint8_t *text = a->s.data;
    int most = 0;
    for (;;) {
        const struct onnx_value *v = onnx_in(g, n, e->n);
        int dots = v ? v->rank - letters_of(text, len, at) : -1;
        if (e->n == 2 || v == NULL || parse_term(text, len, &at, dots, e->term[e->n++]) < 0) {
            return -1;
        }
        most = dots > most ? dots : most;
        if (at == len || text[at] != ',') {
            break;
        }
        at++;
    }
    if (at == len) {
        implicit_output(e, most);
        return 0;
    }
    at += 2;
    return at > len || text[at - 1] != '>' || parse_term(text, len, &at, most, e->out) < 0 || at != len ? -1 : 0;
}

static int einsum_sizes(struct onnx *g, const struct onnx_node *n, struct equation *e)
{
    for (int t = 0; t < e->n; t++) {
        const struct onnx_value *v = onnx_in(g, n, t);
        if (v == NULL || v->rank != (int)strlen(e->term[t])) {
            return -1;
        }
        for (int i = 0; i < v->rank; i++) {
            int64_t *size = &e->size[(int)e->term[t][i]];
            if (*size > 1 && v->dim[i] > 1 && *size != v->dim[i]) {
                return -1;
            }
            *size = v->dim[i] > *size ? v->dim[i] : *size;
        }
    }
    return 0;
}

/* A letter of both inputs and the output is a group, of both only is summed, of one and the output is its rows or columns; what only one
 * input has is summed too. */
int onnx_do_einsum(struct onnx *g, struct onnx_node *n)
{
    struct equation e;
    int64_t dim[ONNX_RANK];
    if (parse_equation(g, n, &e) || e.n != n->n_in || einsum_sizes(g, n, &e)) {
        return onnx_error(g, n, "its equation does not fit, or has more than two inputs");
    }
    int rank = (int)strlen(e.out);
    for (int i = 0; i < rank; i++) {
        dim[i] = e.size[(int)e.out[i]];
    }
    if (onnx_set_out(g, n, 0, dim, rank)) {
        return -1;
    }
    if (e.n == 1) {
        return onnx_vector(g, n, 0, VECTOR_MOVE, 0);
    }
    bool swap = onnx_in(g, n, 0)->act < 0 && onnx_in(g, n, 1)->act >= 0;
    const char *x = e.term[swap], *w = e.term[!swap];
    struct conv_shape shape = conv_shape_unit;
    for (int c = 1; c <= 'z'; c++) {
        bool in_x = strchr(x, c) != NULL, in_w = strchr(w, c) != NULL, in_out = strchr(e.out, c) != NULL;
        if (in_x || in_w) {
            int64_t *into = in_x && in_w && in_out ? &shape.g
                            : in_x && in_out       ? &shape.p
                            : in_w && in_out       ? &shape.k
                                                   : &shape.c;
            *into = *into < 0 ? -1 : onnx_product(*into, e.size[c], 1);
        }
    }
    if (shape.g < 0 || shape.p < 0 || shape.k < 0 || shape.c < 0) {
        return onnx_error(g, n, "a dimension of more than 2^48");
    }
    const int in[] = {n->in[swap], n->in[!swap]};
    return onnx_emit(g, n, &shape, in, -1);
}
