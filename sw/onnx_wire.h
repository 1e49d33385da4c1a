/* Bytes of an ONNX file. Internal to its reader. */
#ifndef SW_ONNX_WIRE_H
#define SW_ONNX_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* False when messages lie deeper in one another than `left`, or the wire format is broken. */
bool onnx_depth_fits(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len, int left);

#endif
