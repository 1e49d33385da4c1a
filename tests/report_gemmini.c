/* For docs/validation.md: Gemmini's cycles, Timeloop's and the RTL's, against the model before and after calibration. The form of the
 * calibrated model is selected on the training rows alone; the held-out rows are read when that is done and printed. --train stops
 * there, --quick leaves out the selection's own test on the training networks, which takes most of the time. */
#include "base/mem.h"
#include "experiments/calibration.h"
#include "experiments/gemmini_select.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/fixtures/gemmini/"

static int open_csv(const char *path, struct csv *out, struct err *err)
{
    static char text[1 << 19];
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        return err_set(err, ERR_NOINPUT, "cannot open %s: run this in the root", path);
    }
    size_t len = fread(text, 1, sizeof text, f);
    fclose(f);
    return csv_parse(path, text, len, out, err);
}

static int load(const char *path, const char *cycles, enum accounting accounting, struct gemmini_rows *out,
                struct err *err)
{
    struct csv csv;
    if (open_csv(path, &csv, err) != 0) {
        return -1;
    }
    int rc = gemmini_load(&csv, cycles, accounting, out, err);
    csv_release(&csv);
    return rc;
}

static int load_rtl(const char *path, struct gemmini_rows *out, struct err *err)
{
    struct csv networks;
    if (load(path, "rtl_cycle", ACCOUNTING_EXACT, out, err) != 0) {
        return -1;
    }
    int rc = open_csv(FOLDER "networks.csv", &networks, err);
    if (rc == 0) {
        rc = gemmini_networks(&networks, out, err);
        csv_release(&networks);
    }
    if (rc != 0) {
        gemmini_release(out);
    }
    return rc;
}

static int print_dosa(struct err *err)
{
    struct gemmini_rows dosa;
    struct gemmini_score s;
    if (load(FOLDER "dosa_gemmini_timeloop_sample.csv", "tl_cycle", ACCOUNTING_TIMELOOP, &dosa, err) != 0) {
        return -1;
    }
    gemmini_score(&dosa, NULL, &s);
    printf("DOSA's sample of Timeloop's cycles, %d rows, timeloop accounting: %.1f %% within 2 %%, %.1f %% within 5 "
           "%%.\n\n",
           dosa.n, 100 * s.within[0], 100 * s.within[1]);
    gemmini_release(&dosa);
    return 0;
}

/* The selection, printed; *best: the candidate. */
static int print_selection(const struct gemmini_rows *train, int *best, struct err *err)
{
    double *error = mem_calloc(2 * (size_t)gemmini_n_candidates, sizeof *error), *spread = error + gemmini_n_candidates;
    int rc = gemmini_select(train, NULL, best, error, spread, err);
    double least = error[0];
    for (int c = 1; c < gemmini_n_candidates; c++) {
        least = fmin(least, error[c]);
    }
    if (rc == 0) {
        printf("| form of the model | mean error on training layers that the fit has not seen (%d folds) | above the "
               "least | "
               "standard error of that |\n| --- | --- | --- | --- |\n",
               GEMMINI_FOLDS);
    }
    for (int c = 0; c < gemmini_n_candidates && rc == 0; c++) {
        const char *mark = c == *best ? "**" : "";
        printf("| %s%s%s | %.2f %% | %.2f | %.2f |\n", mark, gemmini_candidates[c].name, mark, 100 * error[c],
               100 * (error[c] - least), 100 * spread[c]);
    }
    mem_free(error);
    if (rc == 0) {
        printf("\nSelected: %s.\n\n", gemmini_candidates[*best].name);
    }
    return rc;
}

static void print_line(const char *what, int n, const struct gemmini_score *s)
{
    printf("| %s | %d | %.3f | %.1f %% | %.1f %% |\n", what, n, s->spearman, 100 * s->mean_error,
           100 * s->median_error);
}

/* Scores `cycles` of the usable rows (of held-out ones: all), those of one network or, network -1, of every one. */
static void print_cycles(const char *what, const struct gemmini_rows *rows, const double *cycles, int network)
{
    struct gemmini_rows part = {.row = mem_calloc((size_t)rows->n + 1, sizeof *part.row)};
    struct gemmini_score s;
    for (int i = 0; i < rows->n; i++) {
        if ((rows->row[i].usable || rows->held_out) && (network < 0 || rows->row[i].network == network)) {
            part.row[part.n] = rows->row[i];
            part.row[part.n++].modelled = cycles[i];
        }
    }
    gemmini_score(&part, NULL, &s);
    print_line(what, part.n, &s);
    mem_free(part.row); /* their counts are those of `rows` */
}

