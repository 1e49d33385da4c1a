/* archC: 16x16 PEs; RF 256x16b words/PE, 0.96 pJ/word, 3 rd + 3 wr words/cycle; GLB 65536 words, 12 pJ/word, 32 rd + 32 wr words/cycle;
 * DRAM 256 pJ/word, 8 words/cycle shared; MAC 1 pJ. The machine on which mappers were compared (METHODS-operator 3.2). */
#ifndef TESTS_ARCH_C_H
#define TESTS_ARCH_C_H

#include "hw/accelerator.h"
#include "sw/einsum.h"

/* bypass: tensors may bypass RF and GLB; else all levels keep all. */
void arch_c(bool bypass, struct accelerator *out);

struct arch_c_layer {
    const char *name;
    struct conv_shape shape;
};
extern const struct arch_c_layer arch_c_layers[];
extern const int arch_c_n_layers;
void arch_c_einsum(const char *layer, struct einsum *out);

#endif
