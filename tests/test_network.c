/* Networks: published totals, MLPerf Tiny layer by layer, widths, what is alive, messages of the model reader. */
#include "base/diag.h"
#include "base/mem.h"
#include "base/schema.h"
#include "base/strbuf.h"
#include "sw/network.h"
#include "sw/network_build.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct network *load(const char *model, const struct network_arg *args, int n, int64_t batch)
{
    struct diags d = DIAGS_INIT;
    struct network *net = network_load(model, args, n, batch, &d);
    if (net == NULL) {
        struct strbuf text = STRBUF_INIT;
        diags_format(&d, false, &text);
        ck_abort_msg("%s", strbuf_str(&text));
    }
    diags_release(&d);
    return net;
}

/* Published parameters count two numbers a channel of a batch norm; folded, one is left: published - channels. */
static const struct {
    const char *model;
    struct network_arg arg[2];
    int n_args;
    int64_t macs, params;
} published[] = {
    /* torchvision: 11,689,512 with 4,800 normalised channels */
    {"resnet18", {{NULL, 0}}, 0, 1814073344, 11689512 - 4800},
    /* He et al., table 1: 3.8e9; 25,557,032 with 26,560 */
    {"resnet50", {{NULL, 0}}, 0, 3857973248, 25557032 - 26560},
    /* torchvision: 4.09 GMAC */
    {"resnet50_v1_5", {{NULL, 0}}, 0, 4089184256, 25557032 - 26560},
    /* Howard et al., table 8: 569 M, 4.2 M; Keras: 4,231,976 trained with 10,944 */
    {"mobilenet_v1", {{NULL, 0}}, 0, 568740352, 4231976 - 10944},
    /* torchvision: 300.8 M; 3,504,872 with 17,056 */
    {"mobilenet_v2", {{NULL, 0}}, 0, 300774272, 3504872 - 17056},
    /* torchvision: 138,357,544 */
    {"vgg16", {{NULL, 0}}, 0, 15470264320, 138357544},
    /* Caffe's AlexNet: 60,965,224 */
    {"alexnet", {{NULL, 0}}, 0, 724406816, 60965224},
    /* released model: 109,482,240; 12 layers of 128 (12 * 768^2) + 2 * 128^2 * 768, and the pooler */
    {"bert_base", {{NULL, 0}}, 0, 12 * (128LL * 12 * 768 * 768 + 2LL * 128 * 128 * 768) + 768 * 768, 109482240},
    /* released model: 124,439,808; logits for one token */
    {"gpt2", {{NULL, 0}}, 0, 12 * (128LL * 12 * 768 * 768 + 2LL * 128 * 128 * 768) + 768LL * 50257, 124439808},
    /* decode: one token against 1024 */
    {"gpt2",
     {{"tokens", 1}, {"context", 1024}},
     2,
     12 * (12LL * 768 * 768 + 2LL * 1024 * 768) + 768LL * 50257,
     124439808},
    /* mlcommons/tiny reference files */
    {"mlperf_tiny_ic", {{NULL, 0}}, 0, 12501632, 77706},
    {"mlperf_tiny_kws", {{NULL, 0}}, 0, 2656768, 22604},
    {"mlperf_tiny_vww", {{NULL, 0}}, 0, 7489664, 210850},
    {"mlperf_tiny_ad", {{NULL, 0}}, 0, 264192, 265864},
};

START_TEST(totals_are_the_published_ones)
{
    struct network *net = load(published[_i].model, published[_i].arg, published[_i].n_args, 1);
    struct network_totals t;
    network_totals(net, &t);
    int *unique = mem_calloc((size_t)net->n_ops, sizeof *unique);
    printf("%-16s %12lld MACs %10lld parameters, %3d tensor operators (%d distinct), "
           "%2d blocks, peak %.2f KiB\n",
           net->name, (long long)t.macs, (long long)(t.weights + t.biases), t.tensor_ops, network_unique(net, unique),
           net->n_blocks, (double)t.peak_activation_bits / 8192);
    mem_free(unique);
    ck_assert_int_eq(t.macs, published[_i].macs);
    ck_assert_int_eq(t.weights + t.biases, published[_i].params);
    network_free(net);
}
END_TEST

