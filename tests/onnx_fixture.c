#include "tests/onnx_fixture.h"

#include "base/mem.h"
#include "base/rng.h"
#include "tests/onnx_make.h"

#include <stdio.h>

struct writer {
    struct onnx_make *m;
    struct rng rng;
};

/* About normal: twelve uniform numbers less six. */
static double about_normal(struct rng *rng)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        sum += rng_uniform(rng);
    }
    return sum;
}

/* Weights [k][per], each output channel with a spread of its own as training leaves them. */
static void weights(struct writer *w, const char *name, const char *dims, int k, int per)
{
    float *v = mem_calloc((size_t)k * (size_t)per, sizeof *v);
    for (int c = 0; c < k; c++) {
        double spread = 0.25 + 1.5 * rng_uniform(&w->rng);
        for (int i = 0; i < per; i++) {
            double tail = rng_below(&w->rng, 50) == 0 ? 3 : 1;
            v[c * per + i] = (float)(0.1 * spread * tail * about_normal(&w->rng));
        }
    }
    onnx_make_floats(w->m, name, dims, v, (size_t)k * (size_t)per);
    mem_free(v);
}

static void bias(struct writer *w, const char *name, int k)
{
    char dims[16];
    float v[64];
    snprintf(dims, sizeof dims, "%d", k);
    for (int i = 0; i < k; i++) {
        v[i] = (float)(0.01 * about_normal(&w->rng));
    }
    onnx_make_floats(w->m, name, dims, v, (size_t)k);
}

/* Convolution of 3 x 3 with padding 1 and ReLU: `name` from `in`. */
static void conv(struct writer *w, const char *name, const char *in, int k, int c, int stride, int relu)
{
    char kernel[32], b[32], dims[32], inputs[96], out[32], strides[16];
    snprintf(kernel, sizeof kernel, "%s.w", name);
    snprintf(b, sizeof b, "%s.b", name);
    snprintf(dims, sizeof dims, "%d,%d,3,3", k, c);
    snprintf(inputs, sizeof inputs, "%s,%s,%s", in, kernel, b);
    snprintf(out, sizeof out, "%s%s", name, relu ? ".sum" : "");
    snprintf(strides, sizeof strides, "%d,%d", stride, stride);
    weights(w, kernel, dims, k, c * 9);
    bias(w, b, k);
    Onnx__NodeProto *n = onnx_make_node(w->m, "Conv", name, inputs, out);
    onnx_make_ints(w->m, n, "kernel_shape", "3,3");
    onnx_make_ints(w->m, n, "pads", "1,1,1,1");
    onnx_make_ints(w->m, n, "strides", strides);
    if (relu) {
        char act[40];
        snprintf(act, sizeof act, "%s.relu", name);
        onnx_make_node(w->m, "Relu", act, out, name);
    }
}

uint8_t *onnx_fixture(size_t *len)
{
    struct writer w = {.m = onnx_make_new("mixed")};
    rng_init(&w.rng, 1, 1, RNG_TEST);
    onnx_make_input(w.m, "image", "1,3,16,16");
    conv(&w, "stem", "image", 8, 3, 1, 1);
    conv(&w, "block1.conv1", "stem", 8, 8, 1, 1);
    conv(&w, "block1.conv2", "block1.conv1", 8, 8, 1, 0);
    onnx_make_node(w.m, "Add", "block1.add", "block1.conv2,stem", "block1");
    conv(&w, "down", "block1", 16, 8, 2, 1);
    conv(&w, "block2.conv1", "down", 16, 16, 1, 1);
    conv(&w, "block2.conv2", "block2.conv1", 16, 16, 1, 0);
    onnx_make_node(w.m, "Add", "block2.add", "block2.conv2,down", "block2");
    onnx_make_node(w.m, "GlobalAveragePool", "pool", "block2", "pooled");
    onnx_make_int(w.m, onnx_make_node(w.m, "Flatten", "flat", "pooled", "features"), "axis", 1);
    weights(&w, "fc.w", "10,16", 10, 16);
    bias(&w, "fc.b", 10);
    onnx_make_int(w.m, onnx_make_node(w.m, "Gemm", "fc", "features,fc.w,fc.b", "scores"), "transB", 1);
    onnx_make_output(w.m, "scores", "1,10");
    uint8_t *data = onnx_make_pack(w.m, len);
    onnx_make_free(w.m);
    return data;
}
