/* Quantities: a number, and a dimension as exponents of eight base quantities. Inside the program every quantity is in the base
 * units s, J, m, bit, V, pp (percentage points), g and USD; text carries units ('256KiB', '500MHz', '4mm2', '12pJ', '8GB/s',
 * '4pJ/bit', '1.0pp', '10min', '400gCO2e/kWh'), which are mandatory wherever the dimension is not 1. SI prefixes are decimal, Ki Mi Gi
 * binary; B is 8 bits; % is 0.01. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

struct strbuf;

enum base_quantity { Q_TIME, Q_ENERGY, Q_LENGTH, Q_DATA, Q_VOLTAGE, Q_POINT, Q_MASS, Q_MONEY, Q_COUNT };

struct dim {
    int8_t e[Q_COUNT]; /* exponents */
};

extern const struct dim DIM_ONE, DIM_TIME, DIM_FREQUENCY, DIM_ENERGY, DIM_POWER, DIM_AREA, DIM_LENGTH, DIM_DATA,
    DIM_BANDWIDTH, DIM_VOLTAGE, DIM_POINT, DIM_ENERGY_PER_BIT, DIM_EDP, DIM_MASS, DIM_MONEY;

bool dim_equal(struct dim a, struct dim b);
struct dim dim_mul(struct dim a, struct dim b);
struct dim dim_div(struct dim a, struct dim b);
/* "area", "a data size", or "J*s^2" for one without a name. Writes into buf, returns it. */
const char *dim_name(struct dim d, char *buf, int size);
/* Units that a person would write for d: "mm2, um2"; "" when d is DIM_ONE. */
const char *dim_units(struct dim d);

/* Reads the longest number with an optional unit at the start of s. Returns the bytes used, 0 when there is no number,
 * -1 when the unit is unknown (then *value holds the bare number and the unit's text begins at s + *unit_at). */
int quantity_scan(const char *s, double *value, struct dim *dim, int *unit_at);

/* Writes a value of dimension d as a person reads it: "256KiB", "1.73mJ", "2.32ms", "3.44mm2", "500MHz"; 3 significant digits,
 * exact where the value is an integer number of a unit. */
void quantity_print(double value, struct dim d, struct strbuf *out);
/* Writes it exactly: the shortest text that reads back to the same double, in base units ("2097152bit", "5e8Hz"). */
void quantity_print_exact(double value, struct dim d, struct strbuf *out);

#endif
