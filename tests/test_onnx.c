/* ONNX: files made here, operator by operator, against MACs and shapes known by hand; what is dynamic, folded, fused, unknown, broken. */
#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "sw/import.h"
#include "tests/onnx_text.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- Counting ---------------------------------------------------------------------------------- */

static const struct {
    const char *what, *text;
    int64_t macs, quantised;
    int tensor_ops, vector_work, views;
    int64_t out_elements; /* of the last activation */
    int warnings;
} good[] = {
    {"convolution, bias and ReLU fused",
     "in x 1,3,8,8\nw k 4,3,3,3\nw b 4\nConv x,k,b > y pads=1,1,1,1 strides=2,2\nRelu y > z", 4 * 3 * 9 * 16, 0, 1, 0,
     0, 64, 0},
    {"depthwise, same padding", "in x 1,6,7,5\nw k 6,1,3,3\nConv x,k > y group=6 strides=2,2 auto_pad=\"SAME_UPPER\"",
     6 * 9 * 4 * 3, 0, 1, 0, 0, 72, 0},
    {"one and three dimensions",
     "in x 1,2,10\nw k 3,2,3\nConv x,k > y dilations=2,\nin u 1,2,4,4,4\nw v 3,2,2,2,2\nConv u,v > t",
     3 * 2 * 3 * 6 + 3 * 2 * 8 * 27, 0, 2, 0, 0, 81, 0},
    {"transposed", "in x 1,3,7,6\nw k 3,4,3,3\nConvTranspose x,k > y strides=2,2", 3 * 4 * 9 * 42, 0, 1, 1, 0,
     4 * 15 * 13, 0},
    {"transposed, groups, shape given",
     "in x 1,2,3,3\nw k 2,2,3,3\nConvTranspose x,k > y strides=3,2 group=2 output_shape=10,8", 2 * 2 * 9 * 9, 0, 1, 1,
     0, 4 * 80, 0},
    {"gemm, transposed weights", "in x 5,12\nw k 7,12\nw b 7\nGemm x,k,b > y transB=1", 5 * 12 * 7, 0, 1, 0, 0, 35, 0},
    {"constant on the left", "in x 12,5\nw k 7,12\nMatMul k,x > y", 5 * 12 * 7, 0, 1, 0, 0, 35, 0},
    {"broadcast product", "in a 1,3,4\nin b 3,4,5\nMatMul a,b > y", 180, 0, 1, 0, 0, 45, 0},
    {"vectors", "in a 4\nin b 4\nMatMul a,b > y", 4, 0, 1, 0, 0, 1, 0},
    {"einsum", "in a 2,3,4\nin b 2,5,4\nEinsum a,b > y equation=\"bij,bkj->bik\"", 2 * 3 * 4 * 5, 0, 1, 0, 0, 30, 0},
    {"einsum with dots", "in a 5,1,2,3\nin b 4,3,6\nEinsum a,b > y equation=\"...ij,...jk->...ik\"", 5 * 4 * 2 * 3 * 6,
     0, 1, 0, 0, 5 * 4 * 2 * 6, 0},
    {"einsum without a result", "in a 2,3\nin b 3,4\nEinsum a,b > y equation=\"ij,jk\"", 24, 0, 1, 0, 0, 8, 0},
    {"resized along two axes", "in x 1,4,8,8\ni64 s 2 16,20\nResize x,_,_,s > y axes=2,3", 0, 0, 0, 1, 0, 4 * 16 * 20,
     0},
    {"quantized convolution", "in x 1,3,8,8\nw k 4,3,1,1\nw s 1\nw b 4\nQLinearConv x,s,s,k,s,s,s,s,b > y", 0,
     4 * 3 * 64, 1, 0, 0, 256, 0},
    {"residual is vector work", "in x 1,4,8,8\nw k 4,4,1,1\nConv x,k > y\nAdd y,x > z", 4 * 4 * 64, 0, 1, 1, 0, 256, 0},
    {"shape arithmetic",
     "in x N,16,8\nShape x > s\ni64 one 0 1\ni64 two 0 2\nGather s,one > d\nGather s,two > e\nMul d,e > f\n"
     "i64 ax 1 0\nUnsqueeze f,ax > f1\ni64 n 1 -1\nConcat n,f1 > to axis=0\nReshape x,to > y\nw k 128,3\nMatMul y,k > "
     "z",
     128 * 3, 0, 1, 0, 0, 3, 1},
    {"attention",
     "in x 1,16,32\nw q 32,32\nw k 32,32\nMatMul x,q > Q\nMatMul x,k > K\ni64 h 4 1,16,4,8\nReshape Q,h > Q4\nReshape "
     "K,h > K4\n"
     "Transpose Q4 > Qt perm=0,2,1,3\nTranspose K4 > Kt perm=0,2,3,1\nMatMul Qt,Kt > S\nSoftmax S > P axis=3",
     2 * 16 * 32 * 32 + 4 * 16 * 16 * 8, 0, 3, 3, 0, 1024, 0},
    {"slices, splits, concatenations are views",
     "in x 1,8,4\ni64 a 1 2\ni64 b 1 6\ni64 ax 1 1\nSlice x,a,b,ax > y\nSplit y > u,v axis=1\n"
     "Concat u,v > z axis=1\nIdentity z > r",
     0, 0, 0, 0, 4, 16, 0},
    {"negative step, end of all",
     "in x 1,8\ni64 a 1 -1\ni64 b 1 -9223372036854775808\ni64 ax 1 1\ni64 st 1 -2\nSlice x,a,b,ax,st > y", 0, 0, 0, 0,
     1, 4, 0},
    {"pooling, ceil and global",
     "in x 1,2,7,7\nMaxPool x > y kernel_shape=3,3 strides=2,2 ceil_mode=1\nGlobalAveragePool y > z", 0, 0, 0, 2, 0, 2,
     0},
    {"recurrent", "in x 5,1,3\nw a 1,16,3\nw r 1,16,4\nLSTM x,a,r > y,h,c hidden_size=4", 0, 0, 2, 1, 0, 20, 0},
    {"nodes in any order", "in x 1,4\nw k 4,2\nRelu y > z\nMatMul x,k > y", 8, 0, 1, 0, 0, 2, 0},
    {"an operator not known", "in x 1,4\nw k 4,2\nMatMul x,k > y\nFrobnicate y > z\nFrobnicate z > u", 8, 0, 1, 2, 0, 2,
     1},
    {"names only", "in x 2,3\nIdentity x > y", 0, 0, 0, 0, 1, 6, 0},
    {"constants only", "i64 a 1 2\ni64 b 1 3\nAdd a,b > y", 0, 0, 0, 0, 1, 1, 0},
    {"cropped", "in x 1,3,8,9\nCrop x > y border=1,2,3,4", 0, 0, 0, 1, 0, 3 * 2 * 5, 0},
    {"numbers joined to vectors", "in x 2,6\ni64 a 1 3\ni64 b 0 4\nConcat a,b > s axis=0\nReshape x,s > y\nRelu y > z",
     0, 0, 0, 1, 0, 12, 0},
    {"as many as can be", "in x 2,3\nNonZero x > z", 0, 0, 0, 1, 0, 12, 1},
    {"boxes", "in b 1,20,4\nin s 1,3,20\ni64 m 1 5\nNonMaxSuppression b,s,m > z", 0, 0, 0, 1, 0, 3 * 5 * 3, 1},
    {"the sum goes on", "in x 1,4,8\nin y 1,4,8\nw g 8\nms:SkipLayerNormalization x,y,g > z,_,_,s\nAdd z,s > t", 0, 0,
     0, 3, 0, 32, 0},
    {"quantized concatenation", "in x 1,4,8\nin y 1,2,8\nw s 1\nms:QLinearConcat s,s,x,s,s,y,s,s > z axis=1", 0, 0, 0,
     0, 1, 48, 0},
    {"samples at places", "in x 1,4,8,8\nin g 1,5,6,2\nGridSample x,g > z", 0, 0, 0, 1, 0, 120, 0},
    {"slices by index", "in x 6,7,8\nin i 5,2\nGatherND x,i > z", 0, 0, 0, 1, 0, 40, 0},
    {"fused convolution", "in x 1,3,8,8\nw k 4,3,3,3\nms:FusedConv x,k > y pads=1,1,1,1", 0, 0, 1, 0, 0, 256, 0},
    {"fused product", "in a 2,3,4\nin b 2,5,4\nms:FusedMatMul a,b > y transB=1", 0, 0, 1, 0, 0, 30, 0},
    {"rows of a table", "in ids 1,6\nw t 100,8\nGather t,ids > y", 0, 0, 0, 1, 0, 48, 0},
};

