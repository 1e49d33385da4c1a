/* For docs/validation.md: compute-in-memory macros against published chips. */
#include "tests/cim_chips.h"

#include <stdio.h>

int main(void)
{
    struct err err = ERR_INIT;
    struct tables *tables = tables_load(&err);
    struct cim_figure figure[CIM_FIGURES];
    int n = tables != NULL ? cim_figures(tables, figure, &err) : -1;
    if (n < 0) {
        printf("%s\n", err.text);
        return 1;
    }
    printf("| figure | unit | model | published | factor |\n| --- | --- | --- | --- | --- |\n");
    for (int i = 0; i < n; i++) {
        printf("| %s | %s | %.4g | %.4g | %.2f |\n", figure[i].what, figure[i].unit, figure[i].model,
               figure[i].published, figure[i].model / figure[i].published);
    }
    printf("\nGeometric mean of the factors over %d figures: %.2f.\n", n, cim_factor(figure, n));
    tables_free(tables);
    return 0;
}
