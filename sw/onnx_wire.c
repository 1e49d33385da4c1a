/* The bytes of a protobuf before it is decoded: the decoder of protobuf-c recurses without limit, so hostile depth is found here. */
#include "sw/onnx_wire.h"

static bool read_varint(const uint8_t *data, size_t len, size_t *at, uint64_t *out)
{
    *out = 0;
    for (int shift = 0; shift < 64 && *at < len; shift += 7) {
        uint8_t byte = data[(*at)++];
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            return true;
        }
    }
    return false;
}

/* False when messages lie deeper in one another than `left`, or the wire format is broken. */
bool onnx_depth_fits(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t len, int left)
{
    size_t at = 0;
    uint64_t tag, value;
    while (at < len) {
        if (!read_varint(data, len, &at, &tag)) {
            return false;
        }
        size_t skip = 0;
        switch (tag & 7) {
        case 0:
            if (!read_varint(data, len, &at, &value)) {
                return false;
            }
            break;
        case 1:
            skip = 8;
            break;
        case 5:
            skip = 4;
            break;
        case 2: {
            if (!read_varint(data, len, &at, &value) || value > len - at) {
                return false;
            }
            skip = (size_t)value;
            const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
            if (f && f->type == PROTOBUF_C_TYPE_MESSAGE &&
                (left == 0 || !onnx_depth_fits(f->descriptor, data + at, skip, left - 1))) {
                return false;
            }
            break;
        }
        default:
            return false;
        }
        if (skip > len - at) {
            return false;
        }
        at += skip;
    }
    return true;
}
