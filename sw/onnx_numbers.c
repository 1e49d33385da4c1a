/* Numbers of a tensor as protobuf has them: lists by type, little-endian bytes, or a place in another file. */
#include "sw/onnx_numbers.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_NUMBERS ((int64_t)1 << 30) /* elements of one tensor */

int reason_set(struct reason *why, const char *what, const char *name)
{
    snprintf(why->text, why->size, "%s '%.40s'", what, name);
    return -1;
}

int floats_shape(struct floats *f, const int64_t *dim, int rank, const char *name, struct reason *why)
{
    f->elements = 1;
    f->rank = rank;
    for (int i = 0; i < rank; i++) {
        f->dim[i] = dim[i];
        if (dim[i] < 0 || __builtin_mul_overflow(f->elements, dim[i], &f->elements) || f->elements > MAX_NUMBERS) {
            return reason_set(why, "there are more than 2^30 numbers in", name);
        }
    }
    return 0;
}

void floats_alloc(struct floats *f)
{
    f->value = mem_calloc((size_t)f->elements + 1, sizeof *f->value);
}

static float from_half(unsigned h)
{
    unsigned exponent = h >> 10 & 31, fraction = h & 1023;
    float sign = h & 0x8000 ? -1.0F : 1.0F;
    if (exponent == 31) {
        return fraction ? NAN : sign * INFINITY;
    }
    return sign * (exponent ? ldexpf((float)(1024 + fraction), (int)exponent - 25) : ldexpf((float)fraction, -24));
}

/* Micikevicius et al., "FP8 formats for deep learning", 2022: E4M3 has no infinity, E5M2 is a cut half. */
static float from_fp8(unsigned byte, int type)
{
    if (type == TYPE_E5M2) {
        return from_half(byte << 8);
    }
    unsigned exponent = byte >> 3 & 15, fraction = byte & 7;
    float sign = byte & 0x80 ? -1.0F : 1.0F;
    if (exponent == 15 && fraction == 7) {
        return NAN;
    }
    return sign * (exponent ? ldexpf((float)(8 + fraction), (int)exponent - 10) : ldexpf((float)fraction, -9));
}

static float from_bfloat(unsigned bits)
{
    const uint32_t wide = (uint32_t)bits << 16;
    float f;
    memcpy(&f, &wide, sizeof f);
    return f;
}

int floats_bits(int type)
{
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT32:
        return 32;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
    case ONNX__TENSOR_PROTO__DATA_TYPE__UINT64:
        return 64;
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
    case TYPE_UINT16:
    case TYPE_INT16:
        return 16;
    case TYPE_UINT8:
    case TYPE_INT8:
    case ONNX__TENSOR_PROTO__DATA_TYPE__BOOL:
    case TYPE_E4M3:
    case TYPE_E5M2:
        return 8;
    case TYPE_UINT4:
    case TYPE_INT4:
        return 4;
    default:
        return 0;
    }
}

/* The number that `bits` (of the element, zero-extended) stand for. */
static float decode(uint64_t bits, int type)
{
    const uint32_t low = (uint32_t)bits;
    float f;
    double d;
    switch (type) {
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
        memcpy(&f, &low, sizeof f);
        return f;
    case ONNX__TENSOR_PROTO__DATA_TYPE__DOUBLE:
        memcpy(&d, &bits, sizeof d);
        return (float)d;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
        return (float)(int64_t)bits;
    case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
        return (float)(int32_t)low;
    case TYPE_INT16:
        return (float)(int16_t)low;
    case TYPE_INT8:
        return (float)(int8_t)low;
    case TYPE_INT4:
        return (float)(low & 8 ? (int)low - 16 : (int)low);
    case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
        return from_half(low);
    case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
        return from_bfloat(low);
    case TYPE_E4M3:
    case TYPE_E5M2:
        return from_fp8(low, type);
    default:
        return (float)bits;
    }
}

/* Little-endian bytes, two elements of 4 bits in one, the first one low. */
static int read_raw(const unsigned char *data, size_t len, struct floats *f, const char *name, struct reason *why)
{
    int width = floats_bits(f->type);
    if (width == 0) {
        return reason_set(why, "numbers of its type are not followed:", name);
    }
    if (len < ((size_t)f->elements * (size_t)width + 7) / 8) {
        return reason_set(why, "the file does not hold the numbers of", name);
    }
    floats_alloc(f);
    for (int64_t i = 0; i < f->elements; i++) {
        uint64_t bits = 0;
        if (width == 4) {
            bits = data[i / 2] >> (i % 2 ? 4 : 0) & 15U;
        } else {
            memcpy(&bits, data + i * (width / 8), (size_t)width / 8);
        }
        f->value[i] = decode(bits, f->type);
    }
    return 0;
}