static struct network *import(const char *text, const struct network_arg *args, int n, bool strict,
                              struct onnx_facts *facts, struct diags *d)
{
    size_t len;
    uint8_t *bytes = onnx_text(text, &len);
    struct network *net = import_onnx("t.onnx", bytes, len, args, n, 1, strict, facts, d);
    mem_free(bytes);
    return net;
}

START_TEST(operators_are_counted)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    struct onnx_facts f;
    struct network *net = import(good[_i].text, NULL, 0, false, &f, &d);
    diags_format(&d, false, &text);
    ck_assert_msg(net != NULL, "%s: %s", good[_i].what, strbuf_str(&text));
    struct network_totals t;
    network_totals(net, &t);
    ck_assert_msg(f.macs == good[_i].macs && f.macs_quantised == good[_i].quantised, "%s: %lld and %lld MACs",
                  good[_i].what, (long long)f.macs, (long long)f.macs_quantised);
    ck_assert_msg(
        t.tensor_ops == good[_i].tensor_ops && t.vector_work == good[_i].vector_work && t.views == good[_i].views,
        "%s: %d tensor operators, %d of vector work, %d views", good[_i].what, t.tensor_ops, t.vector_work, t.views);
    ck_assert_msg(net->act[net->n_acts - 1].elements == good[_i].out_elements, "%s: %lld", good[_i].what,
                  (long long)net->act[net->n_acts - 1].elements);
    ck_assert_msg(d.n_warnings == good[_i].warnings, "%s: %s", good[_i].what, strbuf_str(&text));
    network_free(net);
    strbuf_release(&text);
    diags_release(&d);
}
END_TEST