static int print_nested(const struct gemmini_rows *train, struct err *err)
{
    double *cycles = mem_calloc((size_t)train->n + 1, sizeof *cycles);
    int chosen[GEMMINI_NETWORKS];
    int rc = gemmini_nested(train, cycles, chosen, err);
    for (int n = 0; n < train->n_networks && rc == 0; n++) {
        char what[160];
        snprintf(what, sizeof what, "- %s (%s)", train->network[n], gemmini_candidates[chosen[n]].name);
        print_cycles(what, train, cycles, n);
    }
    if (rc == 0) {
        print_cycles("all training networks, each by selection and fit on the others", train, cycles, -1);
    }
    mem_free(cycles);
    return rc;
}

/* Runs of equal programs. */
static void print_spread(const struct gemmini_rows *rows)
{
    int groups = 0, wide = 0;
    double sum = 0, most = 0;
    for (int i = 0; i < rows->n; i++) {
        double low = rows->row[i].measured, high = low;
        bool first = true;
        int n = 0;
        for (int j = 0; j < rows->n; j++) {
            const struct gemmini_work *a = &rows->row[i].work, *b = &rows->row[j].work;
            bool same = strcmp(rows->row[i].name, rows->row[j].name) == 0 && a->n_kinds == b->n_kinds &&
                        memcmp(a->kind, b->kind, (size_t)a->n_kinds * sizeof *a->kind) == 0;
            first = first && !(same && j < i);
            n += same;
            low = same ? fmin(low, rows->row[j].measured) : low;
            high = same ? fmax(high, rows->row[j].measured) : high;
        }
        if (first && n > 1) {
            double spread = high / low - 1;
            groups++;
            wide += spread > 0.05;
            sum += spread;
            most = fmax(most, spread);
        }
    }
    printf("\nEqual programs that were run more than once (%d of them) lie %.1f %% apart in the mean, %d by more than "
           "5 %%, at most %.0f %%.\n",
           groups, 100 * sum / groups, wide, 100 * most);
}

/* k: the selected fit. without: the same without the two terms that an earlier look at these rows had suggested; least: what the least
 * error on the training layers, another rule, had selected (docs/validation.md). */
static int print_held_out(const struct calibration *k, const struct calibration *without,
                          const struct calibration *least, struct err *err)
{
    struct gemmini_rows test;
    struct gemmini_score s;
    if (load_rtl(FOLDER "gemmini_rtl_test.csv", &test, err) != 0) {
        return -1;
    }
    double *cycles = mem_calloc((size_t)test.n + 1, sizeof *cycles);
    for (int i = 0; i < test.n; i++) {
        cycles[i] = gemmini_cycles(&test.row[i].work, k);
    }
    gemmini_score(&test, NULL, &s);
    print_line("**test rows**, as modelled (bandwidth fidelity)", test.n, &s);
    gemmini_score(&test, k, &s);
    print_line("**test rows, calibrated** on the training rows", test.n, &s);
    for (int n = 0; n < test.n_networks; n++) {
        char what[64];
        snprintf(what, sizeof what, "- %s", test.network[n]);
        print_cycles(what, &test, cycles, n);
    }
    gemmini_score(&test, without, &s);
    print_line("test rows, fit without shared bus and exposed first load", test.n, &s);
    gemmini_score(&test, least, &s);
    print_line("test rows, fit of loads and stores side by side, pull 0.1", test.n, &s);
    print_spread(&test);
    mem_free(cycles);
    gemmini_release(&test);
    return 0;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct gemmini_rows train;
    struct calibration k, without, least;
    int best = 0;
    bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    bool only_train = argc > 1 && strcmp(argv[1], "--train") == 0;
    if (print_dosa(&err) != 0 || load_rtl(FOLDER "gemmini_rtl_train.csv", &train, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int rc = print_selection(&train, &best, &err);
    if (rc == 0) {
        rc = gemmini_fit(&train, &gemmini_candidates[best], NULL, &k, &err);
    }
    if (rc == 0) {
        struct gemmini_candidate c = gemmini_candidates[best];
        c.form &= ~(unsigned)(GEMMINI_ONE_BUS | GEMMINI_EXPOSED);
        rc = gemmini_fit(&train, &c, NULL, &without, &err);
    }
    if (rc == 0) {
        const struct gemmini_candidate c = {"", GEMMINI_ALL_TERMS & ~GEMMINI_ONE_BUS, 0.1};
        rc = gemmini_fit(&train, &c, NULL, &least, &err);
    }
    if (rc == 0) {
        printf("| cycles of Gemmini's RTL | rows | rank correlation | mean error | median error |\n| --- | --- | --- | "
               "--- | --- |\n");
        rc = quick ? 0 : print_nested(&train, &err);
    }
    gemmini_release(&train);
    if (rc == 0 && !only_train) {
        rc = print_held_out(&k, &without, &least, &err);
    }
    for (int i = 0; i < GEMMINI_COEFFICIENTS && rc == 0 && only_train; i++) {
        printf("%s %.5f\n", gemmini_coefficient_names[i], k.coef[i]);
    }
    if (rc != 0) {
        fprintf(stderr, "%s\n", err.text);
    }
    return rc != 0;
}