/* MACs and parameters of each layer with weights, from the reference's TensorFlow Lite files (mlcommons/tiny, own parser). A shortcut
 * stands last in its block there too. */
static const int64_t ic[][2] = {{442368, 448}, {2359296, 2320},  {2359296, 2320},  {1179648, 4640}, {2359296, 9248},
                                {131072, 544}, {1179648, 18496}, {2359296, 36928}, {131072, 2112},  {640, 650}};
static const int64_t kws[][2] = {{320000, 2624}, {72000, 640},   {512000, 4160}, {72000, 640},   {512000, 4160},
                                 {72000, 640},   {512000, 4160}, {72000, 640},   {512000, 4160}, {768, 780}};
static const int64_t vww[][2] = {{497664, 224},   {165888, 80},    {294912, 144},   {82944, 160},    {294912, 544},
                                 {165888, 320},   {589824, 1056},  {41472, 320},    {294912, 2112},  {82944, 640},
                                 {589824, 4160},  {20736, 640},    {294912, 8320},  {41472, 1280},   {589824, 16512},
                                 {41472, 1280},   {589824, 16512}, {41472, 1280},   {589824, 16512}, {41472, 1280},
                                 {589824, 16512}, {41472, 1280},   {589824, 16512}, {10368, 1280},   {294912, 33024},
                                 {20736, 2560},   {589824, 65792}, {512, 514}};
static const int64_t ad[][2] = {{81920, 82048}, {16384, 16512}, {16384, 16512}, {16384, 16512}, {1024, 1032},
                                {1024, 1152},   {16384, 16512}, {16384, 16512}, {16384, 16512}, {81920, 82560}};
static const struct {
    const char *model;
    const int64_t (*layer)[2];
    int n;
} tiny[] = {
    {"mlperf_tiny_ic", ic, sizeof ic / sizeof *ic},
    {"mlperf_tiny_kws", kws, sizeof kws / sizeof *kws},
    {"mlperf_tiny_vww", vww, sizeof vww / sizeof *vww},
    {"mlperf_tiny_ad", ad, sizeof ad / sizeof *ad},
};

START_TEST(mlperf_tiny_layer_by_layer)
{
    struct network *net = load(tiny[_i].model, NULL, 0, 1);
    int at = 0;
    for (int i = 0; i < net->n_ops; i++) {
        const struct op *op = &net->op[i];
        if (op->kind == OP_TENSOR) {
            ck_assert_int_lt(at, tiny[_i].n);
            ck_assert_msg(einsum_macs(&op->einsum) == tiny[_i].layer[at][0], "%s", op->name);
            ck_assert_msg(op->weights + op->biases == tiny[_i].layer[at][1], "%s", op->name);
            at++;
        }
    }
    ck_assert_int_eq(at, tiny[_i].n);
    network_free(net);
}
END_TEST

START_TEST(batch_multiplies_macs_and_activations)
{
    static const char *const models[] = {"resnet18", "mobilenet_v2", "bert_base", "gpt2"};
    struct network *one = load(models[_i], NULL, 0, 1), *four = load(models[_i], NULL, 0, 4);
    struct network_totals a, b;
    network_totals(one, &a);
    network_totals(four, &b);
    ck_assert_int_eq(b.macs, 4 * a.macs);
    ck_assert_int_eq(b.vector_ops, 4 * a.vector_ops);
    ck_assert_int_eq(b.activation_bits, 4 * a.activation_bits);
    ck_assert_int_eq(b.peak_activation_bits, 4 * a.peak_activation_bits);
    ck_assert_int_eq(b.weights, a.weights);
    network_free(one);
    network_free(four);
}
END_TEST

