/* ONNX files made by tests: a graph with numbers, node by node. */
#ifndef TESTS_ONNX_MAKE_H
#define TESTS_ONNX_MAKE_H

#include <onnx.pb-c.h>

#include <stddef.h>
#include <stdint.h>

struct onnx_make;

struct onnx_make *onnx_make_new(const char *graph_name);
void onnx_make_free(struct onnx_make *m);
void onnx_make_input(struct onnx_make *m, const char *name, const char *dims); /* "1,3,8,8" */
void onnx_make_output(struct onnx_make *m, const char *name, const char *dims);
/* An initializer: raw little-endian bytes, copied. */
Onnx__TensorProto *onnx_make_raw(struct onnx_make *m, const char *name, int type, const char *dims, const void *data,
                                 size_t len);
void onnx_make_floats(struct onnx_make *m, const char *name, const char *dims, const float *value, size_t n);
Onnx__NodeProto *onnx_make_node(struct onnx_make *m, const char *op, const char *name, const char *inputs,
                                const char *outputs); /* "x,w,b" */
void onnx_make_ints(struct onnx_make *m, Onnx__NodeProto *node, const char *name, const char *numbers);
void onnx_make_int(struct onnx_make *m, Onnx__NodeProto *node, const char *name, int64_t value);
/* A string of the graph's life time. */
char *onnx_make_text(struct onnx_make *m, const char *text);
/* The file's bytes; caller frees with mem_free(). Opset 13. */
uint8_t *onnx_make_pack(struct onnx_make *m, size_t *len);

#endif
