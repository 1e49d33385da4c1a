/* What a file states of its values (onnx_inputs.c), subgraphs (onnx_bodies.c) and nodes (onnx_run.c). Internal to the reader of ONNX. */
#ifndef SW_ONNX_INPUTS_H
#define SW_ONNX_INPUTS_H

#include "sw/onnx_graph.h"

struct onnx_binding {
    const struct network_arg *args;
    int n_args;
    int64_t batch;
    bool *used; /* [n_args] */
};

/* An input of the graph becomes one of the network. */
int onnx_add_input(struct onnx *g, const Onnx__ValueInfoProto *info, const struct onnx_binding *b);
bool onnx_is_initializer(const Onnx__GraphProto *graph, const char *name);
int onnx_add_initializers(struct onnx *g, const Onnx__GraphProto *graph);
/* Does what the file says of an output agree with what was inferred? Only static dimensions can tell. */
void onnx_check_output(struct onnx *g, const Onnx__ValueInfoProto *info);

/* The function of an operator with subgraphs: If, Loop, Scan; NULL for others. */
onnx_op_fn *onnx_body_of(const char *op);

/* Elements of all Constant nodes, also in branches not taken. onnx_depth_fits() bounds the recursion. */
int64_t onnx_count_constants(const Onnx__GraphProto *graph);

#endif
