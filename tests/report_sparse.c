/* For docs/validation.md: zeros as expected values. */
#include "costmodel/mapper.h"
#include "costmodel/sparse.h"
#include "experiments/pricing.h"
#include "tests/check_sparse.h"
#include "tests/sparseloop_runs.h"

#include <stdio.h>

static int checks(void)
{
    struct sparse_tally formats, passing;
    check_sparse_formats(&formats);
    check_sparse_passing(400, &passing);
    printf("| what | means compared | draws each | farthest, in standard errors |\n| --- | --- | --- | --- |\n"
           "| entries of run-length codes and bitmasks, random matrices | %d | %d | %.1f |\n"
           "| words that pass a gate, random mappings walked MAC by MAC (%d between storage levels) | %d | %d | %.1f "
           "|\n\n",
           formats.means, formats.draws, formats.worst, passing.tiles, passing.means, passing.draws, passing.worst);
    return formats.worst < 5 && passing.worst < 5 ? 0 : -1;
}

static int published(void)
{
    struct sparseloop_row row[SPARSELOOP_ROWS];
    int n = sparseloop_rows(row);
    if (n < 0) {
        return -1;
    }
    printf("| Sparseloop's run | count | Sparseloop | ours |\n| --- | --- | --- | --- |\n");
    for (int i = 0; i < n; i++) {
        printf("| %s | %s | %.10g | %.10g |\n", row[i].run, row[i].what, row[i].published, row[i].ours);
    }
    printf("\n");
    return 0;
}

struct machine {
    const char *name;
    enum sparse_format dram;
    uint32_t gate, skip; /* of inputs: spads, MACs */
};

/* Eyeriss' AlexNet CONV3, a third of the inputs and half of the weights not zero, on machines that make more and more of it. */
static int ladder(void)
{
    static const uint32_t inputs = 1u << TENSOR_INPUTS;
    static const struct machine machines[] = {{"nothing", SPARSE_NONE, 0, 0},
                                              {"run lengths of 5 bit in DRAM", SPARSE_RLC, 0, 0},
                                              {"bitmask in DRAM", SPARSE_BITMASK, 0, 0},
                                              {"CSR in DRAM", SPARSE_CSR, 0, 0},
                                              {"bitmask, gated by inputs", SPARSE_BITMASK, 1u << TENSOR_INPUTS, 0},
                                              {"bitmask, zero inputs skipped", SPARSE_BITMASK, 0, 1u << TENSOR_INPUTS}};
    static const char *const density[] = {"inputs=0.33", "weights=0.5", "outputs=0.5"};
    const struct pricing_request request = {
        .arch = "eyeriss_like",
        .workload = "alexnet",
        .layer = "conv3",
        .mapping =
            "DRAM K6 C32 | GLB[-io] K2 Q13 X:P13 Y:K2 Y:C2 Y:R3 | InputSpad[-i-] | WeightSpad[w--] | PsumSpad[--o] "
            "K16 C4 S3",
        .w_bits = 16,
        .a_bits = 16,
        .acc_bits = 16,
        .density = density,
        .n_density = 3};
    struct pricing p;
    struct diags d = DIAGS_INIT;
    if (pricing_run(&request, &p, &d) != 0) {
        printf("%s\n", d.n > 0 ? d.list[0].message : "");
        diags_release(&d);
        return -1;
    }
    printf("| machine | DRAM traffic, MB | energy, uJ | cycles | MACs at work |\n| --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        struct accelerator a = p.accelerator;
        struct cost c;
        struct err err = ERR_INIT;
        int dram = a.n_levels - 1;
        double words = 0;
        for (int r = 0; r < TENSOR_ROLE_COUNT; r++) {
            a.level[dram].sparse[r] = (struct level_sparse){machines[i].dram, machines[i].dram == SPARSE_RLC ? 5 : 0};
        }
        a.level[1].sparse[TENSOR_WEIGHTS].gate = a.level[0].sparse[TENSOR_OUTPUTS].gate = machines[i].gate & inputs;
        a.level[1].sparse[TENSOR_WEIGHTS].skip = a.level[0].sparse[TENSOR_OUTPUTS].skip = machines[i].skip & inputs;
        a.mac.gate = machines[i].gate;
        a.mac.skip = machines[i].skip;
        if (cost_evaluate(&a, &p.einsum, &p.mapping, &request.options, &c, &err) != 0) {
            printf("%s\n", err.text);
            return -1;
        }
        for (int t = 0; t < p.einsum.n_tensors; t++) {
            words += c.level[dram].tensor[t].accesses;
        }
        printf("| %s | %.2f | %.0f | %.0f | %.0f |\n", machines[i].name, words * a.level[dram].word_bits / 8e6,
               c.energy_pj * 1e-6, c.cycles, c.working_macs);
    }
    return 0;
}

int main(void)
{
    return checks() != 0 || published() != 0 || ladder() != 0;
}
