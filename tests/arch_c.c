/* archC and its layers. Sources of the numbers: our runs of Timeloop 4cf6d4c on this machine description, see arch_c.h. */
#include "tests/arch_c.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void level(struct level *v, const char *name, enum level_kind kind, int64_t words, int64_t instances, double pj,
                  double ports)
{
    snprintf(v->name, sizeof v->name, "%s", name);
    v->kind = kind;
    v->capacity_bits = words > 0 ? words * 16 : INT64_MAX;
    v->buffering = 1;
    v->instances = instances;
    v->fanout_x = v->fanout_y = 1;
    v->word_bits = 16;
    v->read_pj = v->write_pj = pj;
    v->read_bits_per_cycle = v->write_bits_per_cycle = ports * 16;
    v->shared_bits_per_cycle = HUGE_VAL;
}

void arch_c(bool bypass, struct accelerator *a)
{
    memset(a, 0, sizeof *a);
    snprintf(a->name, sizeof a->name, "archC");
    a->n_levels = 3;
    level(&a->level[0], "RF", LEVEL_REGFILE, 256, 256, 0.96, 3);
    level(&a->level[1], "GLB", LEVEL_SRAM, 65536, 1, 12, 32);
    level(&a->level[2], "DRAM", LEVEL_DRAM, 0, 1, 256, HUGE_VAL);
    a->level[1].fanout_x = a->level[1].fanout_y = 16;
    a->level[2].shared_bits_per_cycle = 8 * 16;
    for (int l = 0; l < 3; l++) {
        for (int t = 0; t < TENSOR_ROLE_COUNT; t++) {
            a->level[l].keep[t] = bypass && l < 2 ? KEEP_FREE : KEEP_ALWAYS;
        }
        a->dataflow.spatial[l].n_x = a->dataflow.spatial[l].n_y = -1;
    }
    a->dataflow.stationary = TENSOR_ROLE_COUNT;
    a->mac = (struct mac){.kind = MAC_FIXED, .instances = 256, .w_bits = 16, .a_bits = 16, .acc_bits = 16, .mul_pj = 1};
    a->cores = 1;
    a->core_level = -1;
    a->clock_hz = 1e9;
}

const struct arch_c_layer arch_c_layers[] = {
    {"resnet50_c2_3x3", {1, 1, 64, 64, 56, 56, 3, 3, 1, 1, 1, 1}},
    {"alexnet_c3", {1, 1, 384, 256, 13, 13, 3, 3, 1, 1, 1, 1}},
    {"resnet50_c4_1x1", {1, 1, 1024, 256, 14, 14, 1, 1, 1, 1, 1, 1}},
    {"vgg_c3_2", {1, 1, 256, 256, 56, 56, 3, 3, 1, 1, 1, 1}},
    {"resnet50_c1_7x7s2", {1, 1, 64, 3, 112, 112, 7, 7, 2, 2, 1, 1}},
    {"bert_qk", {1, 1, 512, 64, 512, 1, 1, 1, 1, 1, 1, 1}},
    {"gemm1k", {1, 1, 1024, 1024, 1024, 1, 1, 1, 1, 1, 1, 1}},
    {"mbv2_dw", {1, 144, 1, 1, 56, 56, 3, 3, 1, 1, 1, 1}},
};
const int arch_c_n_layers = (int)(sizeof arch_c_layers / sizeof *arch_c_layers);

void arch_c_einsum(const char *layer, struct einsum *out)
{
    for (int i = 0; i < arch_c_n_layers; i++) {
        if (strcmp(arch_c_layers[i].name, layer) == 0) {
            einsum_conv(out, layer, &arch_c_layers[i].shape, 16, 16, 16);
            return;
        }
    }
    assert(0 && "no such layer");
}
