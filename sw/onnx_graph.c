/* Values, attributes and activations of an ONNX graph under reading. */
#include "sw/onnx_graph.h"

#include "base/diag.h"
#include "base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_ELEMENTS ((int64_t)1 << 48)

int onnx_error(struct onnx *g, const struct onnx_node *n, const char *fmt, ...)
{
    const struct mark nowhere = {NULL, 0, 0, 0};
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return diags_error(g->d, nowhere, NULL, "%s: %s '%s': %s", g->file, n->proto->op_type ? n->proto->op_type : "?",
                       n->name, text);
}

/* --- Values ----------------------------------------------------------------------------------- */

static unsigned bucket_of(const char *name)
{
    unsigned h = 2166136261u; /* FNV-1a */
    for (; *name; name++) {
        h = (h ^ (unsigned char)*name) * 16777619u;
    }
    return h % ONNX_BUCKETS;
}

int onnx_find_value(const struct onnx *g, const char *name)
{
    int i = g->bucket[bucket_of(name)];
    while (i >= 0 && strcmp(g->value[i].name, name) != 0) {
        i = g->value[i].next;
    }
    return i;
}

int onnx_add_value(struct onnx *g, const char *name)
{
    unsigned b = bucket_of(name);
    MEM_GROW(g->value, g->n_values, g->cap_values);
    g->value[g->n_values] = (struct onnx_value){.name = name, .next = g->bucket[b], .act = -1};
    g->bucket[b] = g->n_values;
    return g->n_values++;
}

void onnx_pop_values(struct onnx *g, int n)
{
    while (g->n_values > n) {
        struct onnx_value *v = &g->value[--g->n_values];
        g->bucket[bucket_of(v->name)] = v->next;
        mem_free(v->data);
    }
}

int onnx_set_shape(struct onnx_value *v, const int64_t *dim, int rank)
{
    int64_t elements = 1;
    if (rank < 0 || rank > ONNX_RANK) {
        return -1;
    }
    for (int i = 0; i < rank; i++) {
        if (dim[i] < 0 || __builtin_mul_overflow(elements, dim[i], &elements) || elements > MAX_ELEMENTS) {
            return -1;
        }
        v->dim[i] = dim[i];
    }
    v->rank = rank;
    v->elements = elements;
    v->shaped = true;
    return 0;
}

double *onnx_new_data(struct onnx_value *v)
{
    mem_free(v->data);
    v->data = v->elements <= ONNX_FOLD ? mem_calloc((size_t)v->elements + 1, sizeof *v->data) : NULL;
    return v->data;
}

static bool is_whole(int type)
{
    return type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT && type != ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE &&
           type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16 && type != ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16;
}

/* Element i of the raw bytes (little endian); false for types whose numbers are not followed. */
static bool raw_element(const ProtobufCBinaryData *raw, int type, size_t i, double *out)
{
    union {
        float f;
        double d;
        int64_t i64;
        int32_t i32;
        uint8_t byte[8];
    } u;
    memset(&u, 0, sizeof u);
    size_t size = type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64 || type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE  ? 8
                  : type == ONNX__TENSOR_PROTO__DATA_TYPE__INT32 || type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT ? 4
                  : type == ONNX__TENSOR_PROTO__DATA_TYPE__BOOL || type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT8  ? 1
                                                                                                                 : 0;
    if (size == 0 || raw->len < (i + 1) * size) {
        return false;
    }
    memcpy(u.byte, raw->data + i * size, size);
    *out = type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64    ? (double)u.i64
           : type == ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE ? u.d
           : type == ONNX__TENSOR_PROTO__DATA_TYPE__INT32  ? (double)u.i32
           : type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT  ? (double)u.f
                                                           : (double)u.byte[0];
    return true;
}

static bool tensor_element(const Onnx__TensorProto *t, size_t i, double *out)
{
    if (t->has_raw_data) {
        return raw_element(&t->raw_data, t->data_type, i, out);
    }
    if (i < t->n_int64_data) {
        *out = (double)t->int64_data[i];
    } else if (i < t->n_int32_data) {
        *out = (double)t->int32_data[i];
    } else if (i < t->n_float_data) {
        *out = (double)t->float_data[i];
    } else if (i < t->n_double_data) {
        *out = t->double_data[i];
    } else {
        return false;
    }
    return true;
}

int onnx_set_tensor(struct onnx *g, struct onnx_value *v, const Onnx__TensorProto *t)
{
    (void)g;
    if (t->n_dims > ONNX_RANK || onnx_set_shape(v, t->dims, (int)t->n_dims)) {
        return -1;
    }
    v->whole = is_whole(t->data_type);
    double *data = onnx_new_data(v);
    for (int64_t i = 0; data && i < v->elements; i++) {
        if (!tensor_element(t, (size_t)i, &data[i])) {
            mem_free(v->data);
            v->data = NULL;
            break;
        }
    }
    return 0;
}

struct onnx_value *onnx_in(struct onnx *g, const struct onnx_node *n, int i)
{
    return i < n->n_in && n->in[i] >= 0 ? &g->value[n->in[i]] : NULL;
}

struct onnx_value *onnx_out(struct onnx *g, const struct onnx_node *n, int i)
{
    return i < n->n_out && n->out[i] >= 0 ? &g->value[n->out[i]] : NULL;
}

bool onnx_all_shaped(struct onnx *g, const struct onnx_node *n)
{
    for (int i = 0; i < n->n_in; i++) {
        if (n->in[i] >= 0 && !g->value[n->in[i]].shaped) {
            return false;
        }
    }
    return true;
}

/* --- Attributes ------------------------------------------------------------------------------- */