/* Attention as one operator is the products that it is made of. */
static const struct {
    const char *text;
    int64_t macs, weights, out_elements;
} attentions[] = {
    {"in x 2,16,32\nw k 32,96\nw b 96\nms:Attention x,k,b > y num_heads=4",
     2 * 16 * 32 * 96 + 2 * (2 * 4 * 16 * 16 * 8), 32 * 96, 2 * 16 * 32},
    {"in x 2,16,32\nw k 32,96\nw b 96\nin p 2,2,4,10,8\nms:Attention x,k,b,_,p > y,q num_heads=4",
     2 * 16 * 32 * 96 + 2 * (2 * 4 * 16 * 26 * 8), 32 * 96, 2 * 16 * 32},
    {"in x 1,5,12\nw k 12,40\nw b 40\nms:Attention x,k,b > y num_heads=2 qkv_hidden_sizes=12,12,16",
     5 * 12 * 40 + 2 * 5 * 5 * (6 + 8), 12 * 40, 5 * 16},
    {"in x 1,5,12\nw k 12,36\nw s 1\nw b 36\nms:QAttention x,k,b,s,s > y num_heads=2",
     5 * 12 * 36 + 2 * (2 * 5 * 5 * 6), 12 * 36, 60},
    {"in q 1,4,64\nin k 1,4,16\nin v 1,4,16\nms:GroupQueryAttention q,k,v > y num_heads=8 kv_num_heads=2",
     2 * (8 * 4 * 4 * 8), 0, 256},
    {"in q 1,1,64\nin k 1,1,16\nin v 1,1,16\nin pk 1,2,99,8\nin pv 1,2,99,8\n"
     "ms:GroupQueryAttention q,k,v,pk,pv > y,nk,nv num_heads=8 kv_num_heads=2",
     2 * (8 * 1 * 100 * 8), 0, 64},
    {"in q 1,4,64\nin k 1,9,64\nin v 1,9,32\nms:MultiHeadAttention q,k,v > y num_heads=8", 8 * 4 * 9 * (8 + 4), 0, 128},
    {"in q 1,8,4,16\nin k 1,2,6,16\nin v 1,2,6,16\nAttention q,k,v > y", 2 * (8 * 4 * 6 * 16), 0, 512},
    {"in x 1,3,64\nw p 32,2,16\nw s 64\nms:MatMulNBits x,p,s > y K=64 N=32 bits=4", 3 * 64 * 32, 64 * 32, 96},
};

