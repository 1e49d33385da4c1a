/* How numbers are stored in few bits, and what that costs in noise.
 *
 * A quantizer turns a run of numbers (a tensor, a channel of it, or a group within a channel) into codes of `bits` bits and one scale. Noise
 * is the sum of squared differences; SQNR = 10 log10(signal / noise) in dB, over a whole tensor. */
#ifndef SW_QUANTIZER_H
#define SW_QUANTIZER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum number_format {
    FORMAT_INT, /* 2^(bits-1) - 1 steps to either side of 0, as many as the bits say; 1 bit: plus or minus the scale */
    FORMAT_FP8_E4M3, /* Micikevicius et al., "FP8 formats for deep learning", 2022: largest 448 */
    FORMAT_FP8_E5M2, /* the same: largest 57,344 */
    FORMAT_MXFP4,    /* OCP Microscaling Formats (MX) 1.0, 2023: E2M1, a power of two for each 32 numbers */
    FORMAT_NF4,      /* Dettmers et al., QLoRA, 2023: quantiles of the normal distribution */
    FORMAT_COUNT
};
extern const char *const number_format_names[]; /* "int", "fp8_e4m3", ..., NULL */

enum quantizer_per { QUANTIZER_TENSOR, QUANTIZER_CHANNEL, QUANTIZER_GROUP, QUANTIZER_PER_COUNT };
extern const char *const quantizer_per_names[]; /* "tensor", "channel", "group", NULL */

/* Where the largest code lies: at the largest number, or where the noise is least among 29 places from 0.3 to 1 of that. */
enum clip { CLIP_MINMAX, CLIP_MSE, CLIP_COUNT };
extern const char *const clip_names[]; /* "minmax", "mse", NULL */

struct quantizer {
    enum number_format format;
    enum quantizer_per per;
    int group; /* numbers that share a scale, along what an output sums; with QUANTIZER_GROUP */
    enum clip clip;
    int scale_bits, zero_bits; /* stored with each scale; 0 and 0: folded into what comes after, and not counted */
};

/* Per channel, nothing stored: scales ride on the requantization of the result, which the 32 bits of a bias stand for. */
extern const struct quantizer quantizer_default;

int number_format_bits(enum number_format format); /* of a code; 0: as many as one says (FORMAT_INT) */
/* ERR_DATA when a group is not 1..65536, bits do not fit the format (integers: 1..32), or mxfp4 has another group than 32. */
int quantizer_check(const struct quantizer *q, int bits, struct err *err);
/* Scales of a tensor, and their bits with the zero points'. */
int64_t quantizer_scales(const struct quantizer *q, int64_t channels, int64_t per_channel);
int64_t quantizer_scale_bits(const struct quantizer *q, int64_t channels, int64_t per_channel);
/* Noise of value[channels][per_channel]. O(numbers), times 29 for CLIP_MSE. */
double quantizer_noise(const struct quantizer *q, int bits, const float *value, int64_t channels, int64_t per_channel);
double signal_power(const float *value, int64_t n); /* sum of squares */
/* Noise over signal of normally distributed numbers with the best clip: what an activation is taken for. `bits` 1..32. */
double quantizer_normal(enum number_format format, int bits);

/* 10 log10(1 / noise_ratio); 999 for no noise, as tables have it. */
double sqnr_db(double noise_ratio);

#endif