static const char *external_value(const Onnx__TensorProto *t, const char *key)
{
    for (size_t i = 0; i < t->n_external_data; i++) {
        const Onnx__StringStringEntryProto *e = t->external_data[i];
        if (e->key && e->value && strcmp(e->key, key) == 0) {
            return e->value;
        }
    }
    return NULL;
}

/* len bytes of a file from offset on; NULL when it does not have them. Caller frees. */
static unsigned char *read_part(const char *path, off_t offset, size_t len)
{
    struct stat st;
    FILE *file = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
    unsigned char *data = NULL;
    if (file == NULL) {
        return NULL;
    }
    if (offset >= 0 && offset <= st.st_size && len <= (size_t)(st.st_size - offset)) {
        data = mem_alloc(len + 1);
        if (fseeko(file, offset, SEEK_SET) != 0 || fread(data, 1, len, file) != len) {
            mem_free(data);
            data = NULL;
        }
    }
    fclose(file);
    return data;
}

/* A file beside the model. Its place may not lead out of the model's folder. */
static int read_external(const Onnx__TensorProto *t, const char *file_name, struct floats *f, const char *name,
                         struct reason *why)
{
    const char *location = external_value(t, "location"), *text = external_value(t, "offset");
    if (location == NULL || location[0] == '/' || strstr(location, "..") != NULL) {
        return reason_set(why, "its external data is not beside the model:", location ? location : name);
    }
    const char *slash = strrchr(file_name, '/');
    struct strbuf path = STRBUF_INIT;
    strbuf_add(&path, file_name, slash ? (size_t)(slash - file_name) + 1 : 0);
    strbuf_adds(&path, location);
    off_t offset = text ? (off_t)strtoll(text, NULL, 10) : 0;
    size_t len = ((size_t)f->elements * (size_t)floats_bits(f->type) + 7) / 8;
    unsigned char *data = read_part(strbuf_str(&path), offset, len);
    int rc =
        data == NULL ? reason_set(why, "external data cannot be read:", location) : read_raw(data, len, f, name, why);
    mem_free(data);
    strbuf_release(&path);
    return rc;
}

/* How many numbers the typed lists hold; those of 4 bits are two in one. */
static int64_t count_listed(const Onnx__TensorProto *t, int type)
{
    size_t n = t->n_float_data    ? t->n_float_data
               : t->n_int32_data  ? t->n_int32_data * (floats_bits(type) == 4 ? 2 : 1)
               : t->n_int64_data  ? t->n_int64_data
               : t->n_double_data ? t->n_double_data
                                  : t->n_uint64_data;
    return (int64_t)n;
}

static float listed(const Onnx__TensorProto *t, int64_t i, int type)
{
    bool halves = floats_bits(type) == 16 && type != TYPE_INT16 && type != TYPE_UINT16;
    if (t->n_float_data) {
        return t->float_data[i];
    }
    if (t->n_int32_data && floats_bits(type) == 4) {
        return decode((uint32_t)t->int32_data[i / 2] >> (i % 2 ? 4 : 0) & 15U, type);
    }
    if (t->n_int32_data && (halves || type == TYPE_E4M3 || type == TYPE_E5M2)) {
        return decode((uint32_t)t->int32_data[i], type);
    }
    return t->n_int32_data    ? (float)t->int32_data[i]
           : t->n_int64_data  ? (float)t->int64_data[i]
           : t->n_double_data ? (float)t->double_data[i]
                              : (float)t->uint64_data[i];
}

int floats_read(const Onnx__TensorProto *t, const char *file, struct floats *f, const char *name, struct reason *why)
{
    f->type = t->data_type;
    if (t->n_dims > ONNX_RANK || floats_shape(f, t->dims, (int)t->n_dims, name, why)) {
        return t->n_dims > ONNX_RANK ? reason_set(why, "there are too many dimensions in", name) : -1;
    }
    if (t->has_data_location && t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) {
        return read_external(t, file, f, name, why);
    }
    if (t->has_raw_data) {
        return read_raw(t->raw_data.data, t->raw_data.len, f, name, why);
    }
    if (count_listed(t, f->type) < f->elements) {
        return reason_set(why, "the file does not hold the numbers of", name);
    }
    floats_alloc(f);
    for (int64_t i = 0; i < f->elements; i++) {
        f->value[i] = listed(t, i, f->type);
    }
    return 0;
}
