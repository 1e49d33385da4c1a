/* The metrics of a design: one table row each, with dimension, column in the database, goal and a one-line definition. Everything that
 * shows, stores or constrains a metric goes through this table. */
#ifndef EXPERIMENTS_METRICS_H
#define EXPERIMENTS_METRICS_H

#include "base/units.h"

enum metric_id {
    METRIC_ENERGY,
    METRIC_LATENCY,
    METRIC_AREA,
    METRIC_EDP,
    METRIC_POWER_AVG,
    METRIC_POWER_PEAK,
    METRIC_THROUGHPUT,
    METRIC_UTILIZATION,
    METRIC_ACCURACY,
    METRIC_ACCURACY_DROP,
    METRIC_DRAM_TRAFFIC,
    METRIC_WEIGHT_SIZE,
    METRIC_ENERGY_DRAM,
    METRIC_ENERGY_ONCHIP,
    METRIC_ENERGY_MAC,
    METRIC_ENERGY_NETWORK,
    METRIC_ENERGY_LEAKAGE,
    METRIC_VOLTAGE,
    METRIC_SQNR,
    METRIC_SQNR_WORST,
    METRIC_PERPLEXITY,
    METRIC_ACTIVATION_PEAK,
    METRIC_KV_SIZE,
    METRIC_COUNT
};

struct metric {
    const char *name;    /* in study files and expressions */
    const char *column;  /* in the database, with the unit */
    const char *unit;    /* of the column */
    double column_scale; /* column value = base-unit value * this */
    struct dim dim;      /* of the value in base units */
    int goal;            /* +1 to be maximised, -1 minimised, 0 neither */
    double bound;        /* best value that can be: 0 for a minimised one, the top of a maximised one, NaN: none */
    const char *what;    /* definition */
};

extern const struct metric metrics[METRIC_COUNT];

int metric_find(const char *name); /* enum metric_id or -1 */

#endif
