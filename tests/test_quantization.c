/* Quantization of networks: bytes of scales, traffic, KV cache, formats at the array; accuracy by sqnr against running a network, by table and
 * by the perplexity law. */
#include "base/diag.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "costmodel/network_cost.h"
#include "hw/template.h"
#include "sw/accuracy_parts.h"
#include "tests/onnx_make.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

static struct network *load(const char *model, const struct network_arg *args, int n)
{
    struct diags d = DIAGS_INIT;
    struct network *net = network_load(model, args, n, 1, &d);
    ck_assert_msg(net != NULL, "%s", d.n ? d.list[0].message : "");
    diags_release(&d);
    return net;
}

static void set_all(struct network *net, const struct quantizer *q)
{
    struct err err = ERR_INIT;
    struct quantizer *each = mem_calloc((size_t)net->n_ops + 1, sizeof *each);
    for (int i = 0; i < net->n_ops; i++) {
        each[i] = *q;
    }
    ck_assert_msg(network_set_quantizers(net, each, &err) == 0, "%s", err.text);
    mem_free(each);
}

/* ---- bytes ---- */

/* mlperf_tiny_ad: 640-128-128-128-128-8-128-128-128-128-640, ten linear layers. */
START_TEST(test_bytes_of_scales)
{
    struct network *net = load("mlperf_tiny_ad", NULL, 0);
    struct network_totals before, t;
    network_totals(net, &before);
    ck_assert_int_eq(before.scale_bits, 0);
    struct quantizer q = {.per = QUANTIZER_CHANNEL, .scale_bits = 16, .zero_bits = 8};
    set_all(net, &q);
    network_totals(net, &t);
    ck_assert_int_eq(t.scale_bits, 24 * (8 * 128 + 8 + 640));
    ck_assert_int_eq(t.weight_bits, before.weight_bits + t.scale_bits);
    q.per = QUANTIZER_TENSOR;
    set_all(net, &q);
    network_totals(net, &t);
    ck_assert_int_eq(t.scale_bits, 24 * 10);
    q.per = QUANTIZER_GROUP;
    q.group = 100; /* 640 inputs: 7 groups; 128: 2; 8: 1 */
    set_all(net, &q);
    network_totals(net, &t);
    ck_assert_int_eq(t.scale_bits, 24 * (128 * 7 + 3 * 128 * 2 + 8 * 2 + 128 * 1 + 3 * 128 * 2 + 640 * 2));
    q.group = 0;
    struct err err = ERR_INIT;
    ck_assert_int_eq(network_set_quantizers(net, &q, &err), -1);
    network_free(net);
}
END_TEST

/* nf4 and mxfp4 take 4 bits in memory and wider operands at the array; first and last layer stay integers. */
START_TEST(test_formats_at_the_array)
{
    struct network *net = load("mlperf_tiny_ad", NULL, 0);
    const struct quantizer nf4 = {.format = FORMAT_NF4, .per = QUANTIZER_GROUP, .group = 64, .scale_bits = 16};
    const struct quantizer mx = {.format = FORMAT_MXFP4, .per = QUANTIZER_GROUP, .group = 32, .scale_bits = 8};
    set_all(net, &nf4);
    int w, a, first = -1, middle = -1;
    for (int i = 0; i < net->n_ops; i++) {
        first = first < 0 && net->op[i].kind == OP_TENSOR ? i : first;
        middle = net->op[i].kind == OP_TENSOR && !net->op[i].fixed_bits ? i : middle;
    }
    mapping_operand_bits(&net->op[middle].einsum, &w, &a);
    ck_assert_int_eq(net->op[middle].w_bits, 4);
    ck_assert_int_eq(w, 8);
    ck_assert_int_eq(net->op[first].w_bits, 8);
    ck_assert_int_eq(net->op[first].w_quantizer.format, FORMAT_INT);
    ck_assert_int_gt(net->op[first].scale_bits, 0);
    set_all(net, &mx);
    mapping_operand_bits(&net->op[middle].einsum, &w, &a);
    ck_assert_int_eq(w, 5);
    ck_assert_double_eq_tol(net->op[middle].scale_share, 8.0 / (32 * 4), 1e-12);
    set_all(net, &quantizer_default);
    mapping_operand_bits(&net->op[middle].einsum, &w, &a);
    ck_assert_int_eq(w, 4); /* the width stays what the format made it, until bits are set */
    ck_assert_double_eq(net->op[middle].scale_share, 0);
    network_free(net);
}
END_TEST

