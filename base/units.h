/* Quantities: a number, and a dimension as exponents of eight base quantities. Inside
 * the program every quantity is in the base units s, J, m, bit, V, pp (percentage
 * points), g and USD; text carries units ('256KiB', '500MHz', '4mm2', '12pJ', '8GB/s',
 * '4pJ/bit', '1.0pp', '10min', '400gCO2e/kWh'), which are mandatory wherever the
 * dimension is not 1. SI prefixes are decimal, Ki Mi Gi binary; B is 8 bits; % is 0.01;
 * k, M, G alone are counts ('20k'), dB a number; 'b' and 'KB' are refused, because they mean two
 * things. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

struct strbuf;

enum base_quantity { Q_TIME, Q_ENERGY, Q_LENGTH, Q_DATA, Q_VOLTAGE, Q_POINT, Q_MASS, Q_MONEY, Q_COUNT };

struct dim {
    int8_t e[Q_COUNT]; /* exponents, -30..30 in what is read */
};
enum { UNIT_MAX_EXPONENT = 30 };

extern const struct dim DIM_ONE, DIM_TIME, DIM_FREQUENCY, DIM_ENERGY, DIM_POWER, DIM_AREA, DIM_LENGTH, DIM_DATA,
    DIM_BANDWIDTH, DIM_VOLTAGE, DIM_POINT, DIM_ENERGY_PER_BIT, DIM_EDP, DIM_MASS, DIM_MONEY;

bool dim_equal(struct dim a, struct dim b);
struct dim dim_mul(struct dim a, struct dim b);
struct dim dim_div(struct dim a, struct dim b);
bool dim_is_one(struct dim d);
/* With its article: "an area", "a data size"; "a quantity in J*s^2" for one without a
 * name. Writes into buf, returns it. */
const char *dim_name(struct dim d, char *buf, int size);
/* Units that a person would write for d: "mm2, um2"; "" when d is DIM_ONE or has no
 * name. */
const char *dim_units(struct dim d);
/* The product of base units that quantity_print_exact() writes: "m2", "bit/s", "J*s^2";
 * "" for DIM_ONE. */
void dim_print(struct dim d, struct strbuf *out);

enum { QUANTITY_NONE = 0, QUANTITY_BAD_UNIT = -1, QUANTITY_RANGE = -2 };
/* Reads the longest number with an optional unit at the start of s: [+-] digits [.
 * digits] [e [+-] digits] unit, without blanks; unit := symbol [[^] exponent] { ("/" |
 * "*") symbol [[^] exponent] }. A "/" or "*" that no known symbol follows is not part
 * of it. "inf", "nan" and hexadecimal are no numbers. Returns the bytes used, or
 *   QUANTITY_NONE      no number here
 *   QUANTITY_BAD_UNIT  unknown unit; *value holds the bare number and the unit's text
 * begins at s + *unit_at QUANTITY_RANGE     too large or too small for a double, or
 * more than 60 digits The value is the double nearest to the decimal text ("12pJ" is
 * 12e-12 exactly as C reads it). O(length). */
int quantity_scan(const char *s, double *value, struct dim *dim, int *unit_at);

/* Bytes that the unit's text at s has, known or not: letters, digits, '_', '%', '$',
 * '^'. */
int unit_length(const char *s);
/* One sentence of help on an unknown unit ("did you mean 'MHz'?"), or nothing. */
void unit_help(const char *unit, int len, struct strbuf *out);

/* Writes a value of dimension d as a person reads it: "256KiB", "1.73mJ", "2.32ms",
 * "3.44mm2", "500MHz"; 3 significant digits, exact where the value is an integer of up
 * to 4 digits of a unit. */
void quantity_print(double value, struct dim d, struct strbuf *out);
/* Writes it exactly: the shortest text that reads back to the same double, in base
 * units ("2097152bit", "5e8Hz"). */
void quantity_print_exact(double value, struct dim d, struct strbuf *out);

#endif
