/* AlexNet: the mappings of the paper's table IV (batch 4), as row-stationary passes of e output rows, p filters and q channels a PE, r channel
 * and t filter groups side by side, m filters and n images in the buffer.
 *
 * VGG-16 (batch 3): the paper prints results, no mappings. They follow from what it does print: 156 PEs are 13 columns of 12, 168 are 14;
 * the buffer's 100 KB limit the filters m of a strip of e rows; 12 rows of PEs hold 3 kernel rows of t groups of filters; and the buffer's
 * accesses, nearly all sums that are read and written once a pass, give the channels of a pass, 1, 1, 2, 4, 8 for the five blocks. */
#include "tests/eyeriss_chip.h"

#include "base/diag.h"
#include "hw/template.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPADS "InputSpad[-i-] | WeightSpad[w--] | PsumSpad[--o] "
#define SHAPE(n, g, k, c, p, r, stride)                                                                                \
    {                                                                                                                  \
        n, g, k, c, p, p, r, r, stride, stride, 1, 1                                                                   \
    }

static const struct chip_layer alexnet[] = {
    {"CONV1", SHAPE(4, 1, 96, 3, 55, 11, 4),
     "DRAM N4 P8 C3 | GLB[-io] K3 | Filters[w--] Q55 X:P7 X:K2 Y:R11 | " SPADS "K16 S11", 20.9, 16.5, 332, 0.01, 18.5,
     5.0, 154},
    {"CONV2", SHAPE(4, 2, 128, 48, 27, 5, 1),
     "DRAM N4 G2 K2 C24 | GLB[-io] K4 | Filters[w--] Q27 X:P14 Y:P2 Y:R5 | " SPADS "K16 C2 S5", 41.9, 39.2, 288, 38.7,
     77.6, 4.0, 135},
    {"CONV3", SHAPE(4, 1, 384, 256, 13, 3, 1),
     "DRAM K6 C64 | GLB[-io] | Filters[w--] N4 Q13 X:P13 Y:K4 Y:R3 | " SPADS "K16 C4 S3", 23.6, 21.8, 266, 72.5, 50.2,
     3.0, 156},
    {"CONV4", SHAPE(4, 2, 192, 192, 13, 3, 1),
     "DRAM G2 K3 C32 | GLB[-io] K2 | Filters[w--] N4 Q13 X:P13 Y:K2 Y:C2 Y:R3 | " SPADS "K16 C3 S3", 18.4, 16.0, 235,
     79.3, 37.4, 2.1, 156},
    {"CONV5", SHAPE(4, 2, 128, 192, 13, 3, 1),
     "DRAM G2 K2 C32 | GLB[-io] K2 | Filters[w--] N4 Q13 X:P13 Y:K2 Y:C2 Y:R3 | " SPADS "K16 C3 S3", 10.5, 10.0, 236,
     77.6, 24.9, 1.3, 156},
};