START_TEST(test_kv_cache)
{
    const struct network_arg args[] = {{"tokens", 1}, {"context", 256}};
    struct network *net = load("gpt2", args, 2);
    struct network_totals t;
    struct err err = ERR_INIT;
    network_totals(net, &t);
    int64_t elements = (int64_t)12 * 2 * 256 * 768;
    ck_assert_int_eq(t.cache_bits, elements * 8);
    ck_assert_int_eq(network_set_kv_bits(net, 4, &err), 0);
    network_totals(net, &t);
    ck_assert_int_eq(t.cache_bits, elements * 4);
    int narrow = 0;
    for (int i = 0; i < net->n_ops; i++) {
        const struct op *op = &net->op[i];
        if (op->kind == OP_TENSOR && op->weights_input >= 0) {
            int w, a;
            mapping_operand_bits(&op->einsum, &w, &a);
            narrow += op->einsum.tensor[0].bits == 4;
            ck_assert_int_eq(w, 8);
        }
    }
    ck_assert_int_eq(narrow, 24);
    ck_assert_int_eq(network_set_kv_bits(net, 33, &err), -1);
    network_free(net);
}
END_TEST

/* ---- traffic ---- */

static struct network_cost *price(const struct network *net, struct accelerator *a)
{
    struct diags d = DIAGS_INIT;
    struct err err = ERR_INIT;
    struct template *t = template_load("edge_npu", &d);
    ck_assert_ptr_nonnull(t);
    int n;
    template_params(t, &n);
    double *values = mem_calloc((size_t)n + 1, sizeof *values);
    template_defaults(t, values);
    ck_assert_int_eq(template_build(t, values, a, &err), 0);
    struct op_place *place = mem_calloc((size_t)net->n_ops + 1, sizeof *place);
    for (int i = 0; i < net->n_ops; i++) {
        place[i] = (struct op_place){SPLIT_CHANNELS, 0};
    }
    const struct network_options o = {.goal = GOAL_EDP, .budget = 300};
    struct network_cost *c = network_cost_new(net->n_ops);
    ck_assert_msg(network_cost_evaluate(a, net, place, &o, NULL, NULL, c, &err) == 0, "%s", err.text);
    mem_free(place);
    mem_free(values);
    template_free(t);
    diags_release(&d);
    return c;
}

/* Each weight of mlperf_tiny_ad is fetched once, so scales add their own size to DRAM traffic and occupy its port. */
START_TEST(test_traffic_of_scales)
{
    struct network *net = load("mlperf_tiny_ad", NULL, 0);
    struct accelerator a;
    struct network_cost *plain = price(net, &a);
    const struct quantizer q = {.per = QUANTIZER_GROUP, .group = 32, .scale_bits = 16};
    set_all(net, &q);
    struct network_totals t;
    network_totals(net, &t);
    struct network_cost *scaled = price(net, &a);
    const struct level *dram = &a.level[a.n_levels - 1];
    ck_assert_double_eq_tol(scaled->dram_bits - plain->dram_bits, (double)t.scale_bits, 1);
    double pj = scaled->storage_pj[a.n_levels - 1][TENSOR_WEIGHTS] - plain->storage_pj[a.n_levels - 1][TENSOR_WEIGHTS];
    ck_assert_double_eq_tol(pj, (double)t.scale_bits / dram->word_bits * dram->read_pj, 1e-6 * pj);
    ck_assert_double_ge(scaled->cycles, plain->cycles);
    double busy[2] = {0};
    for (int i = 0; i < net->n_ops; i++) {
        busy[0] += plain->op[i].level_cycles[a.n_levels - 1];
        busy[1] += scaled->op[i].level_cycles[a.n_levels - 1];
    }
    ck_assert_double_eq_tol(busy[1] - busy[0], (double)t.scale_bits / dram->read_bits_per_cycle, 1);
    ck_assert_double_gt(scaled->vector_pj, plain->vector_pj);
    ck_assert_double_le(scaled->utilization, plain->utilization);
    network_cost_free(plain);
    network_cost_free(scaled);
    network_free(net);
}
END_TEST

