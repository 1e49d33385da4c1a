/* For docs/validation.md: how well the SRAM table predicts a row that it does not have. */
#include "hw/sram.h"

#include <stdio.h>

int main(void)
{
    static const char *const name[] = {"read energy", "write energy", "leakage", "area", "cycle time"};
    _Static_assert(sizeof name / sizeof *name == SRAM_QUANTITY_COUNT, "a name for each");
    struct err err = ERR_INIT;
    struct tables *tables = tables_load(&err);
    if (tables == NULL) {
        printf("%s\n", err.text);
        return 1;
    }
    printf("| quantity | rows left out, one at a time | mean error | greatest |\n| --- | --- | --- | --- |\n");
    for (int q = 0; q < SRAM_QUANTITY_COUNT; q++) {
        double mean, max;
        int n = sram_residual(tables, (enum sram_quantity)q, &mean, &max);
        printf("| %s | %d | %.1f %% | %.1f %% |\n", name[q], n, 100 * mean, 100 * max);
    }
    tables_free(tables);
    return 0;
}