static const struct chip_layer vgg16[] = {
    {"CONV1-1", SHAPE(3, 1, 64, 3, 224, 3, 1),
     "DRAM N3 P18 K4 C3 | GLB[-io] | Filters[w--] Q224 X:P13 Y:K4 Y:R3 | " SPADS "K4 S3", 76.2, 38.0, 247, 1.6, 112.6,
     15.4, 156},
    {"CONV1-2", SHAPE(3, 1, 64, 64, 224, 3, 1),
     "DRAM N3 P18 K4 C64 | GLB[-io] | Filters[w--] Q224 X:P13 Y:K4 Y:R3 | " SPADS "K4 S3", 910.3, 810.6, 218, 47.7,
     2402.8, 54.0, 156},
    {"CONV2-1", SHAPE(3, 1, 128, 64, 112, 3, 1),
     "DRAM N3 P9 K4 C64 | GLB[-io] | Filters[w--] Q112 X:P13 Y:K4 Y:R3 | " SPADS "K8 S3", 470.3, 405.3, 242, 24.8,
     1201.4, 33.4, 156},
    {"CONV2-2", SHAPE(3, 1, 128, 128, 112, 3, 1),
     "DRAM N3 P9 K4 C128 | GLB[-io] | Filters[w--] Q112 X:P13 Y:K4 Y:R3 | " SPADS "K8 S3", 894.3, 810.8, 231, 38.7,
     2402.8, 48.5, 156},
    {"CONV3-1", SHAPE(3, 1, 256, 128, 56, 3, 1),
     "DRAM N3 P5 K4 C64 | GLB[-io] | Filters[w--] Q56 X:P13 Y:K4 Y:R3 | " SPADS "K16 C2 S3", 241.1, 204.0, 254, 39.7,
     607.4, 20.2, 156},
    {"CONV3-2", SHAPE(3, 1, 256, 256, 56, 3, 1),
     "DRAM N3 P5 K4 C128 | GLB[-io] | Filters[w--] Q56 X:P13 Y:K4 Y:R3 | " SPADS "K16 C2 S3", 460.9, 408.1, 235, 58.1,
     1214.8, 32.2, 156},
    {"CONV3-3", SHAPE(3, 1, 256, 256, 56, 3, 1),
     "DRAM N3 P5 K4 C128 | GLB[-io] | Filters[w--] Q56 X:P13 Y:K4 Y:R3 | " SPADS "K16 C2 S3", 457.7, 408.1, 233, 58.7,
     1214.8, 30.8, 156},
    {"CONV4-1", SHAPE(3, 1, 512, 256, 28, 3, 1),
     "DRAM N3 P2 K8 C64 | GLB[-io] | Filters[w--] Q28 X:P14 Y:K4 Y:R3 | " SPADS "K16 C4 S3", 135.8, 105.1, 278, 64.3,
     321.8, 17.8, 168},
    {"CONV4-2", SHAPE(3, 1, 512, 512, 28, 3, 1),
     "DRAM N3 P2 K8 C128 | GLB[-io] | Filters[w--] Q28 X:P14 Y:K4 Y:R3 | " SPADS "K16 C4 S3", 254.8, 210.0, 261, 74.7,
     643.7, 28.6, 168},
    {"CONV4-3", SHAPE(3, 1, 512, 512, 28, 3, 1),
     "DRAM N3 P2 K8 C128 | GLB[-io] | Filters[w--] Q28 X:P14 Y:K4 Y:R3 | " SPADS "K16 C4 S3", 246.3, 210.0, 240, 85.4,
     643.7, 22.8, 168},
    {"CONV5-1", SHAPE(3, 1, 512, 512, 14, 3, 1),
     "DRAM K8 C64 | GLB[-io] K2 | Filters[w--] N3 Q14 X:P14 Y:K2 Y:C2 Y:R3 | " SPADS "K16 C4 S3", 54.3, 48.3, 258, 79.4,
     90.0, 6.3, 168},
    {"CONV5-2", SHAPE(3, 1, 512, 512, 14, 3, 1),
     "DRAM K8 C64 | GLB[-io] K2 | Filters[w--] N3 Q14 X:P14 Y:K2 Y:C2 Y:R3 | " SPADS "K16 C4 S3", 53.7, 48.5, 236, 87.4,
     90.0, 5.7, 168},
    {"CONV5-3", SHAPE(3, 1, 512, 512, 14, 3, 1),
     "DRAM K8 C64 | GLB[-io] K2 | Filters[w--] N3 Q14 X:P14 Y:K2 Y:C2 Y:R3 | " SPADS "K16 C4 S3", 53.7, 48.5, 230, 88.5,
     90.0, 5.6, 168},
};

const struct chip_net chip_nets[CHIP_NETS] = {
    {"AlexNet", sizeof alexnet / sizeof *alexnet, alexnet, 77.6},
    {"VGG-16", sizeof vgg16 / sizeof *vgg16, vgg16, 88.5},
};

static int load_chip(struct accelerator *a)
{
    struct diags d = DIAGS_INIT;
    struct err err = ERR_INIT;
    struct template *t = template_load("eyeriss", &d);
    int n = 0, rc = -1;
    if (t != NULL) {
        template_params(t, &n);
        double *values = calloc((size_t)n + 1, sizeof *values);
        template_defaults(t, values);
        rc = template_build(t, values, a, &err);
        free(values);
    }
    if (rc != 0) {
        printf("eyeriss: %s%s\n", d.n > 0 ? d.list[0].message : "", err.text);
    }
    template_free(t);
    diags_release(&d);
    return rc;
}