START_TEST(blocks_are_consecutive_and_named)
{
    struct network *net = load("resnet50", NULL, 0, 1);
    ck_assert_int_eq(net->n_blocks, 18); /* conv1, 16 bottlenecks, fc */
    int at = 0;
    for (int b = 0; b < net->n_blocks; b++) {
        ck_assert_int_eq(net->block[b].first_op, at);
        ck_assert_int_gt(net->block[b].n_ops, 0);
        for (int i = 0; i < net->block[b].n_ops; i++, at++) {
            ck_assert_int_eq(net->op[at].block, b);
        }
    }
    ck_assert_int_eq(at, net->n_ops);
    ck_assert_int_eq(network_find_block(net, "layer3.5"), 13);
    ck_assert_int_eq(network_find_block(net, "layer3.6"), -1);
    int add = network_find_op(net, "layer2.1.add");
    ck_assert_int_ge(add, 0);
    ck_assert_int_eq(net->op[add].n_inputs, 2); /* its own third convolution, and the block before */
    int before = net->edge[net->op[add].first_input + 1];
    ck_assert_str_eq(net->op[net->act[before].producer].name, "layer2.0.add");
    ck_assert_int_eq(network_find_op(net, "layer2.1.downsample"), -1);
    network_free(net);
}
END_TEST

START_TEST(widths_follow_the_readers)
{
    struct network *net = load("resnet18", NULL, 0, 1);
    struct network_totals before, after;
    network_totals(net, &before);
    ck_assert_int_eq(before.weight_bits, before.weights * 8 + before.biases * 32);
    int block = network_find_block(net, "layer1.0");
    ck_assert_int_eq(network_set_bits(net, BITS_BLOCK, block, 4, 4, 24, NULL), 0);
    const struct op *conv1 = &net->op[network_find_op(net, "layer1.0.conv1")];
    const struct op *conv2 = &net->op[network_find_op(net, "layer1.0.conv2")];
    const struct op *pool = &net->op[network_find_op(net, "maxpool")];
    ck_assert_int_eq(conv1->einsum.tensor[0].bits, 4);
    ck_assert_int_eq(conv1->einsum.tensor[1].bits, 4);
    ck_assert_int_eq(conv1->einsum.tensor[2].bits, 4); /* conv2 is its only reader */
    ck_assert_int_eq(conv1->einsum.tensor[2].partial_bits, 24);
    ck_assert_int_eq(conv2->einsum.tensor[2].bits, 8); /* the addition reads 8 */
    ck_assert_int_eq(net->act[pool->output].bits, 12); /* 4 for conv1 and 8 for the addition */
    network_totals(net, &after);
    ck_assert_int_eq(after.macs, before.macs);
    ck_assert_int_eq(before.weight_bits - after.weight_bits, 4 * 2 * 36864);
    ck_assert_double_eq(before.mac_bit_products - after.mac_bit_products, 2 * 115605504LL * (64 - 16));
    network_free(net);
}
END_TEST

START_TEST(first_and_last_stay)
{
    struct network *net = load("resnet18", NULL, 0, 1);
    ck_assert_int_eq(network_set_bits(net, BITS_ALL, 0, 2, 2, 0, NULL), 0);
    int first = network_find_op(net, "conv1"), last = network_find_op(net, "fc");
    ck_assert(net->op[first].fixed_bits && net->op[last].fixed_bits);
    ck_assert_int_eq(net->op[first].w_bits, 8);
    ck_assert_int_eq(net->op[last].a_bits, 8);
    ck_assert_int_eq(net->op[network_find_op(net, "layer4.1.conv2")].w_bits, 2);
    struct err err = ERR_INIT;
    ck_assert_int_eq(network_set_bits(net, BITS_OP, first, 4, 4, 0, &err), -1);
    ck_assert_str_eq(err.text, "'conv1' stays at 8 bits: it is the first or the last operator with weights");
    err.code = ERR_NONE;
    ck_assert_int_eq(network_set_bits(net, BITS_ALL, 0, 33, 4, 0, &err), -1);
    ck_assert_str_eq(err.text, "weights must be 1 to 32 bits wide, not 33");
    network_free(net);
}
END_TEST

