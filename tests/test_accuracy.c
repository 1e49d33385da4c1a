/* The HAWQ-V3 proxy: its layers are ours, its sums are the published ones, its link predicts the published accuracies. */
#include "base/diag.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/accuracy.h"
#include "sw/accuracy_link.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* HAWQ-V3's published configurations (README and ILP notebook of Zhen-Dong/HAWQ, MIT): top-1 %, sensitivity, size of the searched layers in
 * MB (2^20 bytes for ResNet-18, 10^6 for ResNet-50), their BOPS in G, one digit a layer. */
struct point {
    const char *config;
    double top1, omega, size, bops;
    const char *bits;
};
static const struct point resnet18[] = {
    {"uniform8", 71.56, 0.004258, 10.6406, 108.515, "8888888888888888888"},
    {"uniform4", 68.45, 1.307713, 5.3203, 27.129, "4444444444444444444"},
    {"modelsize_0.75", 71.2, 0.033441, 9.2344, 97.417, "8888888888888488884"},
    {"modelsize_0.5", 70.5, 0.074506, 7.2656, 91.868, "8888888888888884844"},
    {"modelsize_0.25", 70.01, 0.1183, 6.6406, 88.785, "8888888888888844444"},
    {"bops_0.75", 70.4, 0.079965, 8.0391, 86.319, "8888888848888484884"},
    {"bops_0.5", 70.22, 0.215689, 5.9902, 66.589, "8884888848884444444"},
    {"bops_0.25", 68.72, 0.460424, 5.4121, 46.859, "8884848444444444444"},
    {"latency_0.75", 70.4, 0.079965, 8.0391, 86.319, "8888888848888484884"},
    {"latency_0.5", 70.34, 0.202674, 6.5625, 69.672, "8888848848884484844"},
    {"latency_0.25", 68.56, 0.460424, 5.4121, 46.859, "8884848444444444444"},
};
static const struct point resnet50[] = {
    {"uniform8", 77.58, 0.00305, 23.4455, 239.226, "8888888888888888888888888888888888888888888888888888"},
    {"uniform4", 74.24, 0.906337, 11.7228, 59.807, "4444444444444444444444444444444444444444444444444444"},
    {"modelsize_0.75", 77.38, 0.012215, 19.9066, 222.579, "8888888888888888888888888888888888888888888488848848"},
    {"modelsize_0.5", 75.95, 0.031024, 17.5473, 192.984, "8888888888888888888888884888888448888488488488844844"},
    {"modelsize_0.25", 74.89, 0.08311, 14.4671, 160.923, "8888888888888888888888884888448448448444444484444844"},
    {"bops_0.75", 76.1, 0.024105, 20.5681, 192.368, "8888888848888888888884884888888448488488488488888888"},
    {"bops_0.5", 75.39, 0.05644, 17.2667, 149.208, "8888888848848884884484884888448448448448488488848848"},
    {"bops_0.25", 74.45, 0.148948, 15.2474, 103.583, "8488448844848844444484484884444444444444448488844844"},
    {"latency_0.75", 76.63, 0.022658, 20.9203, 194.834, "8888888848848888888884884888888488888488488488888888"},
    {"latency_0.5", 74.95, 0.054861, 17.1028, 149.825, "8888888844848888884884884884448448448448448488848848"},
    {"latency_0.25", 74.26, 0.137505, 15.0774, 107.898, "8888848844848844444484444844444444444448448488844844"},
};
enum { POINTS = 11 };
static const struct {
    const char *model;
    const struct point *point;
    double mb, within_pp, loo_pp;
} models[] = {{"resnet18", resnet18, 1048576.0, 0.6, 0.45}, {"resnet50", resnet50, 1e6, 1.0, 0.45}};

static struct network *load(const char *model)
{
    struct diags d = DIAGS_INIT;
    struct network *net = network_load(model, NULL, 0, 1, &d);
    ck_assert_ptr_nonnull(net);
    diags_release(&d);
    return net;
}

static struct accuracy *load_proxy(const struct network *net)
{
    struct diags d = DIAGS_INIT;
    struct accuracy *acc = accuracy_load("hawqv3", net, &d);
    struct strbuf text = STRBUF_INIT;
    diags_format(&d, false, &text);
    ck_assert_msg(acc != NULL, "%s", strbuf_str(&text));
    strbuf_release(&text);
    diags_release(&d);
    return acc;
}