const Onnx__AttributeProto *onnx_attr(const struct onnx_node *n, const char *name)
{
    for (size_t i = 0; i < n->proto->n_attribute; i++) {
        const Onnx__AttributeProto *a = n->proto->attribute[i];
        if (a->name && strcmp(a->name, name) == 0) {
            return a;
        }
    }
    return NULL;
}

int64_t onnx_attr_int(const struct onnx_node *n, const char *name, int64_t absent)
{
    const Onnx__AttributeProto *a = onnx_attr(n, name);
    return a && a->has_i ? a->i : absent;
}

int onnx_attr_ints(const struct onnx_node *n, const char *name, int64_t *out, int max)
{
    const Onnx__AttributeProto *a = onnx_attr(n, name);
    if (a == NULL) {
        return 0;
    }
    if (a->n_ints > (size_t)max) {
        return -1;
    }
    for (size_t i = 0; i < a->n_ints; i++) {
        out[i] = a->ints[i];
    }
    return (int)a->n_ints;
}

bool onnx_attr_is(const struct onnx_node *n, const char *name, const char *text)
{
    const Onnx__AttributeProto *a = onnx_attr(n, name);
    return a && a->has_s && a->s.len == strlen(text) && memcmp(a->s.data, text, a->s.len) == 0;
}

int64_t onnx_whole(double x)
{
    return isnan(x) ? -1 : x >= 9e18 ? INT64_MAX : x <= -9e18 ? INT64_MIN : (int64_t)x;
}

int onnx_ints(struct onnx *g, const struct onnx_node *n, const char *attr, int input, int64_t *out, int max)
{
    const struct onnx_value *v = onnx_in(g, n, input);
    if (v == NULL) {
        return onnx_attr_ints(n, attr, out, max);
    }
    if (v->data == NULL || v->elements > max) {
        return -1;
    }
    for (int64_t i = 0; i < v->elements; i++) {
        if (isnan(v->data[i])) {
            return -1;
        }
        out[i] = onnx_whole(v->data[i]);
    }
    return (int)v->elements;
}

int onnx_axis(int64_t axis, int rank)
{
    axis += axis < 0 ? rank : 0;
    return axis >= 0 && axis < rank ? (int)axis : -1;
}

bool onnx_mark_axes(const int64_t *axes, int count, int rank, bool *marked)
{
    for (int i = 0; i < count; i++) {
        int axis = onnx_axis(axes[i], rank);
        if (axis < 0) {
            return false;
        }
        marked[axis] = true;
    }
    return true;
}

/* --- Activations ------------------------------------------------------------------------------ */

int onnx_acts(struct onnx *g, const struct onnx_node *n, int act[ONNX_PORTS])
{
    int count = 0;
    for (int i = 0; i < n->n_in; i++) {
        int a = n->in[i] >= 0 ? g->value[n->in[i]].act : -1;
        bool seen = a < 0;
        for (int k = 0; k < count; k++) {
            seen |= act[k] == a;
        }
        if (!seen) {
            act[count++] = a;
        }
    }
    return count;
}

void onnx_act_shape(const struct onnx_value *v, int64_t shape[3])
{
    int channel = v->rank >= 4 ? 1 : v->rank - 1, column = v->rank >= 4 ? v->rank - 1 : -1;
    shape[0] = v->rank ? v->dim[channel] : 1;
    shape[2] = column >= 0 ? v->dim[column] : 1;
    shape[1] = 1;
    for (int i = 0; i < v->rank; i++) {
        shape[1] *= i != channel && i != column ? v->dim[i] : 1;
    }
}

/* "node", or "node:1" for a further output. */
static const char *result_name(const struct onnx_node *n, int out, char name[NETWORK_NAME])
{
    if (out > 0) {
        snprintf(name, NETWORK_NAME, "%.50s:%d", n->name, out);
    } else {
        snprintf(name, NETWORK_NAME, "%s", n->name);
    }
    return name;
}

int onnx_vector(struct onnx *g, const struct onnx_node *n, int out, enum vector_kind kind, int64_t ops)
{
    struct onnx_value *v = onnx_out(g, n, out);
    int act[ONNX_PORTS], count = onnx_acts(g, n, act);
    if (v == NULL || v->data || count == 0 || v->elements == 0) {
        return 0;
    }
    int64_t shape[3], params = 0;
    onnx_act_shape(v, shape);
    for (int i = 0; i < n->n_in; i++) {
        const struct onnx_value *in = onnx_in(g, n, i);
        params += in && in->act < 0 ? in->elements : 0;
    }
    const struct vector_spec spec = {kind, shape[0], shape[1], shape[2], ops, params};
    struct err err = ERR_INIT;
    char name[NETWORK_NAME];
    int made = build_vector(g->net, result_name(n, out, name), act, count, &spec, &err);
    if (made < 0) {
        return onnx_error(g, n, "%s", err.text);
    }
    v->act = made;
    return 0;
}

int onnx_as_view(struct onnx *g, const struct onnx_node *n, int out)
{
    struct onnx_value *v = onnx_out(g, n, out);
    int act[ONNX_PORTS], count = onnx_acts(g, n, act);
    if (v == NULL || v->data || count == 0 || v->elements == 0) {
        return 0;
    }
    struct err err = ERR_INIT;
    char name[NETWORK_NAME];
    int64_t shape[3];
    onnx_act_shape(v, shape);
    int made = build_view(g->net, result_name(n, out, name), act, count, shape[0], shape[1], shape[2], &err);
    if (made < 0) {
        return onnx_error(g, n, "%s", err.text);
    }
    v->act = made;
    return 0;
}

void onnx_alias(struct onnx *g, const struct onnx_node *n, int out, int in)
{
    struct onnx_value *to = onnx_out(g, n, out), *from = onnx_in(g, n, in);
    if (to && from && !to->data) {
        to->act = from->act;
    }
}