START_TEST(peak_is_counted_by_hand)
{
    /* x is read by a and by the addition: while b runs, x, a and b are alive. */
    struct network *net = network_new("residual", 1);
    struct err err = ERR_INIT;
    build_block(net, "all");
    int x = build_input(net, 16, 4, 4, &err);
    int a = build_linear(net, "a", x, 64, false, false, &err);
    int b = build_linear(net, "b", a, 16, false, false, &err);
    const int both[] = {b, x};
    int sum = build_elementwise(net, "sum", VECTOR_ADD, both, 2, &err);
    build_linear(net, "c", sum, 1, false, false, &err);
    ck_assert_int_eq(build_finish(net, &err), 0);
    struct network_totals t;
    network_totals(net, &t);
    ck_assert_int_eq(t.peak_activation_bits, (16 + 64 + 16) * 16 * 8);
    ck_assert_int_eq(net->act[x].last_use, 2);
    ck_assert_int_eq(t.vector_ops, 256);
    network_free(net);
}
END_TEST

START_TEST(in_place_is_counted_by_hand)
{
    struct network *net = network_new("in_place", 1);
    struct err err = ERR_INIT;
    struct conv_spec depthwise = conv_spec_default;
    depthwise.depthwise = true;
    depthwise.kernel[0] = depthwise.kernel[1] = 3;
    depthwise.pad[0] = depthwise.pad[1] = depthwise.pad[2] = depthwise.pad[3] = 1;
    build_block(net, "all");
    int x = build_input(net, 8, 4, 4, &err);
    int a = build_linear(net, "a", x, 32, false, false, &err);
    int d = build_conv(net, "d", a, &depthwise, &err);               /* over a, with a plane of 16 */
    int g = build_unary(net, "g", VECTOR_ACTIVATION, d, 1, 0, &err); /* over d */
    const int both[] = {g, a};
    int s = build_elementwise(net, "s", VECTOR_ADD, both, 2, &err); /* a lives on: d cannot be over it after all */
    build_linear(net, "e", s, 1, false, false, &err);
    ck_assert_int_eq(build_finish(net, &err), 0);
    ck_assert_int_eq(network_in_place(net, 0), -1);
    ck_assert_int_eq(network_in_place(net, 1), -1);
    ck_assert_int_eq(network_in_place(net, 2), d);
    ck_assert_int_eq(network_in_place(net, 3), g);
    struct network_totals t;
    network_totals(net, &t);
    ck_assert_int_eq(t.peak_activation_bits, 3 * 512 * 8); /* a, d, g */
    ck_assert_int_eq(t.peak_in_place_bits, 2 * 512 * 8);
    network_free(net);
    struct network *tiny_net = load("mlperf_tiny_vww", NULL, 0, 1);
    network_totals(tiny_net, &t);
    /* the first depthwise runs over its input with a plane more; the pointwise behind it needs both: 18432 + 36864 */
    ck_assert_int_eq(t.peak_in_place_bits, (18432 + 36864) * 8);
    network_free(tiny_net);
}
END_TEST

START_TEST(views_keep_what_they_look_into)
{
    struct network *net = network_new("views", 2);
    struct err err = ERR_INIT;
    build_block(net, "all");
    int x = build_input(net, 4, 2, 2, &err);
    int a = build_linear(net, "a", x, 3, false, false, &err), b = build_linear(net, "b", x, 5, false, false, &err);
    const int both[] = {a, b};
    int joined = build_concat(net, "joined", both, 2, &err);
    int flat = build_flatten(net, "flat", joined, &err);
    build_linear(net, "c", flat, 7, false, false, &err);
    ck_assert_int_eq(build_finish(net, &err), 0);
    ck_assert_int_eq(net->act[flat].channels, 32);
    ck_assert_int_eq(net->act[flat].bits, 0);
    ck_assert_int_eq(net->act[a].last_use, 4);
    ck_assert_int_eq(network_set_bits(net, BITS_OP, network_find_op(net, "b"), 4, 4, 0, &err), 0);
    ck_assert_int_eq(net->act[x].bits, 12);
    struct network_totals t;
    network_totals(net, &t);
    ck_assert_int_eq(t.activation_bits, 2 * (16 * 12 + 32 * 8 + 7 * 8));
    network_free(net);
}
END_TEST

