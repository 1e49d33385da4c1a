#include "tests/onnx_make.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 4096, LISTS = 256, OPSET = 13 };

struct onnx_make {
    void *part[PARTS];
    int n_parts;
    Onnx__GraphProto graph;
    Onnx__NodeProto *node[LISTS];
    Onnx__TensorProto *tensor[LISTS];
    Onnx__ValueInfoProto *input[LISTS], *output[LISTS];
};

static void *keep(struct onnx_make *m, size_t size)
{
    assert(m->n_parts < PARTS);
    return m->part[m->n_parts++] = mem_alloc(size + 1);
}

char *onnx_make_text(struct onnx_make *m, const char *text)
{
    char *copy = keep(m, strlen(text));
    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

struct onnx_make *onnx_make_new(const char *graph_name)
{
    struct onnx_make *m = mem_alloc(sizeof *m);
    onnx__graph_proto__init(&m->graph);
    m->graph.name = onnx_make_text(m, graph_name);
    m->graph.node = m->node;
    m->graph.initializer = m->tensor;
    m->graph.input = m->input;
    m->graph.output = m->output;
    return m;
}

void onnx_make_free(struct onnx_make *m)
{
    for (int i = 0; i < m->n_parts; i++) {
        mem_free(m->part[i]);
    }
    mem_free(m);
}

static size_t count(const char *list)
{
    size_t n = *list != '\0';
    for (; *list; list++) {
        n += *list == ',';
    }
    return n;
}

static int64_t *numbers(struct onnx_make *m, const char *list, size_t *n)
{
    *n = count(list);
    int64_t *out = keep(m, (*n + 1) * sizeof *out);
    for (size_t i = 0; i < *n; i++) {
        char *end;
        out[i] = strtoll(list, &end, 10);
        list = *end ? end + 1 : end;
    }
    return out;
}

static char **names(struct onnx_make *m, const char *list, size_t *n)
{
    *n = count(list);
    char **out = keep(m, (*n + 1) * sizeof *out);
    for (size_t i = 0; i < *n; i++) {
        size_t len = strcspn(list, ",");
        out[i] = keep(m, len);
        memcpy(out[i], list, len);
        list += len + (list[len] == ',');
    }
    return out;
}

static Onnx__ValueInfoProto *value_info(struct onnx_make *m, const char *name, const char *dims)
{
    size_t n;
    const int64_t *dim = numbers(m, dims, &n);
    Onnx__ValueInfoProto *v = keep(m, sizeof *v);
    onnx__value_info_proto__init(v);
    v->name = onnx_make_text(m, name);
    v->type = keep(m, sizeof *v->type);
    onnx__type_proto__init(v->type);
    v->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    v->type->tensor_type = keep(m, sizeof *v->type->tensor_type);
    onnx__type_proto__tensor__init(v->type->tensor_type);
    v->type->tensor_type->has_elem_type = 1;
    v->type->tensor_type->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    Onnx__TensorShapeProto *s = v->type->tensor_type->shape = keep(m, sizeof *s);
    onnx__tensor_shape_proto__init(s);
    s->n_dim = n;
    s->dim = keep(m, (n + 1) * sizeof *s->dim);
    for (size_t i = 0; i < n; i++) {
        Onnx__TensorShapeProto__Dimension *d = s->dim[i] = keep(m, sizeof *d);
        onnx__tensor_shape_proto__dimension__init(d);
        d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        d->dim_value = dim[i];
    }
    return v;
}

void onnx_make_input(struct onnx_make *m, const char *name, const char *dims)
{
    m->input[m->graph.n_input++] = value_info(m, name, dims);
}

void onnx_make_output(struct onnx_make *m, const char *name, const char *dims)
{
    m->output[m->graph.n_output++] = value_info(m, name, dims);
}

Onnx__TensorProto *onnx_make_raw(struct onnx_make *m, const char *name, int type, const char *dims, const void *data,
                                 size_t len)
{
    Onnx__TensorProto *t = m->tensor[m->graph.n_initializer++] = keep(m, sizeof *t);
    onnx__tensor_proto__init(t);
    t->name = onnx_make_text(m, name);
    t->has_data_type = 1;
    t->data_type = type;
    t->dims = numbers(m, dims, &t->n_dims);
    t->has_raw_data = data != NULL;
    t->raw_data.len = len;
    t->raw_data.data = keep(m, len);
    if (data != NULL) {
        memcpy(t->raw_data.data, data, len);
    }
    return t;
}

void onnx_make_floats(struct onnx_make *m, const char *name, const char *dims, const float *value, size_t n)
{
    onnx_make_raw(m, name, ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, dims, value, n * sizeof *value);
}

Onnx__NodeProto *onnx_make_node(struct onnx_make *m, const char *op, const char *name, const char *inputs,
                                const char *outputs)
{
    Onnx__NodeProto *p = m->node[m->graph.n_node++] = keep(m, sizeof *p);
    onnx__node_proto__init(p);
    p->op_type = onnx_make_text(m, op);
    p->name = onnx_make_text(m, name);
    p->input = names(m, inputs, &p->n_input);
    p->output = names(m, outputs, &p->n_output);
    p->attribute = keep(m, 16 * sizeof *p->attribute);
    return p;
}

static Onnx__AttributeProto *attribute(struct onnx_make *m, Onnx__NodeProto *node, const char *name)
{
    Onnx__AttributeProto *a = node->attribute[node->n_attribute++] = keep(m, sizeof *a);
    assert(node->n_attribute <= 16);
    onnx__attribute_proto__init(a);
    a->name = onnx_make_text(m, name);
    return a;
}

void onnx_make_ints(struct onnx_make *m, Onnx__NodeProto *node, const char *name, const char *list)
{
    Onnx__AttributeProto *a = attribute(m, node, name);
    a->has_type = 1;
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    a->ints = numbers(m, list, &a->n_ints);
}

void onnx_make_int(struct onnx_make *m, Onnx__NodeProto *node, const char *name, int64_t value)
{
    Onnx__AttributeProto *a = attribute(m, node, name);
    a->has_type = 1;
    a->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT;
    a->has_i = 1;
    a->i = value;
}

uint8_t *onnx_make_pack(struct onnx_make *m, size_t *len)
{
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    Onnx__OperatorSetIdProto opset = ONNX__OPERATOR_SET_ID_PROTO__INIT, *list[] = {&opset};
    model.has_ir_version = 1;
    model.ir_version = 7;
    opset.has_version = 1;
    opset.version = OPSET;
    model.n_opset_import = 1;
    model.opset_import = list;
    model.graph = &m->graph;
    *len = onnx__model_proto__get_packed_size(&model);
    uint8_t *data = mem_alloc(*len);
    onnx__model_proto__pack(&model, data);
    return data;
}