/* Decode with a KV cache: this step's row is written, all rows are read. Fewer bits of cache, less traffic. */
START_TEST(test_traffic_of_the_cache)
{
    const struct network_arg args[] = {{"tokens", 1}, {"context", 512}, {"depth", 2}};
    struct network *net = load("gpt2", args, 3);
    struct accelerator a;
    struct err err = ERR_INIT;
    struct network_cost *eight = price(net, &a);
    for (int i = 0; i < net->n_ops; i++) {
        if (net->op[i].vector == VECTOR_CACHE) {
            ck_assert_double_eq(eight->op[i].dram_bits, 2 * 768 * 8);
        }
    }
    ck_assert_int_eq(network_set_kv_bits(net, 4, &err), 0);
    struct network_cost *four = price(net, &a);
    double cached = 2.0 * 2 * 512 * 768;
    ck_assert_int_eq(network_set_kv_group(net, 64, 16, &err), 0);
    struct network_totals t;
    network_totals(net, &t);
    ck_assert_int_eq(t.cache_bits, (int64_t)cached * 4 + (int64_t)cached / 64 * 16);
    struct network_cost *scaled = price(net, &a);
    ck_assert_double_ge(scaled->dram_bits - four->dram_bits, 0.95 * cached / 64 * 16);
    network_cost_free(scaled);
    /* As wide as the readers ask: the scales come with it all the same. */
    ck_assert_int_eq(network_set_kv_bits(net, 0, &err), 0);
    struct network_cost *wide = price(net, &a);
    ck_assert_double_ge(wide->dram_bits - eight->dram_bits, 0.95 * cached / 64 * 16);
    network_cost_free(wide);
    ck_assert_int_eq(network_set_kv_group(net, -1, 16, &err), -1);
    ck_assert_double_le(four->dram_bits, eight->dram_bits - 0.9 * cached * 4);
    network_cost_free(eight);
    network_cost_free(four);
    network_free(net);
}
END_TEST

/* ---- accuracy ---- */

enum { LAYERS = 5, WIDE = 48, SAMPLES = 300 };

static double about_normal(struct rng *rng)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        sum += rng_uniform(rng);
    }
    return sum;
}

/* v to b bits around the clip with least error, in place: the quantizer's own definition, as data would be. */
static void round_all(float *v, int n, int bits)
{
    double most = 0, best = INFINITY, steps = ldexp(1, bits - 1) - 1, keep = 0;
    for (int i = 0; i < n; i++) {
        most = fmax(most, fabs((double)v[i]));
    }
    for (int k = 0; k < 29; k++) {
        double scale = most * (0.3 + 0.025 * k) / steps, sum = 0;
        for (int i = 0; i < n; i++) {
            double e = (double)v[i] - fmax(-steps, fmin(steps, rint((double)v[i] / scale))) * scale;
            sum += e * e;
        }
        keep = sum < best ? scale : keep;
        best = fmin(best, sum);
    }
    for (int i = 0; i < n; i++) {
        v[i] = (float)(fmax(-steps, fmin(steps, rint((double)v[i] / keep))) * keep);
    }
}

/* x [SAMPLES][WIDE] through a chain of linear layers with ReLU between. a_bits 0: not rounded. */
static void run_chain(float *w, float *x, const int *a_bits)
{
    float *y = mem_calloc((size_t)SAMPLES * WIDE, sizeof *y);
    for (int l = 0; l < LAYERS; l++) {
        if (a_bits[l]) {
            round_all(x, SAMPLES * WIDE, a_bits[l]);
        }
        for (int s = 0; s < SAMPLES; s++) {
            for (int k = 0; k < WIDE; k++) {
                double sum = 0;
                for (int c = 0; c < WIDE; c++) {
                    sum += (double)w[(l * WIDE + k) * WIDE + c] * (double)x[s * WIDE + c];
                }
                y[s * WIDE + k] = (float)(l + 1 < LAYERS && sum < 0 ? 0 : sum);
            }
        }
        memcpy(x, y, (size_t)SAMPLES * WIDE * sizeof *x);
    }
    mem_free(y);
}