START_TEST(distinct_operators)
{
    struct network *net = load("resnet18", NULL, 0, 1);
    int *unique = mem_calloc((size_t)net->n_ops, sizeof *unique);
    int n = network_unique(net, unique);
    ck_assert_int_eq(unique[network_find_op(net, "layer1.1.conv2")], network_find_op(net, "layer1.0.conv1"));
    ck_assert_int_eq(unique[network_find_op(net, "layer1.0.add")], -1);
    ck_assert_int_eq(n, 12); /* conv1; 1 + 3 * (conv1, the others, downsample); fc: 1 + 1 + 9 + 1 */
    mem_free(unique);
    network_free(net);
}
END_TEST

START_TEST(splits_name_dimensions)
{
    struct network *net = load("mobilenet_v2", NULL, 0, 1), *bert = load("bert_base", NULL, 0, 2);
    const struct op *dw = &net->op[network_find_op(net, "stage2.0.depthwise")],
                    *pw = &net->op[network_find_op(net, "stage2.0.project")];
    ck_assert_str_eq(dw->einsum.dim[op_split_dim(dw, SPLIT_CHANNELS)], "G");
    ck_assert_str_eq(pw->einsum.dim[op_split_dim(pw, SPLIT_CHANNELS)], "K");
    ck_assert_str_eq(pw->einsum.dim[op_split_dim(pw, SPLIT_ROWS)], "P");
    ck_assert_int_eq(op_split_dim(pw, SPLIT_BATCH), -1);
    const struct op *scores = &bert->op[network_find_op(bert, "encoder.0.scores")];
    ck_assert_str_eq(scores->einsum.dim[op_split_dim(scores, SPLIT_BATCH)], "G");
    ck_assert_int_eq(scores->einsum.bound[op_split_dim(scores, SPLIT_BATCH)], 24);
    const struct op *query = &bert->op[network_find_op(bert, "encoder.0.query")];
    ck_assert_str_eq(query->einsum.dim[op_split_dim(query, SPLIT_BATCH)], "N");
    network_free(net);
    network_free(bert);
}
END_TEST

START_TEST(canonical_text_changes_with_bits_only)
{
    struct network *a = load("mlperf_tiny_kws", NULL, 0, 1), *b = network_copy(a);
    struct strbuf ta = STRBUF_INIT, tb = STRBUF_INIT;
    strcpy(b->op[0].name, "renamed");
    network_canonical(a, &ta);
    network_canonical(b, &tb);
    ck_assert_str_eq(strbuf_str(&ta), strbuf_str(&tb));
    strbuf_reset(&tb);
    network_set_bits(b, BITS_BLOCK, 2, 4, 0, 0, NULL);
    network_canonical(b, &tb);
    ck_assert_str_ne(strbuf_str(&ta), strbuf_str(&tb));
    strbuf_release(&ta);
    strbuf_release(&tb);
    network_free(a);
    network_free(b);
}
END_TEST

