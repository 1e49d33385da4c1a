/* Silicon: Eyeriss on AlexNet and VGG-16 (tests/eyeriss_chip.c). Processing latency within 15 % in every layer, nothing tuned. */
#include "tests/eyeriss_chip.h"
#include "tests/run_suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>

START_TEST(layers_of_the_chip)
{
    const struct chip_net *net = &chip_nets[_i];
    double ms = 0, chip_ms = 0, dram = 0, chip_dram = 0;
    for (int i = 0; i < net->n; i++) {
        const struct chip_layer *l = &net->layer[i];
        struct chip_run r;
        ck_assert_int_eq(chip_run(net, i, &r), 0);
        ck_assert_int_eq(r.pes, l->pes);
        ck_assert_msg(fabs(r.stalls_ms / l->processing_ms - 1) < 0.15, "%s: %g ms, the chip takes %g", l->name,
                      r.stalls_ms, l->processing_ms);
        ck_assert(r.bandwidth_ms <= r.stalls_ms * (1 + 1e-12) && r.stalls_ms <= r.total_ms * (1 + 1e-12));
        ck_assert_msg(fabs(r.glb_mb / l->glb_mb - 1) < 0.5, "%s: buffer %g MB", l->name, r.glb_mb);
        ck_assert_msg(r.power_mw < l->power_mw, "%s: more power than the chip, clock and control left out", l->name);
        ms += r.stalls_ms;
        chip_ms += l->processing_ms;
        dram += r.dram_mb;
        chip_dram += l->dram_mb;
    }
    printf("Eyeriss, %s: processing %.1f ms, the chip %.1f; DRAM %.1f MB, the chip %.1f\n", net->name, ms, chip_ms,
           dram, chip_dram);
    ck_assert(fabs(ms / chip_ms - 1) < 0.1);
    ck_assert(fabs(dram / chip_dram - 1) < 0.25);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("eyeriss");
    TCase *tc = tcase_create("eyeriss");
    tcase_add_loop_test(tc, layers_of_the_chip, 0, CHIP_NETS);
    suite_add_tcase(s, tc);
    return run_suite(s, CK_NOFORK);
}
