/* Sound through convolutions on its samples, then an encoder (A. Baevski et al., arXiv:2006.11477), as transformers has wav2vec 2.0, HuBERT and WavLM. */
#include "sw/hf_maker.h"

int64_t hf_sound_frames(const struct hf_config *c, int64_t samples)
{
    for (int i = 0; i < c->sound_layers && samples > 0; i++) {
        samples = samples < c->sound_kernel[i] ? 0 : (samples - c->sound_kernel[i]) / c->sound_stride[i] + 1;
    }
    return samples;
}

static int convolve(struct hf_maker *m, const char *part, int in, const struct conv_spec *spec)
{
    char name[NETWORK_NAME];
    return in < 0 ? -1 : build_conv(m->net, hf_named(m, part, name), in, spec, &m->err);
}

int hf_sound_input(struct hf_maker *m)
{
    static const char *const conv[] = {"conv0", "conv1", "conv2", "conv3", "conv4", "conv5", "conv6", "conv7"};
    static const char *const norm[] = {"norm0", "norm1", "norm2", "norm3", "norm4", "norm5", "norm6", "norm7"};
    static const char *const act[] = {"act0", "act1", "act2", "act3", "act4", "act5", "act6", "act7"};
    const struct hf_config *c = m->c;
    hf_open_block(m, "embeddings");
    int x = build_input(m->net, 1, m->samples, 1, &m->err);
    for (int i = 0; i < c->sound_layers; i++) {
        struct conv_spec spec = conv_spec_default;
        spec.k = c->sound_dim[i];
        spec.kernel[0] = c->sound_kernel[i];
        spec.stride[0] = c->sound_stride[i];
        spec.bias = c->sound_bias;
        x = convolve(m, conv[i], x, &spec);
        bool normed = i == 0 || c->sound_norms;
        x = normed ? hf_unary(m, norm[i], VECTOR_NORM, x, LAYER_OPS, 2 * c->sound_dim[i]) : x;
        x = hf_unary(m, act[i], VECTOR_ACTIVATION, x, GELU_OPS, 0);
    }
    x = c->sound_plain ? x : hf_norm(m, "feature_norm", x);
    x = hf_linear(m, "project", x, c->hidden, true);
    /* A convolution says where a token stands; its weights are stored as direction and length, a length for each tap. */
    struct conv_spec spec = conv_spec_default;
    spec.k = c->hidden;
    spec.groups = c->place_groups;
    spec.kernel[0] = c->place_kernel;
    spec.pad[0] = c->place_kernel / 2;
    spec.pad[2] = (c->place_kernel - 1) / 2;
    int place = convolve(m, "place", x, &spec);
    int64_t masked = c->sound_masked ? c->hidden : 0;
    place = hf_unary(m, "place_activation", VECTOR_ACTIVATION, place, GELU_OPS, c->place_kernel + masked);
    m->relative = c->relative;
    return hf_norm(m, "norm", hf_two(m, "add", VECTOR_ADD, x, place));
}

int hf_sound_head(struct hf_maker *m, int x)
{
    const struct hf_config *c = m->c;
    if (c->sound_head == HF_SOUND_LETTERS) {
        return hf_linear(m, "head", x, c->vocab, true);
    }
    if (c->sound_head == HF_SOUND_CLASSES) {
        x = hf_linear(m, "project", x, c->embedding ? c->embedding : 256, true);
        return hf_linear(m, "head", hf_view(m, "mean", x, m->net->act[x < 0 ? 0 : x].channels, 1), c->labels, true);
    }
    return x;
}
