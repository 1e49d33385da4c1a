/* The Eyeriss chip's published layers (JSSC 52(1) 2017, as tabulated in cucapra/fodlam @cde53fd) and our runs of them. */
#ifndef TESTS_EYERISS_CHIP_H
#define TESTS_EYERISS_CHIP_H

#include "costmodel/cost.h"

struct chip_layer {
    const char *name;
    struct conv_shape shape; /* n g k c p q r s stride dilation */
    const char *mapping;
    double total_ms, processing_ms, power_mw, zeros_percent, glb_mb, dram_mb; /* of the chip, for the whole batch */
    int pes;
};

struct chip_net {
    const char *name;
    int n;
    const struct chip_layer *layer;
    double next_zeros_percent; /* of the last layer's output: not published, taken as the last layer's input's */
};
#define CHIP_NETS 2
extern const struct chip_net chip_nets[CHIP_NETS];

struct chip_run {
    int pes;
    double bandwidth_ms, stalls_ms; /* processing: without waiting for DRAM */
    double total_ms;                /* stalls, with the link to DRAM and the chip's zeros */
    double dense_mw, power_mw;      /* without DRAM, over the total time; with the chip's zeros */
    double dense_dram_mb, dram_mb, glb_mb;
    double alu, spads, glb, network, leak; /* shares of power_mw */
};
/* Prices a layer on the template `eyeriss`; prints and returns -1 when it cannot. */
int chip_run(const struct chip_net *net, int layer, struct chip_run *out);

#endif