START_TEST(attention_is_its_products)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    struct onnx_facts f;
    struct network_totals t;
    struct network *net = import(attentions[_i].text, NULL, 0, true, &f, &d);
    diags_format(&d, false, &text);
    ck_assert_msg(net != NULL && d.n_warnings == 0, "%d: %s", _i, strbuf_str(&text));
    network_totals(net, &t);
    ck_assert_msg(t.macs == attentions[_i].macs, "%d: %lld MACs, %lld expected", _i, (long long)t.macs,
                  (long long)attentions[_i].macs);
    ck_assert_int_eq(t.weights, attentions[_i].weights);
    ck_assert_int_eq(f.macs + f.macs_quantised, 0);
    ck_assert_int_eq(net->act[net->n_acts - 1].elements, attentions[_i].out_elements);
    network_free(net);
    strbuf_release(&text);
    diags_release(&d);
}
END_TEST

START_TEST(dynamic_dimensions_are_bound)
{
    const struct network_arg named[] = {{"N", 4}, {"seq", 10}}, placed[] = {{"x.0", 4}, {"x.1", 10}},
                             wrong[] = {{"sec", 1}};
    const char *text = "in x N,seq,8\nw k 8,3\nMatMul x,k > y";
    struct diags d = DIAGS_INIT;
    struct onnx_facts f;
    network_free(import(text, named, 2, false, &f, &d));
    ck_assert_int_eq(f.macs, 4 * 10 * 8 * 3);
    network_free(import(text, placed, 2, false, &f, &d));
    ck_assert_int_eq(f.macs, 4 * 10 * 8 * 3);
    ck_assert_int_eq(d.n_warnings, 0);
    network_free(import(text, NULL, 0, false, &f, &d));
    ck_assert_int_eq(f.macs, 8 * 3);
    ck_assert_int_eq(d.n_warnings, 2);
    ck_assert_ptr_null(import(text, wrong, 1, false, &f, &d));
    diags_release(&d);
}
END_TEST

static const struct {
    const char *text, *says;
} bad[] = {
    {"in x 1,3,8,8\nw k 4,2,3,3\nConv x,k > y", "Conv 'y': 3 channels do not fit 1 groups of 2"},
    {"in x 1,3,2,2\nw k 4,3,3,3\nConv x,k > y", "a window of 3 does not fit into 2"},
    {"in x 1,3\nw k 4,5\nMatMul x,k > y", "the summed dimension is 3 on one side and 4 on the other"},
    {"in x 2,3\nin y 2,4\nAdd x,y > z", "its inputs do not fit one another"},
    {"in x 2,3\nRelu nothing > z", "Relu '' reads 'nothing', which nothing makes"},
    {"in x 2,3\ni64 s 2 7,-1\nReshape x,s > z", "6 elements cannot become 0"},
    {"in x 2,3\nReshape x,x > z", "its shape is not a constant"},
    {"in x 9999999,9999999,9999999\nRelu x > z", "more than 2^48 elements"},
    {"in x 1,3,8,8\nw k 4,3,3,3\nConv x,k > y strides=0,0", "is not in 1..2^31"},
};

START_TEST(wrong_files_are_refused)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    ck_assert_ptr_null(import(bad[_i].text, NULL, 0, false, NULL, &d));
    diags_format(&d, false, &text);
    ck_assert_msg(strstr(strbuf_str(&text), bad[_i].says), "%s", strbuf_str(&text));
    strbuf_release(&text);
    diags_release(&d);
}
END_TEST

START_TEST(strict_refuses_what_is_not_known)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    ck_assert_ptr_null(import("in x 1,4\nFrobnicate x > z", NULL, 0, true, NULL, &d));
    diags_format(&d, false, &text);
    ck_assert_msg(strstr(strbuf_str(&text), "this operator of 'ai.onnx' is not known"), "%s", strbuf_str(&text));
    strbuf_release(&text);
    diags_release(&d);
}
END_TEST