static void write_chain(const float *w)
{
    char name[16], input[32], dims[32], path[128];
    struct onnx_make *m = onnx_make_new("chain");
    snprintf(dims, sizeof dims, "1,%d", WIDE);
    onnx_make_input(m, "v0", dims);
    snprintf(dims, sizeof dims, "%d,%d", WIDE, WIDE);
    for (int l = 0; l < LAYERS; l++) {
        snprintf(name, sizeof name, "w%d", l);
        onnx_make_floats(m, name, dims, w + l * WIDE * WIDE, (size_t)WIDE * WIDE);
        snprintf(input, sizeof input, "v%d,w%d", l, l);
        snprintf(name, sizeof name, "y%d", l);
        onnx_make_int(m, onnx_make_node(m, "Gemm", name, input, name), "transB", 1);
        snprintf(input, sizeof input, "v%d", l + 1);
        onnx_make_node(m, "Relu", input, name, input);
    }
    size_t len;
    uint8_t *data = onnx_make_pack(m, &len);
    snprintf(path, sizeof path, "%s/chain.onnx", folder);
    FILE *f = fopen(path, "wb");
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
    fclose(f);
    mem_free(data);
    onnx_make_free(m);
}

static double measured_db(const float *w, const struct network *net, int bits)
{
    size_t all = (size_t)LAYERS * WIDE * WIDE, n = (size_t)SAMPLES * WIDE;
    float *own = mem_calloc(all, sizeof *own), *x = mem_calloc(n, sizeof *x), *y = mem_calloc(n, sizeof *y);
    struct rng rng;
    rng_init(&rng, 2, (uint64_t)bits, RNG_TEST);
    for (size_t i = 0; i < n; i++) {
        x[i] = y[i] = (float)about_normal(&rng);
    }
    memcpy(own, w, all * sizeof *own);
    const int exact[LAYERS] = {0};
    run_chain(own, x, exact);
    int a_bits[LAYERS], l = 0;
    for (int i = 0; i < net->n_ops; i++) {
        if (net->op[i].kind == OP_TENSOR) {
            for (int k = 0; k < WIDE; k++) {
                round_all(own + (l * WIDE + k) * WIDE, WIDE, net->op[i].w_bits);
            }
            a_bits[l++] = net->op[i].a_bits;
        }
    }
    run_chain(own, y, a_bits);
    double signal = 0, noise = 0;
    for (size_t i = 0; i < n; i++) {
        signal += (double)x[i] * (double)x[i];
        noise += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    }
    mem_free(own);
    mem_free(x);
    mem_free(y);
    return 10 * log10(signal / noise);
}

/* A network that is run, exact and quantized, on random data: the sum of ratios is right within 2.5 dB, and in order. */
START_TEST(test_sqnr_against_a_run)
{
    float *w = mem_calloc((size_t)LAYERS * WIDE * WIDE, sizeof *w);
    struct rng rng;
    rng_init(&rng, 1, 0, RNG_TEST);
    for (int i = 0; i < LAYERS * WIDE * WIDE; i++) {
        w[i] = (float)(0.2 * about_normal(&rng));
    }
    write_chain(w);
    char path[128];
    snprintf(path, sizeof path, "%s/chain.onnx", folder);
    struct network *net = load(path, NULL, 0);
    struct diags d = DIAGS_INIT;
    const struct accuracy_request r = {.kind = ACCURACY_SQNR, .clip = CLIP_MSE, .model = path, .batch = 1};
    struct accuracy *acc = accuracy_open(&r, net, &d);
    ck_assert_ptr_nonnull(acc);
    double last = 0, last_run = 0;
    for (int bits = 3; bits <= 8; bits++) {
        struct err err = ERR_INIT;
        struct accuracy_result out;
        ck_assert_int_eq(network_set_bits(net, BITS_ALL, 0, bits, bits, 32, &err), 0);
        ck_assert_int_eq(accuracy_evaluate(acc, net, &out, &err), 0);
        double run = measured_db(w, net, bits);
        printf("%d bits: %.2f dB by the sum of ratios, %.2f dB by running the network\n", bits, out.sqnr_db, run);
        ck_assert_double_eq_tol(out.sqnr_db, run, 2.5);
        ck_assert_double_gt(out.sqnr_db, last);
        ck_assert_double_gt(run, last_run);
        ck_assert(isnan(out.top1_percent) && isnan(out.perplexity));
        last = out.sqnr_db;
        last_run = run;
    }
    accuracy_free(acc);
    network_free(net);
    diags_release(&d);
    mem_free(w);
    unlink(path);
}
END_TEST

