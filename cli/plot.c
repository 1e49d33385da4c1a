/* See plot.h. The eight dots of a Braille character are the bits of U+2800 + b (Unicode 15, chart 2800): columns of
 * 1 2 3 7 and 4 5 6 8 from the top. */
#include "cli/plot.h"

#include "base/mem.h"
#include "base/strbuf.h"
#include "cli/table.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { DOTS_X = 2, DOTS_Y = 4, LABEL = 10 };
#define LOG_ABOVE 30.0

struct scale {
    double low, high;
    bool log;
};

static bool usable(const double *point)
{
    return isfinite(point[0]) && isfinite(point[1]);
}

static void widen(struct scale *s, const double *points, int64_t n, int axis)
{
    for (int64_t i = 0; i < n; i++) {
        if (usable(points + 2 * i)) {
            s->low = fmin(s->low, points[2 * i + axis]);
            s->high = fmax(s->high, points[2 * i + axis]);
        }
    }
}

static struct scale scale_of(const struct plot *p, int axis)
{
    struct scale s = {INFINITY, -INFINITY, false};
    widen(&s, p->dots, p->n_dots, axis);
    widen(&s, p->marks, p->n_marks, axis);
    s.log = s.low > 0.0 && s.high > LOG_ABOVE * s.low;
    if (s.high == s.low) { /* one value: in the middle */
        s.low -= 0.5 * fabs(s.low) + (s.low == 0.0);
        s.high += 0.5 * fabs(s.high) + (s.high == 0.0);
    }
    return s;
}

/* Cell 0..n-1 of value v. */
static int place(const struct scale *s, double v, int n)
{
    double t = s->log ? log(v / s->low) / log(s->high / s->low) : (v - s->low) / (s->high - s->low);
    int i = (int)floor(t * (double)n);
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static double value_at(const struct scale *s, double t)
{
    return s->log ? s->low * pow(s->high / s->low, t) : s->low + t * (s->high - s->low);
}

static void axis_text(const struct plot_axis *a, double v, struct strbuf *out)
{
    strbuf_reset(out);
    if (dim_equal(a->dim, DIM_ONE) || *a->unit) {
        strbuf_addf(out, "%.3g%s", v, a->unit);
    } else {
        quantity_print(v, a->dim, out);
    }
}

/* Bits of the dots, 0x100 for a mark; row 0 on top. */
static void draw_points(const struct plot *p, const struct scale *x, const struct scale *y, unsigned short *cell)
{
    static const unsigned char bit[DOTS_Y][DOTS_X] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    for (int64_t i = 0; i < p->n_dots; i++) {
        if (usable(p->dots + 2 * i)) {
            int dx = place(x, p->dots[2 * i], p->width * DOTS_X);
            int dy = p->height * DOTS_Y - 1 - place(y, p->dots[2 * i + 1], p->height * DOTS_Y);
            cell[dy / DOTS_Y * p->width + dx / DOTS_X] |= bit[dy % DOTS_Y][dx % DOTS_X];
        }
    }
    for (int64_t i = 0; i < p->n_marks; i++) {
        if (usable(p->marks + 2 * i)) {
            int cx = place(x, p->marks[2 * i], p->width);
            int cy = p->height - 1 - place(y, p->marks[2 * i + 1], p->height);
            cell[cy * p->width + cx] |= 0x100;
        }
    }
}

static void add_character(unsigned short cell, struct strbuf *out)
{
    if (cell & 0x100) {
        strbuf_adds(out, "●");
    } else if (cell) {
        const char braille[3] = {(char)0xE2, (char)(0xA0 + (cell >> 6)), (char)(0x80 + (cell & 0x3F))};
        strbuf_add(out, braille, 3);
    } else {
        strbuf_adds(out, " ");
    }
}

/* The label of row r: top, middle and bottom have one. */
static void add_label(const struct plot *p, const struct scale *y, int r, struct strbuf *out)
{
    struct strbuf text = STRBUF_INIT;
    if (r == 0 || r == p->height - 1 || r == (p->height - 1) / 2) {
        axis_text(&p->y, value_at(y, 1.0 - (double)r / (double)(p->height > 1 ? p->height - 1 : 1)), &text);
    }
    strbuf_addf(out, "%*s │", LABEL, strbuf_str(&text));
    strbuf_release(&text);
}

static void add_x_axis(const struct plot *p, const struct scale *x, struct strbuf *out)
{
    struct strbuf low = STRBUF_INIT;
    struct strbuf high = STRBUF_INIT;
    strbuf_addf(out, "%*s └", LABEL, "");
    for (int c = 0; c < p->width; c++) {
        strbuf_adds(out, "─");
    }
    axis_text(&p->x, x->low, &low);
    axis_text(&p->x, x->high, &high);
    int room = p->width - utf8_width(strbuf_str(&low)) - utf8_width(strbuf_str(&high));
    struct strbuf title = STRBUF_INIT;
    strbuf_addf(&title, "%s%s", p->x.title, x->log ? " (log)" : "");
    int left = (room - utf8_width(strbuf_str(&title))) / 2;
    left = left > 1 ? left : 1;
    int right = room - left - utf8_width(strbuf_str(&title));
    strbuf_addf(out, "\n%*s  %s%*s%s%*s%s\n", LABEL, "", strbuf_str(&low), left, "", strbuf_str(&title),
                right > 1 ? right : 1, "", strbuf_str(&high));
    strbuf_release(&low);
    strbuf_release(&high);
    strbuf_release(&title);
}

void plot_draw(const struct plot *p, struct strbuf *out)
{
    struct scale x = scale_of(p, 0);
    struct scale y = scale_of(p, 1);
    if (!(x.high > x.low) || !(y.high > y.low)) {
        strbuf_adds(out, "nothing to draw\n");
        return;
    }
    unsigned short *cell = mem_calloc((size_t)p->width * (size_t)p->height, sizeof *cell);
    draw_points(p, &x, &y, cell);
    strbuf_addf(out, "%*s   ● %s (%lld)   dots: %lld feasible designs\n", LABEL, "", p->what, (long long)p->n_marks,
                (long long)p->n_dots);
    strbuf_addf(out, "%*s%s\n", LABEL, p->y.title, y.log ? " (log)" : "");
    for (int r = 0; r < p->height; r++) {
        add_label(p, &y, r, out);
        size_t end = out->len;
        for (int c = 0; c < p->width; c++) {
            add_character(cell[r * p->width + c], out);
            end = cell[r * p->width + c] ? out->len : end;
        }
        out->len = end; /* no blanks at the end of a line */
        strbuf_adds(out, "\n");
    }
    add_x_axis(p, &x, out);
    mem_free(cell);
}
