/* Quantizers: rounding to the nearest code, half to even, around a scale for each run.
 *
 * The clip that is best in mean square is taken from a grid, 0.3 to 1 of the largest number in steps of 0.025: the noise over the clip is
 * flat around its least value, and a grid is the same for everybody. Noise is summed in the order of the numbers. */
#include "sw/quantizer.h"

#include "base/mem.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

const char *const number_format_names[] = {"int", "fp8_e4m3", "fp8_e5m2", "mxfp4", "nf4", NULL};
_Static_assert(sizeof number_format_names / sizeof *number_format_names == FORMAT_COUNT + 1, "a name for each format");
const char *const quantizer_per_names[] = {"tensor", "channel", "group", NULL};
_Static_assert(sizeof quantizer_per_names / sizeof *quantizer_per_names == QUANTIZER_PER_COUNT + 1, "a name for each");
const char *const clip_names[] = {"minmax", "mse", NULL};
_Static_assert(sizeof clip_names / sizeof *clip_names == CLIP_COUNT + 1, "a name for each clip");

#define CLIPS 29
#define CLIP_LOWEST 0.3
#define MX_GROUP 32
#define GROUP_MAX 65536
#define NORMAL_SAMPLES 4096
#define EXACT_DB 999.0

const struct quantizer quantizer_default = {.format = FORMAT_INT, .per = QUANTIZER_CHANNEL, .clip = CLIP_MINMAX};

/* Codes of a table format, not negative and ascending; NF4 is not symmetric and has both sides. */
static const double e2m1[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
static const double nf4[] = {-1,
                             -0.6961928009986877,
                             -0.5250730514526367,
                             -0.39491748809814453,
                             -0.28444138169288635,
                             -0.18477343022823334,
                             -0.09105003625154495,
                             0,
                             0.07958029955625534,
                             0.16093020141124725,
                             0.24611230194568634,
                             0.33791524171829224,
                             0.44070982933044434,
                             0.5626170039176941,
                             0.7229568362236023,
                             1};

int number_format_bits(enum number_format format)
{
    static const int bits[] = {0, 8, 8, 4, 4};
    _Static_assert(sizeof bits / sizeof *bits == FORMAT_COUNT, "bits of each format");
    return bits[format];
}

int quantizer_check(const struct quantizer *q, int bits, struct err *err)
{
    int own = number_format_bits(q->format);
    if (bits < 1 || bits > 32 || (own > 0 && bits != own)) {
        return err_set(err, ERR_DATA, "%s has %s%d bits, not %d", number_format_names[q->format],
                       own > 0 ? "" : "1 to ", own > 0 ? own : 32, bits);
    }
    if (q->per == QUANTIZER_GROUP && (q->group < 1 || q->group > GROUP_MAX)) {
        return err_set(err, ERR_DATA, "a group has 1 to %d numbers, not %d", GROUP_MAX, q->group);
    }
    if (q->format == FORMAT_MXFP4 && (q->per != QUANTIZER_GROUP || q->group != MX_GROUP)) {
        return err_set(err, ERR_DATA, "mxfp4 has a scale for each group of %d", MX_GROUP);
    }
    return 0;
}

/* Numbers that share a scale, of the channels laid one after the other. */
static int64_t run_length(const struct quantizer *q, int64_t channels, int64_t per_channel)
{
    return q->per == QUANTIZER_TENSOR  ? channels * per_channel
           : q->per == QUANTIZER_GROUP ? (q->group < per_channel ? q->group : per_channel)
                                       : per_channel;
}

int64_t quantizer_scales(const struct quantizer *q, int64_t channels, int64_t per_channel)
{
    if (channels < 1 || per_channel < 1) {
        return 0;
    }
    int64_t run = run_length(q, channels, per_channel);
    return q->per == QUANTIZER_TENSOR ? 1 : channels * ((per_channel + run - 1) / run);
}

int64_t quantizer_scale_bits(const struct quantizer *q, int64_t channels, int64_t per_channel)
{
    return quantizer_scales(q, channels, per_channel) * (q->scale_bits + q->zero_bits);
}

double signal_power(const float *value, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        sum += (double)value[i] * (double)value[i];
    }
    return sum;
}

static double largest(const float *v, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) {
        double a = fabs((double)v[i]);
        most = a > most ? a : most;
    }
    return most;
}

/* To the nearest whole number, half to even, for |x| < 2^51: adding and taking away 1.5 * 2^52 leaves no room for a fraction. */
static double nearest(double x)
{
    const double big = 6755399441055744.0;
    return (x + big) - big;
}

static double clamp(double x, double most)
{
    return x > most ? most : x < -most ? -most : x;
}