/* Sets the digits on the operators that vary, in order (HAWQ puts a projection after the convolutions of its block, as we do). */
static void set_digits(struct network *net, const struct accuracy *acc, const char *digits)
{
    for (int i = 0; i < net->n_ops; i++) {
        if (accuracy_varies(acc, i)) {
            int bits = *digits++ - '0';
            ck_assert_int_eq(network_set_bits(net, BITS_OP, i, bits, bits, 0, NULL), 0);
        }
    }
    ck_assert_int_eq(*digits, '\0');
}

static void widths(const struct network *net, int *w, int *a)
{
    for (int i = 0; i < net->n_ops; i++) {
        w[i] = net->op[i].w_bits;
        a[i] = net->op[i].a_bits;
    }
}

/* Omega, size and BOPS of each configuration are those that HAWQ published, so layers and bits are matched exactly. */
START_TEST(published_sums_are_reproduced)
{
    struct network *net = load(models[_i].model);
    struct accuracy *acc = load_proxy(net);
    int *w = mem_calloc((size_t)net->n_ops, sizeof *w), *a = mem_calloc((size_t)net->n_ops, sizeof *a);
    for (int p = 0; p < POINTS; p++) {
        const struct point *point = &models[_i].point[p];
        set_digits(net, acc, point->bits);
        double omega, size = 0.0, bops = 0.0;
        widths(net, w, a);
        ck_assert_int_eq(accuracy_omega(acc, w, a, &omega, NULL), 0);
        for (int i = 0; i < net->n_ops; i++) {
            if (accuracy_varies(acc, i)) {
                size += (double)net->op[i].weights * w[i] / 8 / models[_i].mb;
                bops += (double)einsum_macs(&net->op[i].einsum) * w[i] * a[i] / 1e9;
            }
        }
        ck_assert_msg(fabs(omega - point->omega) < 2e-6, "%s: omega %.6f", point->config, omega);
        ck_assert_msg(fabs(size - point->size) < 2e-4, "%s: size %.4f", point->config, size);
        ck_assert_msg(fabs(bops - point->bops) < 2e-3, "%s: BOPS %.3f", point->config, bops);
    }
    mem_free(w);
    mem_free(a);
    accuracy_free(acc);
    network_free(net);
}
END_TEST

/* Mean rank of v[at], ties shared. */
static double rank_of(const double *v, int n, int at)
{
    double rank = 0.5;
    for (int i = 0; i < n; i++) {
        rank += v[i] < v[at] ? 1.0 : v[i] == v[at] ? 0.5 : 0.0;
    }
    return rank;
}

static double rank_correlation(const double *x, const double *y, int n)
{
    double mean = (n + 1) / 2.0, xy = 0.0, xx = 0.0, yy = 0.0;
    for (int i = 0; i < n; i++) {
        double a = rank_of(x, n, i) - mean, b = rank_of(y, n, i) - mean;
        xy += a * b;
        xx += a * a;
        yy += b * b;
    }
    return xy / sqrt(xx * yy);
}

START_TEST(published_accuracies_are_predicted)
{
    struct network *net = load(models[_i].model);
    struct accuracy *acc = load_proxy(net);
    struct accuracy_info info;
    accuracy_info(acc, &info);
    double model[POINTS], published[POINTS], worst = 0.0;
    for (int p = 0; p < POINTS; p++) {
        double drop;
        set_digits(net, acc, models[_i].point[p].bits);
        ck_assert_int_eq(accuracy_network(acc, net, &model[p], &drop, NULL), 0);
        published[p] = models[_i].point[p].top1;
        worst = fmax(worst, fabs(model[p] - published[p]));
        ck_assert_double_eq_tol(model[p] + drop, info.baseline_percent, 1e-9);
        ck_assert_double_ge(drop, 0.0);
    }
    double rank = rank_correlation(model, published, POINTS);
    printf("%s: fp32 %.2f %%, drop = %.3f (1 - exp(-Omega / %.4f)) points; RMSE %.3f, "
           "worst %.3f, leave-one-out %.3f, rank correlation %.3f\n",
           net->name, info.baseline_percent, info.scale_pp, info.omega_scale, info.rmse_pp, info.max_error_pp,
           info.loo_rmse_pp, rank);
    ck_assert_double_le(worst, models[_i].within_pp);
    ck_assert_double_eq_tol(worst, info.max_error_pp, 1e-9);
    ck_assert_double_le(info.loo_rmse_pp, models[_i].loo_pp);
    ck_assert_double_ge(rank, 0.97);
    ck_assert_str_eq(info.kind, "sensitivity");
    ck_assert_int_eq(info.n_points, POINTS);
    accuracy_free(acc);
    network_free(net);
}
END_TEST

