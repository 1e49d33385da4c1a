/* Silicon: Eyeriss running AlexNet, batch 4 (Chen, Krishna, Emer, Sze, JSSC 52(1) 2017, table V: processing latency and active PEs of each
 * layer; table IV: the mappings, as row-stationary passes of e output rows, p filters and q channels a PE, r channel and t filter groups side
 * by side, m filters and n images in the buffer). Nothing is tuned: the template eyeriss_like as it is, 16 bits, 200 MHz. */
#include "base/diag.h"
#include "costmodel/cost.h"
#include "hw/template.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    struct conv_shape shape; /* n g k c p q r s stride dilation */
    const char *mapping;
    double processing_ms, power_mw; /* of the chip */
    int pes;
} layers[] = {
    {"CONV1",
     {4, 1, 96, 3, 55, 55, 11, 11, 4, 4, 1, 1},
     "DRAM N4 P8 C3 | GLB[-io] K3 Q55 X:P7 X:K2 Y:R11 | InputSpad[-i-] | WeightSpad[w--] | PsumSpad[--o] K16 S11",
     16.5,
     332,
     154},
    {"CONV2",
     {4, 2, 128, 48, 27, 27, 5, 5, 1, 1, 1, 1},
     "DRAM N4 G2 K2 C24 | GLB[-io] K4 Q27 X:P14 Y:P2 Y:R5 | InputSpad[-i-] | WeightSpad[w--] | PsumSpad[--o] K16 C2 S5",
     39.2,
     288,
     135},
    {"CONV3",
     {4, 1, 384, 256, 13, 13, 3, 3, 1, 1, 1, 1},
     "DRAM K6 C64 | GLB[-io] N4 Q13 X:P13 Y:K4 Y:R3 | InputSpad[-i-] | WeightSpad[w--] | PsumSpad[--o] K16 C4 S3",
     21.8,
     266,
     156},
    {"CONV4",
     {4, 2, 192, 192, 13, 13, 3, 3, 1, 1, 1, 1},
     "DRAM G2 K3 C32 | GLB[-io] K2 N4 Q13 X:P13 Y:K2 Y:C2 Y:R3 | InputSpad[-i-] | WeightSpad[w--] | PsumSpad[--o] K16 "
     "C3 S3",
     16.0,
     235,
     156},
    {"CONV5",
     {4, 2, 128, 192, 13, 13, 3, 3, 1, 1, 1, 1},
     "DRAM G2 K2 C32 | GLB[-io] K2 N4 Q13 X:P13 Y:K2 Y:C2 Y:R3 | InputSpad[-i-] | WeightSpad[w--] | PsumSpad[--o] K16 "
     "C3 S3",
     10.0,
     236,
     156},
};
enum { LAYERS = sizeof layers / sizeof *layers };

static void eyeriss(struct accelerator *a)
{
    struct diags d = DIAGS_INIT;
    struct err err = ERR_INIT;
    struct template *t = template_load("eyeriss_like", &d);
    ck_assert_ptr_nonnull(t);
    int n;
    template_params(t, &n);
    double *values = calloc((size_t)n + 1, sizeof *values);
    template_defaults(t, values);
    ck_assert_msg(template_build(t, values, a, &err) == 0, "%s", err.text);
    free(values);
    template_free(t);
    diags_release(&d);
}

START_TEST(alexnet)
{
    struct accelerator a;
    double sum = 0, chip = 0;
    eyeriss(&a);
    printf("Eyeriss, AlexNet, batch 4: processing latency\n  layer  PEs  chip ms  bandwidth ms  stalls ms        chip "
           "mW  model mW, dense\n");
    for (int i = 0; i < LAYERS; i++) {
        struct einsum e;
        struct mapping m;
        struct cost c, late;
        struct err err = ERR_INIT;
        const struct cost_options quick = {ACCOUNTING_EXACT, FIDELITY_BANDWIDTH},
                                  slow = {ACCOUNTING_EXACT, FIDELITY_STALLS};
        einsum_conv(&e, layers[i].name, &layers[i].shape, 16, 16, 16);
        ck_assert_msg(mapping_read(layers[i].mapping, &a, &e, &m, &err) == 0, "%s", err.text);
        ck_assert_msg(mapping_check(&m, &a, &e, &err) == 0, "%s: %s", layers[i].name, err.text);
        ck_assert_int_eq(cost_evaluate(&a, &e, &m, &quick, &c, &err), 0);
        ck_assert_int_eq(cost_evaluate(&a, &e, &m, &slow, &late, &err), 0);
        double on_chip = late.energy_pj; /* the chip's power is without DRAM's */
        for (int t = 0; t < e.n_tensors; t++) {
            on_chip -= late.level[a.n_levels - 1].tensor[t].energy_pj;
        }
        double ms = c.cycles / a.clock_hz * 1e3, late_ms = late.cycles / a.clock_hz * 1e3;
        printf("  %s  %3lld  %7.1f  %6.1f %+4.0f%%  %6.1f %+4.0f%%  %9.0f %6.0f\n", layers[i].name,
               (long long)c.level[0].instances_used, layers[i].processing_ms, ms,
               100 * (ms / layers[i].processing_ms - 1), late_ms, 100 * (late_ms / layers[i].processing_ms - 1),
               layers[i].power_mw, on_chip / late_ms * 1e-6);
        fflush(stdout);
        ck_assert_int_eq(c.level[0].instances_used, layers[i].pes);
        ck_assert(ms <= layers[i].processing_ms && ms > 0.8 * layers[i].processing_ms);
        ck_assert(fabs(late_ms / layers[i].processing_ms - 1) < 0.2);
        sum += late_ms;
        chip += layers[i].processing_ms;
    }
    printf("  all    %20.1f ms of %.1f ms\n", sum, chip);
    ck_assert(fabs(sum / chip - 1) < 0.1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("eyeriss");
    TCase *tc = tcase_create("eyeriss");
    tcase_add_test(tc, alexnet);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_set_fork_status(sr, CK_NOFORK);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