/* Model files that are wrong, and what must be said. */
static const struct {
    const char *text;
    const char *says[4];
} broken[] = {
    {"dovetail: 1\nnetwork: x\ninput: [3, 8, 8]\nlayers:\n"
     "  - {name: a, conv: {k: 4, kernal: 3}}\n"
     "  - {name: b, conv: {kernel: 3}}\n"
     "  - {name: c, form: a, conv: {k: 4}}\n"
     "  - {name: d, blok: z}\n",
     {"x.yaml:5:28: error: unknown key 'kernal'", "did you mean 'kernel'?", "did you mean 'from'?",
      "did you mean 'block'?"}},
    {"dovetail: 1\nnetwork: x\ninput: [3, 8, 8]\nblocks:\n  unit:\n    args: {k: "
     "required}\n    layers:\n"
     "      - {name: a, conv: {k: kk}}\nlayers:\n"
     "  - {name: u, block: units, with: {k: 3}}\n  - {name: v, block: unit}\n  - "
     "{name: w, block: unit, with: {k: 3, s: 1}}\n",
     {"x.yaml:8:", "did you mean 'unit'?", "block 'unit' needs the argument 'k'", "block 'unit' has no argument 's'"}},
    {"dovetail: 1\nnetwork: x\ninput: [3, 8, 8]\nlayers:\n  - {name: a, conv: {k: 4}, "
     "pool: {kernel: 2}}\n  - {name: b}\n"
     "  - {name: b, from: aa, conv: {k: 1}}\n",
     {"a layer is of one kind, this one is of 2", "a layer is of one kind, this one is of 0",
      "there is another layer 'b' here", "no layer 'aa' stands before this one"}},
    {"dovetail: 1\nnetwork: x\ninput: [3, 8, 8]\nlayers:\n  - {name: a, conv: {k: 4, "
     "kernel: 9}}\n",
     {"'a': a kernel of 9 x 9 does not fit into 8 x 8"}},
    {"dovetail: 1\nnetwork: x\ninput: [3, 8, 8]\nlayers:\n  - {name: a, conv: {k: "
     "4}}\n  - {name: b, from: [a, input], add: {}}\n",
     {"'b': its inputs are 4 x 8 x 8 and 3 x 8 x 8 (channels, rows, columns)"}},
    {"dovetail: 1\nnetwork: x\ninput: [3, 8, 8]\nlayers:\n  - {name: a, conv: {k: 4, "
     "groups: 2}}\n",
     {"2 groups divide neither 3"}},
    {"dovetail: 1\nnetwork: x\ninput: [3, 8, 8]\nlayers:\n  - {name: a, conv: {k: 5 / "
     "2}}\n",
     {"'k' must be a whole number of at least 1, not 2.5"}},
    {"dovetail: 1\nnetwork: x\ninput: [3, 8]\nlayers:\n  - {name: a, conv: {k: 5}}\n",
     {"'input' must be [channels, rows, columns]"}},
    {"dovetail: 1\nnetwork: x\ninput: [3, 8, 8]\nlayers:\n  - {name: a, add: {}}\n",
     {"add reads 2 to 64 layers, not 1"}},
    {"dovetail: 1\nnetwork: x\ninput: [3, 8, 8]\nblocks:\n  b:\n    layers: [{name: "
     "again, block: b}]\nlayers: [{name: a, block: b}]\n",
     {"blocks within blocks, more than 8 deep"}},
    {"dovetail: 1\nnetwork: x\ninput: [3, 99999999, 99999999]\nlayers: [{name: a, "
     "conv: {k: 1}}]\n",
     {"more than 2^48 elements"}},
    {"dovetail: 1\nnetwork: x\ninput: [3, 8, 8]\nlayers: []\n", {"'layers' must be a list of at least one layer"}},
};

START_TEST(bad_models_are_refused)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    const char *model = broken[_i].text;
    ck_assert_ptr_null(network_load_text("x.yaml", model, strlen(model), NULL, 0, 1, &d));
    diags_format(&d, false, &text);
    for (int i = 0; i < 4 && broken[_i].says[i]; i++) {
        ck_assert_msg(strstr(strbuf_str(&text), broken[_i].says[i]), "not said: %s\n%s", broken[_i].says[i],
                      strbuf_str(&text));
    }
    strbuf_release(&text);
    diags_release(&d);
}
END_TEST