START_TEST(other_bits_are_refused)
{
    struct network *net = load("resnet18");
    struct accuracy *acc = load_proxy(net);
    struct err err = ERR_INIT;
    double top1, drop;
    const int asked[] = {4, 6, 8};
    ck_assert_int_eq(accuracy_check_widths(acc, asked, 3, &err), -1);
    ck_assert_str_eq(err.text, "the accuracy proxy 'hawqv3' knows 4 and 8 bits, not 6");
    network_set_bits(net, BITS_ALL, 0, 4, 8, 0, NULL);
    err.code = ERR_NONE;
    ck_assert_int_eq(accuracy_network(acc, net, &top1, &drop, &err), -1);
    ck_assert_str_eq(err.text, "the accuracy proxy 'hawqv3' knows weights and "
                               "activations of equal width, 4 or 8 bits, not 4 and 8 "
                               "('layer1.0.conv1')");
    ck_assert(!accuracy_varies(acc, network_find_op(net, "conv1")));
    ck_assert(!accuracy_varies(acc, network_find_op(net, "fc")));
    ck_assert(!accuracy_varies(acc, network_find_op(net, "layer1.0.add")));
    ck_assert(accuracy_varies(acc, network_find_op(net, "layer2.0.downsample")));
    accuracy_free(acc);
    network_free(net);
}
END_TEST

static const struct {
    const char *proxy, *model, *says;
} refused[] = {
    {"hawqv3", "resnet50_v1_5", "'layer2.0.conv1' has 102760448 multiply-accumulates instead of 25690112"},
    {"hawqv3", "mobilenet_v2", "has no table for network 'mobilenet_v2'"},
    {"hawq", "resnet18", "unknown accuracy proxy 'hawq'"},
};

START_TEST(other_networks_are_refused)
{
    struct network *net = load(refused[_i].model);
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    ck_assert_ptr_null(accuracy_load(refused[_i].proxy, net, &d));
    diags_format(&d, false, &text);
    ck_assert_msg(strstr(strbuf_str(&text), refused[_i].says), "%s", strbuf_str(&text));
    strbuf_release(&text);
    diags_release(&d);
    network_free(net);
}
END_TEST

START_TEST(link_finds_its_own_constants)
{
    const struct accuracy_link truth = {.scale_pp = 4.2, .omega_scale = 0.07};
    double omega[9], drop[9];
    for (int i = 0; i < 9; i++) {
        omega[i] = 0.01 * (i + 1) * (i + 1);
        drop[i] = accuracy_link_drop(&truth, omega[i]);
    }
    struct accuracy_link found;
    ck_assert_int_eq(accuracy_link_fit(omega, drop, 9, &found, NULL), 0);
    ck_assert_double_eq_tol(found.scale_pp, 4.2, 1e-6);
    ck_assert_double_eq_tol(found.omega_scale, 0.07, 1e-6);
    ck_assert_double_le(found.loo_rmse_pp, 1e-6);
    struct err err = ERR_INIT;
    ck_assert_int_eq(accuracy_link_fit(omega, drop, 3, &found, &err), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accuracy");
    TCase *tc = tcase_create("accuracy");
    tcase_add_loop_test(tc, published_sums_are_reproduced, 0, 2);
    tcase_add_loop_test(tc, published_accuracies_are_predicted, 0, 2);
    tcase_add_test(tc, other_bits_are_refused);
    tcase_add_loop_test(tc, other_networks_are_refused, 0, 3);
    tcase_add_test(tc, link_finds_its_own_constants);
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_FORK_GETENV);
}