/* A message within a message within ..., 100,000 deep, must be refused and not recursed into: attribute (5) > graph (6) > node (1). */
START_TEST(depth_is_bounded)
{
    size_t size = 1 << 20, at = size;
    uint8_t *bytes = mem_alloc(size);
    static const uint8_t tags[] = {0x0a, 0x2a, 0x32}; /* node, attribute, g */
    size_t inner = 0;
    for (int i = 0; i < 100000 && at > 16; i++) {
        size_t v = inner;
        uint8_t varint[10];
        int n = 0;
        do {
            varint[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
            v >>= 7;
        } while (v);
        at -= (size_t)n;
        memcpy(bytes + at, varint, (size_t)n);
        bytes[--at] = tags[2 - i % 3];
        inner = size - at;
    }
    struct diags d = DIAGS_INIT;
    ck_assert_ptr_null(import_onnx("deep.onnx", bytes + at, size - at, NULL, 0, 1, false, NULL, &d));
    diags_release(&d);
    mem_free(bytes);
}
END_TEST

/* Files with some bytes changed or the end cut off never crash, and what they give is counted without overflow. */
START_TEST(mutations_are_survived)
{
    struct rng rng;
    rng_init(&rng, 7, 0, RNG_TEST);
    int read = 0, refused = 0;
    for (int i = 0; i < 4000; i++) {
        size_t len, which = (size_t)rng_below(&rng, (int64_t)(sizeof good / sizeof *good));
        uint8_t *bytes = onnx_text(good[which].text, &len);
        for (int64_t k = rng_below(&rng, 4); k >= 0; k--) {
            bytes[rng_below(&rng, (int64_t)len)] = (uint8_t)rng_u32(&rng);
        }
        len = rng_below(&rng, 8) == 0 ? (size_t)rng_below(&rng, (int64_t)len) : len;
        struct diags d = DIAGS_INIT;
        struct network *net = import_onnx("m.onnx", bytes, len, NULL, 0, 1, false, NULL, &d);
        if (net) {
            struct network_totals t;
            network_totals(net, &t);
            read++;
        } else {
            ck_assert_int_gt(d.n_errors, 0);
            refused++;
        }
        network_free(net);
        diags_release(&d);
        mem_free(bytes);
    }
    printf("onnx: %d mutated files read, %d refused\n", read, refused);
    ck_assert_int_gt(read, 100);
    ck_assert_int_gt(refused, 100);
}
END_TEST

/* ONNX_SEEDS=tests/fuzz/onnx: writes the graphs above as files, for the fuzzer to begin with. */
START_TEST(seeds_are_written)
{
    const char *folder = getenv("ONNX_SEEDS");
    int n_good = (int)(sizeof good / sizeof *good), n = n_good + (int)(sizeof attentions / sizeof *attentions);
    for (int i = 0; i < n; i++) {
        size_t len;
        char path[300];
        uint8_t *bytes = onnx_text(i < n_good ? good[i].text : attentions[i - n_good].text, &len);
        snprintf(path, sizeof path, "%.280s/%02d.onnx", folder, i);
        FILE *f = fopen(path, "wb");
        bool written = f != NULL && fwrite(bytes, 1, len, f) == len;
        ck_assert(written && fclose(f) == 0);
        mem_free(bytes);
    }
    printf("%d seeds\n", n);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx");
    TCase *tc = tcase_create("onnx");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, operators_are_counted, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(tc, attention_is_its_products, 0, (int)(sizeof attentions / sizeof *attentions));
    tcase_add_test(tc, dynamic_dimensions_are_bound);
    tcase_add_loop_test(tc, wrong_files_are_refused, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_test(tc, strict_refuses_what_is_not_known);
    tcase_add_test(tc, depth_is_bounded);
    tcase_add_test(tc, mutations_are_survived);
    if (getenv("ONNX_SEEDS") != NULL) {
        tcase_add_test(tc, seeds_are_written);
    }
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_FORK_GETENV);
}
