/* For docs/validation.md: the Eyeriss chip on AlexNet and VGG-16. */
#include "tests/eyeriss_chip.h"

#include <math.h>
#include <stdio.h>

static double off(double model, double chip)
{
    return 100 * (model / chip - 1);
}

static int report(const struct chip_net *net)
{
    double sum[5][2] = {{0}}, worst = 0;
    printf("**%s**\n\n"
           "| layer | PEs, chip | PEs | processing ms, chip | bandwidth | stalls | total ms, chip | stalls and link | "
           "DRAM "
           "MB, chip | dense | with zeros | buffer MB, chip | with zeros | power mW, chip | dense | with zeros |\n"
           "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
           net->name);
    for (int i = 0; i < net->n; i++) {
        const struct chip_layer *l = &net->layer[i];
        struct chip_run r;
        if (chip_run(net, i, &r) != 0) {
            return -1;
        }
        const double pair[5][2] = {{r.stalls_ms, l->processing_ms},
                                   {r.total_ms, l->total_ms},
                                   {r.dram_mb, l->dram_mb},
                                   {r.glb_mb, l->glb_mb},
                                   {r.power_mw * r.total_ms, l->power_mw * l->total_ms}};
        printf(
            "| %s | %d | %d | %.1f | %.1f (%+.0f %%) | %.1f (%+.0f %%) | %.1f | %.1f (%+.0f %%) | %.1f | %.1f | %.1f "
            "(%+.0f %%) | %.1f | %.1f (%+.0f %%) | %.0f | %.0f | %.0f (%+.0f %%) |\n",
            l->name, l->pes, r.pes, l->processing_ms, r.bandwidth_ms, off(r.bandwidth_ms, l->processing_ms),
            r.stalls_ms, off(r.stalls_ms, l->processing_ms), l->total_ms, r.total_ms, off(r.total_ms, l->total_ms),
            l->dram_mb, r.dense_dram_mb, r.dram_mb, off(r.dram_mb, l->dram_mb), l->glb_mb, r.glb_mb,
            off(r.glb_mb, l->glb_mb), l->power_mw, r.dense_mw, r.power_mw, off(r.power_mw, l->power_mw));
        worst = fmax(worst, fabs(off(r.stalls_ms, l->processing_ms)));
        for (int k = 0; k < 5; k++) {
            sum[k][0] += pair[k][0];
            sum[k][1] += pair[k][1];
        }
    }
    printf("| all | | | %.1f | | %.1f (%+.0f %%) | %.1f | %.1f (%+.0f %%) | %.1f | | %.1f (%+.0f %%) | %.1f | %.1f "
           "(%+.0f %%) | "
           "%.0f | | %.0f (%+.0f %%) |\n\nWorst processing latency: %.0f %% off.\n\n",
           sum[0][1], sum[0][0], off(sum[0][0], sum[0][1]), sum[1][1], sum[1][0], off(sum[1][0], sum[1][1]), sum[2][1],
           sum[2][0], off(sum[2][0], sum[2][1]), sum[3][1], sum[3][0], off(sum[3][0], sum[3][1]), sum[4][1] / sum[1][1],
           sum[4][0] / sum[1][0], off(sum[4][0] / sum[1][0], sum[4][1] / sum[1][1]), worst);
    return 0;
}

static int breakdown(void)
{
    printf("Where the model's power goes, %%:\n\n| layer | MACs | spads | buffers | wires and adders | leakage |\n| "
           "--- | --- | "
           "--- | --- | --- | --- |\n");
    for (int i = 0; i < chip_nets[0].n; i++) {
        struct chip_run r;
        if (chip_run(&chip_nets[0], i, &r) != 0) {
            return -1;
        }
        printf("| AlexNet %s | %.0f | %.0f | %.0f | %.0f | %.0f |\n", chip_nets[0].layer[i].name, 100 * r.alu,
               100 * r.spads, 100 * r.glb, 100 * r.network, 100 * r.leak);
    }
    return 0;
}

int main(void)
{
    for (int i = 0; i < CHIP_NETS; i++) {
        if (report(&chip_nets[i]) != 0) {
            return 1;
        }
    }
    return breakdown() != 0;
}