static double mega_bytes(const struct accelerator *a, const struct einsum *e, const struct cost *c, int level)
{
    double accesses = 0;
    for (int t = 0; t < e->n_tensors; t++) {
        accesses += c->level[level].tensor[t].accesses;
    }
    return accesses * a->level[level].word_bits / 8e6;
}

/* All but DRAM's devices. */
static double chip_pj(const struct accelerator *a, const struct einsum *e, const struct cost *c)
{
    double pj = c->energy_pj;
    for (int t = 0; t < e->n_tensors; t++) {
        pj -= c->level[a->n_levels - 1].tensor[t].energy_pj;
    }
    return pj;
}

static void shares(const struct accelerator *a, const struct einsum *e, const struct cost *c, struct chip_run *out)
{
    double all = chip_pj(a, e, c), by[2] = {0, 0}; /* spads, buffers */
    for (int l = 0; l < a->n_levels - 1; l++) {
        for (int t = 0; t < e->n_tensors; t++) {
            by[a->level[l].kind == LEVEL_SRAM] += c->level[l].tensor[t].energy_pj;
        }
    }
    out->alu = c->mac_pj / all;
    out->spads = by[0] / all;
    out->glb = by[1] / all;
    out->network = c->network_pj / all;
    out->leak = c->leak_pj / all;
}

int chip_run(const struct chip_net *net, int layer, struct chip_run *out)
{
    const struct chip_layer *l = &net->layer[layer];
    const struct cost_options quick = {ACCOUNTING_EXACT, FIDELITY_BANDWIDTH},
                              slow = {ACCOUNTING_EXACT, FIDELITY_STALLS};
    struct accelerator a, fed;
    struct einsum e;
    struct mapping m;
    struct cost c, late, dense, zeros;
    struct err err = ERR_INIT;
    if (load_chip(&a) != 0) {
        return -1;
    }
    fed = a; /* never waits for DRAM */
    fed.level[a.n_levels - 1].shared_bits_per_cycle = fed.level[a.n_levels - 1].read_bits_per_cycle =
        fed.level[a.n_levels - 1].write_bits_per_cycle = (double)INFINITY;
    einsum_conv(&e, l->name, &l->shape, 16, 16, 16);
    if (mapping_read(l->mapping, &a, &e, &m, &err) != 0 || mapping_check(&m, &a, &e, &err) != 0 ||
        cost_evaluate(&fed, &e, &m, &quick, &c, &err) != 0 || cost_evaluate(&fed, &e, &m, &slow, &late, &err) != 0 ||
        cost_evaluate(&a, &e, &m, &slow, &dense, &err) != 0) {
        printf("%s: %s\n", l->name, err.text);
        return -1;
    }
    double next = layer + 1 < net->n ? l[1].zeros_percent : net->next_zeros_percent;
    for (int t = 0; t < e.n_tensors; t++) {
        double percent = e.tensor[t].output ? next : e.tensor[t].role == TENSOR_INPUTS ? l->zeros_percent : 0;
        e.tensor[t].density = 1 - percent / 100;
    }
    if (cost_evaluate(&a, &e, &m, &slow, &zeros, &err) != 0) {
        printf("%s: %s\n", l->name, err.text);
        return -1;
    }
    int dram = a.n_levels - 1;
    double ms = zeros.cycles / a.clock_hz * 1e3;
    memset(out, 0, sizeof *out);
    out->pes = (int)c.level[0].instances_used;
    out->bandwidth_ms = c.cycles / a.clock_hz * 1e3;
    out->stalls_ms = late.cycles / a.clock_hz * 1e3;
    out->total_ms = ms;
    out->dense_mw = chip_pj(&a, &e, &dense) / (dense.cycles / a.clock_hz) * 1e-9;
    out->power_mw = chip_pj(&a, &e, &zeros) / ms * 1e-6;
    out->dense_dram_mb = mega_bytes(&a, &e, &dense, dram);
    out->dram_mb = mega_bytes(&a, &e, &zeros, dram);
    out->glb_mb = mega_bytes(&a, &e, &zeros, dram - 1);
    shares(&a, &e, &zeros, out);
    return 0;
}