START_TEST(test_cnn_table)
{
    struct network *net = load("resnet18", NULL, 0);
    struct diags d = DIAGS_INIT;
    struct err err = ERR_INIT;
    struct accuracy_result out;
    struct accuracy *acc =
        accuracy_open(&(struct accuracy_request){.kind = ACCURACY_TABLE, .table = "hawqv3"}, net, &d);
    ck_assert_ptr_nonnull(acc);
    ck_assert_int_eq(network_set_bits(net, BITS_ALL, 0, 4, 4, 32, &err), 0);
    ck_assert_int_eq(accuracy_evaluate(acc, net, &out, &err), 0);
    ck_assert_double_eq_tol(out.top1_percent, 68.45, 1e-9);
    ck_assert_double_eq_tol(out.drop_pp, 71.47 - 68.45, 1e-9);
    int op = network_find_op(net, "layer4.1.conv2");
    ck_assert_int_eq(network_set_bits(net, BITS_OP, op, 8, 8, 32, &err), 0);
    ck_assert_int_eq(accuracy_evaluate(acc, net, &out, &err), 0);
    int64_t weights = 0;
    for (int i = 0; i < net->n_ops; i++) {
        weights += net->op[i].kind == OP_TENSOR && !net->op[i].fixed_bits ? net->op[i].weights : 0;
    }
    double share = (double)net->op[op].weights / (double)weights;
    ck_assert_double_eq_tol(out.drop_pp, 3.02 * (1 - share) - 0.09 * share, 1e-9);
    ck_assert_int_eq(network_set_bits(net, BITS_OP, op, 5, 8, 32, &err), 0);
    ck_assert_int_eq(accuracy_evaluate(acc, net, &out, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "layer4.1.conv2"));
    accuracy_free(acc);
    static const char *const models[] = {"resnet18", "resnet50_v1_5", "mobilenet_v2"};
    static const double top1[] = {70.88, 77.89, 72.55};
    for (int i = 0; i < 3; i++) { /* no name: the first series that has the network */
        network_free(net);
        net = load(models[i], NULL, 0);
        acc = accuracy_open(&(struct accuracy_request){.kind = ACCURACY_TABLE}, net, &d);
        ck_assert_int_eq(accuracy_evaluate(acc, net, &out, &err), 0);
        ck_assert_double_eq_tol(out.top1_percent, top1[i], 1e-9);
        accuracy_free(acc);
    }
    ck_assert_ptr_null(accuracy_open(&(struct accuracy_request){.kind = ACCURACY_TABLE, .table = "lsq"}, net, &d));
    ck_assert_ptr_null(accuracy_open(&(struct accuracy_request){.kind = ACCURACY_TABLE, .table = "none"}, net, &d));
    ck_assert_int_eq(d.n_errors, 2);
    network_free(net);
    diags_release(&d);
}
END_TEST

static const char *const llms[] = {"LLaMA-7B", "LLaMA-13B", "Llama-2-7B", "Llama-2-70B", "Llama-3-8B", "Llama-3-70B"};
enum { LLMS = 6 };

