/* ONNX files from a few lines of text, operator by operator. */
#include "tests/onnx_text.h"

#include "base/mem.h"

#include <onnx.pb-c.h>

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What the writer allocates, until the graph is packed. */
static struct {
    void *part[2048];
    int n;
} pool;

static void *keep(size_t size)
{
    ck_assert_int_lt(pool.n, 2048);
    return pool.part[pool.n++] = mem_alloc(size);
}

static char *word(char **at)
{
    while (**at == ' ') {
        (*at)++;
    }
    char *start = *at;
    while (**at && **at != ' ') {
        (*at)++;
    }
    if (**at) {
        *(*at)++ = '\0';
    }
    return start;
}

static int split(char *list, char **item)
{
    int n = 0;
    for (char *p = strtok(list, ","); p; p = strtok(NULL, ",")) {
        item[n++] = p;
    }
    return n;
}

static Onnx__ValueInfoProto *make_input(char *name, char *dims)
{
    Onnx__ValueInfoProto *v = keep(sizeof *v);
    onnx__value_info_proto__init(v);
    v->name = name;
    v->type = keep(sizeof *v->type);
    onnx__type_proto__init(v->type);
    v->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    v->type->tensor_type = keep(sizeof *v->type->tensor_type);
    onnx__type_proto__tensor__init(v->type->tensor_type);
    v->type->tensor_type->has_elem_type = 1;
    v->type->tensor_type->elem_type = ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    Onnx__TensorShapeProto *s = keep(sizeof *s);
    onnx__tensor_shape_proto__init(s);
    v->type->tensor_type->shape = s;
    char *item[16];
    s->n_dim = (size_t)split(dims, item);
    s->dim = keep((size_t)(s->n_dim + 1) * sizeof *s->dim);
    for (size_t i = 0; i < s->n_dim; i++) {
        Onnx__TensorShapeProto__Dimension *d = s->dim[i] = keep(sizeof *d);
        onnx__tensor_shape_proto__dimension__init(d);
        bool number = strspn(item[i], "-0123456789") == strlen(item[i]);
        d->value_case = number ? ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
                               : ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        if (number) {
            d->dim_value = atoll(item[i]);
        } else {
            d->dim_param = item[i];
        }
    }
    return v;
}

static Onnx__TensorProto *make_tensor(char *name, char *dims, char *numbers)
{
    Onnx__TensorProto *t = keep(sizeof *t);
    onnx__tensor_proto__init(t);
    char *item[64];
    t->name = name;
    t->has_data_type = 1;
    t->data_type = numbers ? ONNX__TENSOR_PROTO__DATA_TYPE__INT64 : ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    t->n_dims = (size_t)split(dims, item);
    t->dims = keep((size_t)(16) * sizeof *t->dims);
    for (size_t i = 0; i < t->n_dims; i++) {
        t->dims[i] = atoll(item[i]);
    }
    if (numbers) {
        t->n_dims = t->dims[0] == 0 ? 0 : 1;
        t->n_int64_data = (size_t)split(numbers, item);
        t->int64_data = keep((size_t)(64) * sizeof *t->int64_data);
        for (size_t i = 0; i < t->n_int64_data; i++) {
            t->int64_data[i] = atoll(item[i]);
        }
    }
    return t;
}

static Onnx__AttributeProto *make_attribute(char *text)
{
    Onnx__AttributeProto *a = keep(sizeof *a);
    onnx__attribute_proto__init(a);
    char *value = strchr(text, '='), *item[64] = {text};
    *value++ = '\0';
    a->name = text;
    a->has_type = 1;
    if (*value == '"') {
        a->has_s = 1;
        a->s.data = (uint8_t *)value + 1;
        a->s.len = strlen(value) - 2;
        return a;
    }
    bool list = strchr(value, ',') != NULL;
    int n = split(value, item);
    a->has_i = !list;
    a->i = atoll(item[0]);
    a->n_ints = list ? (size_t)n : 0; /* a trailing comma makes a list of one */
    a->ints = keep((size_t)(64) * sizeof *a->ints);
    for (int i = 0; i < n; i++) {
        a->ints[i] = atoll(item[i]);
    }
    return a;
}

static Onnx__NodeProto *make_node(char *op, char *rest)
{
    Onnx__NodeProto *n = keep(sizeof *n);
    static char microsoft[] = "com.microsoft";
    onnx__node_proto__init(n);
    n->op_type = strncmp(op, "ms:", 3) == 0 ? op + 3 : op;
    n->domain = n->op_type == op ? n->domain : microsoft;
    n->input = keep((size_t)(32) * sizeof *n->input);
    n->output = keep((size_t)(32) * sizeof *n->output);
    n->attribute = keep((size_t)(16) * sizeof(Onnx__AttributeProto *));
    char *in = word(&rest);
    n->n_input = strcmp(in, "-") == 0 ? 0 : (size_t)split(in, n->input);
    for (size_t i = 0; i < n->n_input; i++) {
        n->input[i] = strcmp(n->input[i], "_") == 0 ? keep(1) : n->input[i];
    }
    word(&rest); /* > */
    n->n_output = (size_t)split(word(&rest), n->output);
    while (*rest) {
        n->attribute[n->n_attribute++] = make_attribute(word(&rest));
    }
    return n;
}

uint8_t *onnx_text(const char *text, size_t *len)
{
    static Onnx__ModelProto model;
    static Onnx__OperatorSetIdProto opset;
    static Onnx__OperatorSetIdProto *opsets[] = {&opset};
    Onnx__GraphProto *g = keep(sizeof *g);
    onnx__graph_proto__init(g);
    onnx__model_proto__init(&model);
    onnx__operator_set_id_proto__init(&opset);
    g->input = keep((size_t)(64) * sizeof(Onnx__ValueInfoProto *));
    g->initializer = keep((size_t)(64) * sizeof(Onnx__TensorProto *));
    g->output = keep((size_t)(64) * sizeof(Onnx__ValueInfoProto *));
    g->node = keep((size_t)(64) * sizeof(Onnx__NodeProto *));
    opset.has_version = 1;
    opset.version = 13;
    model.n_opset_import = 1;
    model.opset_import = opsets;
    model.graph = g;
    char *copy = keep(strlen(text) + 1), *line = copy;
    strcpy(copy, text);
    while (line && *line) {
        char *end = strchr(line, '\n');
        if (end) {
            *end++ = '\0';
        }
        char *at = line, *op = word(&at);
        if (strcmp(op, "in") == 0) {
            char *name = word(&at);
            g->input[g->n_input++] = make_input(name, word(&at));
        } else if (strcmp(op, "out") == 0) {
            char *name = word(&at);
            g->output[g->n_output++] = make_input(name, word(&at));
        } else if (strcmp(op, "opset") == 0) {
            opset.version = atoll(word(&at));
        } else if (strcmp(op, "w") == 0 || strcmp(op, "i64") == 0) {
            char *name = word(&at), *dims = word(&at);
            g->initializer[g->n_initializer++] = make_tensor(name, dims, op[0] == 'i' ? word(&at) : NULL);
        } else {
            g->node[g->n_node++] = make_node(op, at);
        }
        line = end;
    }
    *len = onnx__model_proto__get_packed_size(&model);
    uint8_t *bytes = mem_alloc(*len + 1);
    onnx__model_proto__pack(&model, bytes);
    while (pool.n > 0) {
        mem_free(pool.part[--pool.n]);
    }
    return bytes;
}
