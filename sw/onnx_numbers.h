/* Numbers of one ONNX tensor, of any size and type. Internal to the reader. */
#ifndef SW_ONNX_NUMBERS_H
#define SW_ONNX_NUMBERS_H

#include "sw/onnx_graph.h"

/* Numbers of onnx.proto's DataType, of which Debian's version names those up to 16. */
enum {
    TYPE_UINT8 = 2,
    TYPE_INT8 = 3,
    TYPE_UINT16 = 4,
    TYPE_INT16 = 5,
    TYPE_E4M3 = 17,
    TYPE_E5M2 = 19,
    TYPE_UINT4 = 21,
    TYPE_INT4 = 22
};

struct floats {
    int rank, type;
    int64_t dim[ONNX_RANK], elements;
    float *value; /* [elements]; owned; NULL until there are numbers */
};

/* Where it is written why numbers are not known. */
struct reason {
    char *text;
    size_t size;
};
int reason_set(struct reason *why, const char *what, const char *name); /* "what 'name'"; returns -1 */

/* -1 when there are more than 2^30 numbers, or a negative dimension. */
int floats_shape(struct floats *f, const int64_t *dim, int rank, const char *name, struct reason *why);
void floats_alloc(struct floats *f); /* zeros of its shape */
/* A tensor's numbers: typed lists, raw bytes, or a file beside the model `file`. On failure f->value may be allocated: the caller frees it. */
int floats_read(const Onnx__TensorProto *t, const char *file, struct floats *f, const char *name, struct reason *why);
int floats_bits(int type); /* of an element in raw data; 0: a type whose numbers are not followed */

/* Following a value back to the initializers that it comes from: onnx_weights.c. */
struct search {
    struct onnx *g;
    int steps;       /* left */
    int64_t outside; /* numbers that came from other files */
    struct reason why;
};

static inline int search_fail(struct search *s, const char *what, const char *name)
{
    return reason_set(&s->why, what, name);
}
/* Numbers of a value of the file, looked for from the inner graph outwards. On failure f->value may be allocated: the caller frees it. */
int search_value(struct search *s, const char *name, struct floats *f);
/* x = (x - zero) * scale. Each of both is one number, a vector along `axis`, or broadcast (axis < 0); empty: 0 and 1. */
void floats_dequantize(struct floats *x, const struct floats *scale, const struct floats *zero, int axis);
const char *node_input(const Onnx__NodeProto *p, size_t i); /* NULL when absent */
int64_t node_int(const Onnx__NodeProto *p, const char *name, int64_t absent);

#endif
