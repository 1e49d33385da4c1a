/* The numbers of an ONNX file's weights: layouts by output channel, types, what lies between file and operator, and what is not there. */
#include "base/diag.h"
#include "base/mem.h"
#include "sw/import.h"
#include "sw/quantizer.h"
#include "sw/weights.h"
#include "tests/onnx_make.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLOAT32 = 1, UINT8 = 2, INT8 = 3, FLOAT16 = 10, INT4 = 22 };

static char folder[64];

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *data, size_t len)
{
    FILE *f = fopen(in_folder(name), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
    fclose(f);
}

/* Weights of a made graph, read back from a file. */
static struct weights *read_back(struct onnx_make *m)
{
    size_t len;
    uint8_t *data = onnx_make_pack(m, &len);
    struct diags d = DIAGS_INIT;
    write_file("w.onnx", data, len);
    struct network *net = network_load(in_folder("w.onnx"), NULL, 0, 1, &d);
    ck_assert_msg(net != NULL, "%s", d.n ? d.list[0].message : "");
    struct weights *w = weights_load(in_folder("w.onnx"), net, NULL, 0, 1, &d);
    ck_assert_ptr_nonnull(w);
    ck_assert_int_eq(w->n_ops, net->n_ops);
    network_free(net);
    diags_release(&d);
    mem_free(data);
    onnx_make_free(m);
    return w;
}

/* The only operator with weights has these, channel by channel. */
static void expect(struct onnx_make *m, int64_t channels, int64_t per_channel, const float *want)
{
    struct weights *w = read_back(m);
    int found = 0;
    for (int i = 0; i < w->n_ops; i++) {
        const struct weight_tensor *t = &w->of[i];
        ck_assert_msg(t->why[0] == '\0', "%s", t->why);
        if (t->value == NULL) {
            continue;
        }
        found++;
        ck_assert_int_eq(t->channels, channels);
        ck_assert_int_eq(t->per_channel, per_channel);
        for (int64_t k = 0; k < channels * per_channel; k++) {
            ck_assert_msg(t->value[k] == want[k], "number %d: %g, not %g", (int)k, (double)t->value[k],
                          (double)want[k]);
        }
    }
    ck_assert_int_eq(found, 1);
    weights_free(w);
}

static struct onnx_make *linear_graph(void)
{
    struct onnx_make *m = onnx_make_new("g");
    onnx_make_input(m, "x", "2,3");
    return m;
}

START_TEST(test_layouts)
{
    const float v[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const float turned[] = {1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12};
    struct onnx_make *m = linear_graph();
    onnx_make_floats(m, "w", "3,4", v, 12);
    onnx_make_node(m, "MatMul", "op", "x,w", "y");
    expect(m, 4, 3, turned);
    m = linear_graph();
    onnx_make_floats(m, "w", "4,3", v, 12);
    onnx_make_int(m, onnx_make_node(m, "Gemm", "op", "x,w", "y"), "transB", 1);
    expect(m, 4, 3, v);
    m = linear_graph();
    onnx_make_floats(m, "w", "4,3", v, 12);
    onnx_make_node(m, "Transpose", "t", "w", "wt");
    onnx_make_node(m, "MatMul", "op", "x,wt", "y");
    expect(m, 4, 3, v);
    m = linear_graph();
    onnx_make_floats(m, "w", "4,3", v, 12);
    onnx_make_int(m, onnx_make_node(m, "FusedMatMul", "op", "x,w", "y"), "transB", 1);
    expect(m, 4, 3, v);
    m = onnx_make_new("g");
    onnx_make_input(m, "x", "1,2,4");
    onnx_make_floats(m, "w", "4,3", v, 12); /* queries, keys and values of one head of one number */
    onnx_make_floats(m, "b", "3", v, 3);
    Onnx__NodeProto *attention = onnx_make_node(m, "Attention", "op", "x,w,b", "y");
    attention->domain = onnx_make_text(m, "com.microsoft");
    onnx_make_int(m, attention, "num_heads", 1);
    const float by_column[] = {1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12};
    expect(m, 3, 4, by_column);
    m = onnx_make_new("g");
    onnx_make_input(m, "x", "3,2");
    onnx_make_floats(m, "w", "4,3", v, 12);
    onnx_make_node(m, "MatMul", "op", "w,x", "y"); /* weights on the left: rows are channels */
    expect(m, 4, 3, v);
    m = onnx_make_new("g");
    onnx_make_input(m, "x", "1,2,5,5");
    onnx_make_floats(m, "w", "3,2,1,2", v, 12);
    onnx_make_node(m, "Conv", "op", "x,w", "y");
    expect(m, 3, 4, v);
}
END_TEST

/* ConvTranspose: [input channels][output channels of a group][taps]; 2 groups of 2 input and 1 output channel, 3 taps. */
START_TEST(test_transposed_groups)
{
    const float v[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct onnx_make *m = onnx_make_new("g");
    onnx_make_input(m, "x", "1,4,5");
    onnx_make_floats(m, "w", "4,1,3", v, 12);
    onnx_make_int(m, onnx_make_node(m, "ConvTranspose", "op", "x,w", "y"), "group", 2);
    expect(m, 2, 6, v);
    const float wide[] = {1, 2, 5, 6, 3, 4, 7, 8}; /* one group, 2 in, 2 out, 2 taps */
    m = onnx_make_new("g");
    onnx_make_input(m, "x", "1,2,5");
    onnx_make_floats(m, "w", "2,2,2", v, 8);
    onnx_make_node(m, "ConvTranspose", "op", "x,w", "y");
    expect(m, 2, 4, wide);
}
END_TEST

START_TEST(test_types)
{
    const uint16_t half[] = {0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x8000};
    const float half_as[] = {1, -2, 0.333251953125F, 5.9604644775390625e-8F, 65504, 0};
    struct onnx_make *m = linear_graph();
    onnx_make_raw(m, "w", FLOAT16, "2,3", half, sizeof half);
    onnx_make_int(m, onnx_make_node(m, "Gemm", "op", "x,w", "y"), "transB", 1);
    expect(m, 2, 3, half_as);
    const unsigned char four[] = {0x17, 0xf8, 0x02}; /* low half first: 7, 1, -8, -1, 2, 0 */
    const float four_as[] = {7, 1, -8, -1, 2, 0};
    m = linear_graph();
    onnx_make_raw(m, "w", INT4, "2,3", four, sizeof four);
    onnx_make_node(m, "Cast", "c", "w", "wf");
    onnx_make_int(m, onnx_make_node(m, "Gemm", "op", "x,wf", "y"), "transB", 1);
    expect(m, 2, 3, four_as);
}
END_TEST

/* (q - zero) * scale, one pair for each output channel. */
START_TEST(test_quantized)
{
    const int8_t q[] = {1, -2, 3, 100, -100, 0};
    const float scale[] = {0.5F, 2}, want[] = {0, -1.5F, 1, 202, -198, 2};
    const int8_t zero[] = {1, -1};
    struct onnx_make *m = linear_graph();
    onnx_make_raw(m, "q", INT8, "2,3", q, sizeof q);
    onnx_make_floats(m, "s", "2", scale, 2);
    onnx_make_raw(m, "z", INT8, "2", zero, sizeof zero);
    onnx_make_int(m, onnx_make_node(m, "DequantizeLinear", "d", "q,s,z", "w"), "axis", 0);
    onnx_make_int(m, onnx_make_node(m, "Gemm", "op", "x,w", "y"), "transB", 1);
    expect(m, 2, 3, want);

    const float one = 1;
    const uint8_t middle = 128, u[] = {129, 128, 130, 0, 255, 127};
    const float u_as[] = {0.5F, 0, 1, -256, 254, -2};
    m = onnx_make_new("g");
    onnx_make_input(m, "x", "1,3,4,4");
    onnx_make_raw(m, "w", UINT8, "2,3,1,1", u, sizeof u);
    onnx_make_floats(m, "xs", "", &one, 1);
    onnx_make_raw(m, "z", UINT8, "", &middle, 1);
    onnx_make_floats(m, "ws", "2", scale, 2);
    onnx_make_node(m, "QLinearConv", "op", "x,xs,z,w,ws,z,xs,z", "y");
    expect(m, 2, 3, u_as);
}
END_TEST

/* MatMulNBits: 2 rows of 5 numbers in blocks of 4; the second block has one number and three to fill it. */
START_TEST(test_packed_blocks)
{
    const uint8_t packed[] = {0x98, 0x07, 0x0f, 0x00, 0x21, 0x43, 0x08, 0x00}, zero[] = {0x87, 0x18};
    const float scale[] = {1, 0.5F, 2, 4};
    const float want[] = {1, 2, 0, -7, 3.5F, -14, -12, -10, -8, 28},
                plain[] = {0, 1, -1, -8, 3.5F, -14, -12, -10, -8, 0};
    for (int i = 0; i < 2; i++) {
        struct onnx_make *m = onnx_make_new("g");
        onnx_make_input(m, "x", "2,5");
        onnx_make_raw(m, "w", UINT8, "2,2,2", packed, sizeof packed);
        onnx_make_floats(m, "s", "4", scale, 4);
        onnx_make_raw(m, "z", UINT8, "2", zero, sizeof zero);
        Onnx__NodeProto *n = onnx_make_node(m, "MatMulNBits", "op", i ? "x,w,s" : "x,w,s,z", "y");
        onnx_make_int(m, n, "K", 5);
        onnx_make_int(m, n, "N", 2);
        onnx_make_int(m, n, "bits", 4);
        onnx_make_int(m, n, "block_size", 4);
        expect(m, 2, 5, i ? plain : want);
    }
}
END_TEST

/* Float weights through QuantizeLinear and back: rounded, half to even, and clamped. */
START_TEST(test_rounded_by_the_file)
{
    const float v[] = {0.24F, -0.75F, 1.25F, 70, -70, 0}, scale = 0.5F, want[] = {0, -1, 1, 63.5F, -64, 0};
    const int8_t zero = 0;
    struct onnx_make *m = linear_graph();
    onnx_make_floats(m, "v", "2,3", v, 6);
    onnx_make_floats(m, "s", "", &scale, 1);
    onnx_make_raw(m, "z", INT8, "", &zero, 1);
    onnx_make_node(m, "QuantizeLinear", "q", "v,s,z", "q");
    onnx_make_node(m, "DequantizeLinear", "d", "q,s,z", "w");
    onnx_make_int(m, onnx_make_node(m, "Gemm", "op", "x,w", "y"), "transB", 1);
    expect(m, 2, 3, want);
}
END_TEST

static void place_outside(struct onnx_make *m, Onnx__TensorProto *t, const char *file, const char *offset)
{
    static Onnx__StringStringEntryProto entry[2];
    static Onnx__StringStringEntryProto *list[] = {&entry[0], &entry[1]};
    const char *text[][2] = {{"location", file}, {"offset", offset}};
    for (int i = 0; i < 2; i++) {
        onnx__string_string_entry_proto__init(&entry[i]);
        entry[i].key = onnx_make_text(m, text[i][0]);
        entry[i].value = onnx_make_text(m, text[i][1]);
    }
    t->has_raw_data = 0;
    t->external_data = list;
    t->n_external_data = 2;
    t->has_data_location = 1;
    t->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

static struct onnx_make *outside_graph(const char *file, const char *offset)
{
    struct onnx_make *m = linear_graph();
    Onnx__TensorProto *t = onnx_make_raw(m, "w", FLOAT32, "2,3", NULL, 0);
    place_outside(m, t, file, offset);
    onnx_make_int(m, onnx_make_node(m, "Gemm", "op", "x,w", "y"), "transB", 1);
    return m;
}

START_TEST(test_outside_the_file)
{
    const float v[] = {9, 1, 2, 3, 4, 5, 6};
    write_file("w.data", v, sizeof v);
    expect(outside_graph("w.data", "4"), 2, 3, v + 1);
    static const char *const bad[][2] = {
        {"absent.data", "0"}, {"w.data", "8"}, {"../w.data", "0"}, {"/etc/passwd", "0"}};
    for (int i = 0; i < 4; i++) {
        struct weights *w = read_back(outside_graph(bad[i][0], bad[i][1]));
        ck_assert_ptr_null(w->of[0].value);
        ck_assert_ptr_nonnull(strstr(w->of[0].why, "external data"));
        weights_free(w);
    }
}
END_TEST

START_TEST(test_not_there)
{
    struct onnx_make *m = linear_graph();
    onnx_make_raw(m, "w", FLOAT32, "2,3", NULL, 0);
    onnx_make_int(m, onnx_make_node(m, "Gemm", "op", "x,w", "y"), "transB", 1);
    struct weights *w = read_back(m);
    ck_assert_ptr_nonnull(strstr(w->of[0].why, "does not hold the numbers of 'w'"));
    weights_free(w);
    m = linear_graph();
    const float v[] = {1, 2, 3, 4, 5, 6};
    onnx_make_floats(m, "v", "2,3", v, 6);
    onnx_make_node(m, "Tanh", "t", "v", "w");
    onnx_make_int(m, onnx_make_node(m, "Gemm", "op", "x,w", "y"), "transB", 1);
    w = read_back(m);
    ck_assert_ptr_nonnull(strstr(w->of[0].why, "not followed through 'Tanh'"));
    weights_free(w);
    struct diags d = DIAGS_INIT;
    struct network *net = network_load("mlperf_tiny_ad", NULL, 0, 1, &d);
    ck_assert_ptr_null(weights_load("mlperf_tiny_ad", net, NULL, 0, 1, &d));
    ck_assert_int_eq(d.n_errors, 1);
    network_free(net);
    diags_release(&d);
}
END_TEST

int main(void)
{
    snprintf(folder, sizeof folder, "/tmp/dovetail_weights_XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    Suite *s = suite_create("onnx_weights");
    TCase *t = tcase_create("all");
    tcase_add_test(t, test_layouts);
    tcase_add_test(t, test_transposed_groups);
    tcase_add_test(t, test_types);
    tcase_add_test(t, test_quantized);
    tcase_add_test(t, test_packed_blocks);
    tcase_add_test(t, test_rounded_by_the_file);
    tcase_add_test(t, test_outside_the_file);
    tcase_add_test(t, test_not_there);
    suite_add_tcase(s, t);
    int status = run_suite(s, CK_FORK_GETENV);
    unlink(in_folder("w.onnx"));
    unlink(in_folder("w.data"));
    rmdir(folder);
    return status;
}
