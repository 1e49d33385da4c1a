/* Scatter plots in a terminal: Braille characters, each 2 x 4 dots, for the many points, and a bullet for each point that
 * matters. */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include "base/units.h"

#include <stdint.h>

struct strbuf;

struct plot_axis {
    const char *title; /* "energy" */
    struct dim dim;    /* values are in base units of it */
    const char *unit;  /* written after plain numbers: "%"; "" */
};

struct plot {
    struct plot_axis x, y;
    const double *dots; /* [n_dots][2]: x, y */
    int64_t n_dots;
    const double *marks; /* [n_marks][2], drawn over the dots */
    int64_t n_marks;
    const char *what;  /* what the marks are: "front" */
    int width, height; /* characters of the picture without its frame */
};

/* An axis is logarithmic when all its values are positive and span more than a factor of 30. Points that are not finite
 * are left out. O(dots + marks) */
void plot_draw(const struct plot *p, struct strbuf *out);

#endif