/* rms error in ln PPL above 3 bits a weight, of the rows fitted to and of those kept apart. */
START_TEST(test_perplexity_law)
{
    double fit = 0, check = 0;
    int n_fit = 0, n_check = 0;
    for (int i = 0; i < LLMS; i++) {
        struct diags d = DIAGS_INIT;
        struct perplexity *p = perplexity_load(llms[i], &d);
        ck_assert_ptr_nonnull(p);
        struct accuracy_info info;
        perplexity_info(p, &info);
        struct csv csv;
        struct err err = ERR_INIT;
        ck_assert_int_eq(accuracy_table_open("sw/accuracy/llm_perplexity.csv", &csv, &err), 0);
        double own_fit = 0, own_check = 0;
        int fits = 0, checks = 0;
        for (int row = 1; row < csv.rows; row++) {
            const char *model, *role;
            double bits, ppl;
            csv_text(&csv, row, "model", &model, &err);
            csv_text(&csv, row, "role", &role, &err);
            csv_number(&csv, row, "bits_per_weight", &bits, &err);
            csv_number(&csv, row, "perplexity", &ppl, &err);
            if (strcmp(model, llms[i]) != 0 || strcmp(role, "below") == 0 || strcmp(role, "fp16") == 0) {
                continue;
            }
            ck_assert_double_gt(bits, 3);
            double e = log(perplexity_at(p, bits, 16, 16) / ppl);
            *(role[0] == 'f' ? &own_fit : &own_check) += e * e;
            *(role[0] == 'f' ? &fits : &checks) += 1;
        }
        printf("%-12s c0 %.2f c1 %.2f: rms of ln PPL %.4f on %d rows fitted to, %.4f on %d others\n", llms[i],
               info.scale_pp, info.omega_scale, sqrt(own_fit / fits), fits, sqrt(own_check / checks), checks);
        ck_assert_double_eq_tol(sqrt(own_fit / fits), info.rmse_pp, 1e-12);
        ck_assert_double_eq_tol(sqrt(own_check / checks), info.loo_rmse_pp, 1e-12);
        ck_assert_double_le(sqrt(own_fit / fits), 0.05);
        ck_assert_double_le(sqrt(own_check / checks), 0.05);
        fit += own_fit;
        check += own_check;
        n_fit += fits;
        n_check += checks;
        ck_assert_double_eq(perplexity_at(p, 16, 16, 16), info.baseline_percent);
        ck_assert_double_gt(perplexity_at(p, 16, 4, 16), perplexity_at(p, 16, 8, 16));
        ck_assert_double_gt(perplexity_at(p, 16, 16, 8), perplexity_at(p, 16, 16, 16));
        csv_release(&csv);
        perplexity_free(p);
        diags_release(&d);
    }
    printf("all: %.4f on %d rows, %.4f on %d others\n", sqrt(fit / n_fit), n_fit, sqrt(check / n_check), n_check);
}
END_TEST

/* Bits a weight of a network include its scales; KV cache and activations add their terms. */
START_TEST(test_perplexity_of_a_network)
{
    const struct network_arg args[] = {{"tokens", 1}, {"context", 64}};
    struct network *net = load("gpt2", args, 2);
    struct diags d = DIAGS_INIT;
    struct err err = ERR_INIT;
    struct accuracy_result out;
    struct accuracy *acc =
        accuracy_open(&(struct accuracy_request){.kind = ACCURACY_TABLE, .table = "LLaMA-7B"}, net, &d);
    struct perplexity *p = perplexity_load("LLaMA-7B", &d);
    ck_assert_int_eq(d.n_errors, 0); /* but it is not a network of that size */
    ck_assert_ptr_nonnull(strstr(d.list[0].message, "of 7 billion parameters, network 'gpt2' has 0.124 billion"));
    for (int i = 0; i < net->n_ops; i++) {
        net->op[i].fixed_bits = false;
    }
    ck_assert_int_eq(network_set_bits(net, BITS_ALL, 0, 4, 16, 32, &err), 0);
    ck_assert_int_eq(accuracy_evaluate(acc, net, &out, &err), 0);
    ck_assert_double_eq_tol(out.perplexity, perplexity_at(p, 4, 16, 16), 1e-9);
    const struct quantizer q = {.per = QUANTIZER_GROUP, .group = 32, .scale_bits = 16};
    set_all(net, &q);
    ck_assert_int_eq(network_set_kv_bits(net, 4, &err), 0);
    ck_assert_int_eq(network_set_bits(net, BITS_ALL, 0, 0, 8, 0, &err), 0);
    ck_assert_int_eq(accuracy_evaluate(acc, net, &out, &err), 0);
    ck_assert_double_eq_tol(out.perplexity, perplexity_at(p, 4.5, 4, 8), 1e-9);
    perplexity_free(p);
    accuracy_free(acc);
    network_free(net);
    diags_release(&d);
}
END_TEST

int main(void)
{
    snprintf(folder, sizeof folder, "/tmp/dovetail_quantization_XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    Suite *s = suite_create("quantization");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_bytes_of_scales);
    tcase_add_test(t, test_formats_at_the_array);
    tcase_add_test(t, test_kv_cache);
    tcase_add_test(t, test_traffic_of_scales);
    tcase_add_test(t, test_traffic_of_the_cache);
    tcase_add_test(t, test_sqnr_against_a_run);
    tcase_add_test(t, test_cnn_table);
    tcase_add_test(t, test_perplexity_law);
    tcase_add_test(t, test_perplexity_of_a_network);
    suite_add_tcase(s, t);
    int status = run_suite(s, CK_FORK_GETENV);
    rmdir(folder);
    return status;
}