START_TEST(unknown_models_and_parameters_are_named)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    const struct network_arg arg = {"sec", 64};
    ck_assert_ptr_null(network_load("resnet19", NULL, 0, 1, &d));
    ck_assert_ptr_null(network_load("bert_base", &arg, 1, 1, &d));
    ck_assert_ptr_null(network_load("resnet18", NULL, 0, 0, &d));
    diags_format(&d, false, &text);
    ck_assert_msg(strstr(strbuf_str(&text), "did you mean 'resnet18'?"), "%s", strbuf_str(&text));
    ck_assert_msg(strstr(strbuf_str(&text), "network 'bert_base' has no parameter 'sec'"), "%s", strbuf_str(&text));
    ck_assert_msg(strstr(strbuf_str(&text), "did you mean 'seq'?"), "%s", strbuf_str(&text));
    ck_assert_msg(strstr(strbuf_str(&text), "the batch must be at least 1, not 0"), "%s", strbuf_str(&text));
    strbuf_release(&text);
    diags_release(&d);
}
END_TEST

/* Every key, in every schema that a model file can reach, with its last letter changed and dropped. */
static int misspell(const struct schema *schema, const char *key, char *wrong)
{
    static struct {
        void *align;
        char bytes[4096];
    } out;
    memset(&out, 0, sizeof out);
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT, file = STRBUF_INIT;
    strbuf_addf(&file, "{%s: x}\n", wrong);
    struct doc *doc = doc_read_text("m", file.buf, file.len, &d);
    ck_assert_ptr_nonnull(doc);
    schema_read(schema, &doc->root, &out, NULL, &d);
    diags_format(&d, false, &text);
    struct strbuf want = STRBUF_INIT;
    strbuf_addf(&want, "did you mean '%s'?", key);
    ck_assert_msg(strstr(strbuf_str(&text), strbuf_str(&want)), "%s in %s:\n%s", wrong, schema->what,
                  strbuf_str(&text));
    doc_free(doc);
    strbuf_release(&file);
    strbuf_release(&text);
    strbuf_release(&want);
    diags_release(&d);
    return 1;
}

static int misspell_all(const struct schema *schema, int depth)
{
    int checked = 0;
    for (int i = 0; i < schema->n; i++) {
        const char *key = schema->fields[i].key;
        char wrong[64];
        size_t n = strlen(key);
        if (n > 1) { /* a name of one letter has nothing left of it */
            snprintf(wrong, sizeof wrong, "%s", key);
            wrong[n - 1] = 'z';
            checked += misspell(schema, key, wrong);
            snprintf(wrong, sizeof wrong, "%.*s", (int)n - 1, key);
            checked += misspell(schema, key, wrong);
        }
        if (schema->fields[i].sub && depth < 4) {
            checked += misspell_all(schema->fields[i].sub, depth + 1);
        }
    }
    return checked;
}

START_TEST(every_misspelt_key_is_suggested)
{
    int checked = misspell_all(network_schema(), 0);
    printf("network: checked %d misspelt keys\n", checked);
    ck_assert_int_gt(checked, 60);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("network");
    TCase *tc = tcase_create("network");
    tcase_add_loop_test(tc, totals_are_the_published_ones, 0, (int)(sizeof published / sizeof *published));
    tcase_add_loop_test(tc, mlperf_tiny_layer_by_layer, 0, 4);
    tcase_add_loop_test(tc, batch_multiplies_macs_and_activations, 0, 4);
    tcase_add_test(tc, blocks_are_consecutive_and_named);
    tcase_add_test(tc, widths_follow_the_readers);
    tcase_add_test(tc, first_and_last_stay);
    tcase_add_test(tc, peak_is_counted_by_hand);
    tcase_add_test(tc, in_place_is_counted_by_hand);
    tcase_add_test(tc, views_keep_what_they_look_into);
    tcase_add_test(tc, distinct_operators);
    tcase_add_test(tc, splits_name_dimensions);
    tcase_add_test(tc, canonical_text_changes_with_bits_only);
    tcase_add_loop_test(tc, bad_models_are_refused, 0, (int)(sizeof broken / sizeof *broken));
    tcase_add_test(tc, unknown_models_and_parameters_are_named);
    tcase_add_test(tc, every_misspelt_key_is_suggested);
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_FORK_GETENV);
}
