/* A small CNN with weights, written by ourselves: tests/fixtures/mixed/cnn.onnx. */
#ifndef TESTS_ONNX_FIXTURE_H
#define TESTS_ONNX_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

/* The file's bytes, the same at each call; caller frees with mem_free(). 3 x 16 x 16 input, two residual blocks, 10 classes. */
uint8_t *onnx_fixture(size_t *len);

#endif