static double noise_int(const float *v, int64_t n, double clip, int bits)
{
    double steps = bits > 1 ? ldexp(1, bits - 1) - 1 : 1, scale = clip / steps, sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double x = (double)v[i];
        double q = bits > 1 ? clamp(nearest(clamp(x / scale, 2 * steps)), steps) : x < 0 ? -1.0 : 1.0;
        double e = x - q * scale;
        sum += e * e;
    }
    return sum;
}

/* Floating point with `fraction` stored bits, numbers below 2^lowest without a leading one. */
static double noise_float(const float *v, int64_t n, double clip, int fraction, int lowest, double most)
{
    double scale = clip / most, sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double x = clamp((double)v[i] / scale, most);
        int exponent = 0;
        frexp(x, &exponent);
        exponent = exponent - 1 < lowest ? lowest : exponent - 1;
        double step = ldexp(1, exponent - fraction);
        double e = (double)v[i] - clamp(nearest(x / step) * step, most) * scale;
        sum += e * e;
    }
    return sum;
}

/* The nearest of ascending codes; of two as near, the one with the even index. */
static double nearest_code(const double *code, int n, double x)
{
    int i = 0;
    while (i + 1 < n && code[i + 1] <= x) {
        i++;
    }
    if (i + 1 < n) {
        double below = x - code[i], above = code[i + 1] - x;
        i += above < below || (above == below && i % 2 == 1);
    }
    return code[i];
}

static double noise_codes(const float *v, int64_t n, double scale, const double *code, int codes, bool two_sided)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double x = (double)v[i] / scale;
        double q = two_sided ? nearest_code(code, codes, x) : copysign(nearest_code(code, codes, fabs(x)), x);
        double e = (double)v[i] - q * scale;
        sum += e * e;
    }
    return sum;
}

static double noise_at(enum number_format format, int bits, const float *v, int64_t n, double clip)
{
    switch (format) {
    case FORMAT_INT:
        return noise_int(v, n, clip, bits);
    case FORMAT_FP8_E4M3:
        return noise_float(v, n, clip, 3, -6, 448);
    case FORMAT_FP8_E5M2:
        return noise_float(v, n, clip, 2, -14, 57344);
    case FORMAT_MXFP4: { /* the scale is a power of two: the largest number's exponent less that of 4, E2M1's last power */
        int exponent;
        frexp(clip, &exponent);
        return noise_codes(v, n, ldexp(1, exponent - 1 - 2), e2m1, sizeof e2m1 / sizeof *e2m1, false);
    }
    case FORMAT_NF4:
        return noise_codes(v, n, clip, nf4, sizeof nf4 / sizeof *nf4, true);
    case FORMAT_COUNT:
        break;
    }
    assert(!"a format");
    return 0;
}

static double run_noise(const struct quantizer *q, int bits, const float *v, int64_t n)
{
    double most = largest(v, n);
    if (most <= 0) {
        return 0;
    }
    double least = noise_at(q->format, bits, v, n, most);
    for (int k = 0; q->clip == CLIP_MSE && q->format != FORMAT_MXFP4 && k < CLIPS - 1; k++) {
        double ratio = CLIP_LOWEST + (1 - CLIP_LOWEST) * k / (CLIPS - 1);
        double noise = noise_at(q->format, bits, v, n, most * ratio);
        least = noise < least ? noise : least;
    }
    return least;
}

double quantizer_noise(const struct quantizer *q, int bits, const float *value, int64_t channels, int64_t per_channel)
{
    double sum = 0;
    if (q->per == QUANTIZER_TENSOR) {
        return run_noise(q, bits, value, channels * per_channel);
    }
    int64_t run = run_length(q, channels, per_channel);
    for (int64_t c = 0; c < channels; c++) {
        for (int64_t at = 0; at < per_channel; at += run) {
            int64_t left = per_channel - at;
            sum += run_noise(q, bits, value + c * per_channel + at, left < run ? left : run);
        }
    }
    return sum;
}

double quantizer_normal(enum number_format format, int bits)
{
    struct quantizer q = {.format = format, .per = QUANTIZER_TENSOR, .clip = CLIP_MSE};
    float *v = mem_calloc(NORMAL_SAMPLES, sizeof *v);
    for (int i = 0; i < NORMAL_SAMPLES; i++) {
        v[i] = (float)gsl_cdf_ugaussian_Pinv((i + 0.5) / NORMAL_SAMPLES);
    }
    double ratio = quantizer_noise(&q, bits, v, 1, NORMAL_SAMPLES) / signal_power(v, NORMAL_SAMPLES);
    mem_free(v);
    return ratio;
}

double sqnr_db(double noise_ratio)
{
    return noise_ratio > 0 ? -10 * log10(noise_ratio) : EXACT_DB;
}
