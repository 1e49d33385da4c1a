/* Hugging Face configs of many families against the number of parameters that is published for each model, to the last one.
 *
 * tests/fixtures/hf_published.jsonl: the keys of each config that state its architecture, and the total that the model's page on the Hub (the
 * header of its safetensors file) or its paper gives, recalled and confirmed by this equality: a total of nine digits is not met by chance. */
#include "base/diag.h"
#include "base/strbuf.h"
#include "sw/import.h"
#include "tests/run_suite.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t parameters(const char *name, const char *config, const struct network_arg *args, int n)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    struct network *net = import_hf("config.json", config, strlen(config), args, n, 1, &d);
    diags_format(&d, false, &text);
    ck_assert_msg(net != NULL && d.n_warnings == 0, "%s: %.600s", name, strbuf_str(&text));
    struct network_totals t;
    network_totals(net, &t);
    network_free(net);
    strbuf_release(&text);
    diags_release(&d);
    return t.weights + t.biases;
}

START_TEST(every_parameter_is_there)
{
    FILE *f = fopen("tests/fixtures/hf_published.jsonl", "r");
    ck_assert_ptr_nonnull(f);
    char *line = NULL;
    size_t cap = 0;
    int models = 0;
    while (getline(&line, &cap, f) > 0) {
        json_t *row = json_loads(line, 0, NULL);
        ck_assert_ptr_nonnull(row);
        const char *name = json_string_value(json_object_get(row, "name"));
        char *config = json_dumps(json_object_get(row, "config"), JSON_COMPACT);
        int64_t have = parameters(name, config, NULL, 0);
        int64_t published = json_integer_value(json_object_get(row, "parameters"));
        ck_assert_msg(have == published, "%s: %lld parameters, published %lld", name, (long long)have,
                      (long long)published);
        models++;
        free(config);
        json_decref(row);
    }
    free(line);
    fclose(f);
    printf("%d models with all their parameters\n", models);
    ck_assert_int_ge(models, 102);
}
END_TEST

#define T5                                                                                                             \
    "{\"model_type\": \"t5\", \"is_encoder_decoder\": true, \"d_model\": 512, \"d_kv\": 64, \"d_ff\": 2048, "          \
    "\"num_layers\": 6, \"num_heads\": 8, \"vocab_size\": 32128, \"relative_attention_num_buckets\": 32}"

/* T5-small: MACs of a prefill and of a decode by hand. */
START_TEST(encoder_and_decoder)
{
    const struct network_arg prefill[] = {{"source", 100}, {"tokens", 7}},
                             decode[] = {{"source", 100}, {"tokens", 1}, {"context", 50}};
    const int64_t d = 512, square = d * d, mlp = 2 * d * 2048, head = d * 32128;
    struct diags diags = DIAGS_INIT;
    struct network_totals t;
    struct network *net = import_hf("c", T5, strlen(T5), prefill, 2, 1, &diags);
    ck_assert_ptr_nonnull(net);
    network_totals(net, &t);
    int64_t encoder = 6 * (100 * (4 * square + mlp) + 2 * 100 * 100 * d);
    int64_t decoder = 6 * (7 * (4 * square + 2 * square + mlp) + 100 * 2 * square + 2 * 7 * 7 * d + 2 * 7 * 100 * d);
    ck_assert_int_eq(t.macs, encoder + decoder + head);
    network_free(net);
    net = import_hf("c", T5, strlen(T5), decode, 3, 1, &diags);
    ck_assert_ptr_nonnull(net);
    network_totals(net, &t);
    ck_assert_int_eq(t.macs, 6 * (6 * square + mlp + 2 * 50 * d + 2 * 100 * d) + head);
    network_free(net);
    diags_release(&diags);
}
END_TEST

static int64_t macs_of(const char *json, const struct network_arg *args, int n)
{
    struct diags d = DIAGS_INIT;
    struct network *net = import_hf("config.json", json, strlen(json), args, n, 1, &d);
    struct network_totals t;
    ck_assert_ptr_nonnull(net);
    network_totals(net, &t);
    network_free(net);
    diags_release(&d);
    return t.macs;
}

/* A layer of an encoder as BERT's, on t tokens of width d, without what is special in it. */
static int64_t encoder_macs(int64_t t, int64_t d)
{
    return t * (4 * d * d + 2 * d * 4 * d) + 2 * t * t * d;
}

#define BASE                                                                                                           \
    "\"hidden_size\": 768, \"intermediate_size\": 3072, \"num_attention_heads\": 12, \"num_hidden_layers\": 12, "      \
    "\"hidden_act\": \"gelu\", "

START_TEST(sound)
{
    static const char json[] =
        "{\"model_type\": \"wav2vec2\", \"architectures\": [\"Wav2Vec2ForCTC\"], " BASE
        "\"conv_dim\": [512, 512, 512, 512, 512, 512, 512], \"conv_kernel\": [10, 3, 3, 3, 3, 2, "
        "2], \"conv_stride\": [5, 2, 2, 2, 2, 2, 2], \"vocab_size\": 32}";
    static const int64_t kernel[] = {10, 3, 3, 3, 3, 2, 2}, stride[] = {5, 2, 2, 2, 2, 2, 2};
    const struct network_arg args[] = {{"samples", 160000}};
    int64_t t = 160000, wide = 1, d = 768, macs = 0;
    for (int i = 0; i < 7; i++) {
        t = (t - kernel[i]) / stride[i] + 1;
        macs += t * 512 * wide * kernel[i];
        wide = 512;
    }
    ck_assert_int_eq(t, 499); /* ten seconds are 499 frames */
    macs += t * 512 * d + t * d * (d / 16) * 128 + 12 * encoder_macs(t, d) + t * d * 32;
    ck_assert_int_eq(macs_of(json, args, 1), macs);
}
END_TEST

START_TEST(attention_of_their_own)
{
    const int64_t d = 768, t = 1000, w = 512;
    const struct network_arg args[] = {{"tokens", 1000}};
    /* Longformer: a window of 512; one token sees all by matrices of its own; the pooler. */
    int64_t longformer = 12 * (encoder_macs(t, d) - 2 * t * (t - w) * d + (2 * t + 1) * d * d + 2 * t * d) + d * d;
    ck_assert_int_eq(macs_of("{\"model_type\": \"longformer\", " BASE
                             "\"attention_window\": [512], \"vocab_size\": 50265}",
                             args, 1),
                     longformer);
    /* XLNet: distances from -t to t have keys and scores, too. */
    ck_assert_int_eq(macs_of("{\"model_type\": \"xlnet\", \"d_model\": 768, \"d_inner\": 3072, \"n_layer\": 12, "
                             "\"n_head\": 12, \"vocab_size\": 32000}",
                             args, 1),
                     12 * (encoder_macs(t, d) + 2 * t * d * d + 2 * t * t * d));
}
END_TEST

/* A block that six layers share is run six times, with adapters of each layer's own. */
START_TEST(shared_blocks)
{
    static const char json[] =
        "{\"model_type\": \"zamba2\", \"hidden_size\": 2048, \"num_hidden_layers\": 38, \"mamba_d_state\": 128, "
        "\"mamba_d_conv\": 4, \"mamba_expand\": 2, \"mamba_ngroups\": 1, \"mamba_headdim\": 64, \"n_mamba_heads\": 64, "
        "\"num_attention_heads\": 32, \"num_key_value_heads\": 32, \"attention_head_dim\": 128, "
        "\"intermediate_size\": 8192, \"use_shared_attention_adapter\": true, \"adapter_rank\": 128, "
        "\"hybrid_layer_ids\": [5, 11, 17, 23, 29, 35], \"vocab_size\": 32000, \"hidden_act\": \"gelu\"}";
    const struct network_arg args[] = {{"tokens", 1}, {"context", 100}};
    const int64_t h = 2048, w = 4096, f = 8192, r = 128;
    int64_t recurrence = h * (2 * w + 2 * 128 + 64) + (w + 2 * 128) * 4 + w * h;
    int64_t block = 3 * w * w + w * h + 3 * h * f + 3 * 2 * w * r + h * r + r * 2 * f + h * h + 2 * 100 * w;
    ck_assert_int_eq(macs_of(json, args, 2), 38 * recurrence + 6 * block + h * 32000);
}
END_TEST

START_TEST(stages)
{
    static const int64_t depth[] = {2, 2, 6, 2}, deeper[] = {3, 3, 9, 3};
    int64_t swin = 0, convnext = 0, side = 56, d = 96;
    for (int i = 0; i < 4; i++, side /= 2, d *= 2) {
        int64_t places = side * side;
        /* each place attends to the 49 of its window */
        swin += depth[i] * (encoder_macs(places, d) - 2 * places * (places - 49) * d);
        convnext += deeper[i] * places * (49 * d + 8 * d * d);
        swin += i < 3 ? places / 4 * 4 * d * 2 * d : 0;
        convnext += i < 3 ? places / 4 * 4 * d * 2 * d : 0;
    }
    const int64_t ends = 56 * 56 * 48 * 96 + 768 * 1000;
    ck_assert_int_eq(macs_of("{\"model_type\": \"swin\", \"num_labels\": 1000}", NULL, 0), swin + ends);
    ck_assert_int_eq(macs_of("{\"model_type\": \"convnext\", \"num_labels\": 1000}", NULL, 0), convnext + ends);
    /* ResNets as they come with Dovetail. */
    static const char resnet50[] = "{\"model_type\": \"resnet\", \"num_labels\": 1000}",
                      resnet18[] = "{\"model_type\": \"resnet\", \"num_labels\": 1000, \"layer_type\": \"basic\", "
                                   "\"depths\": [2, 2, 2, 2], \"hidden_sizes\": [64, 128, 256, 512]}";
    ck_assert_int_eq(parameters("resnet-50", resnet50, NULL, 0), 25530472);
    ck_assert_int_eq(macs_of(resnet50, NULL, 0), 4089184256);
    ck_assert_int_eq(parameters("resnet-18", resnet18, NULL, 0), 11684712);
    ck_assert_int_eq(macs_of(resnet18, NULL, 0), 1814073344);
    /* Keys of Swin-2 have no bias; torchvision keeps 4,416 zeros for them: 28,351,570. */
    static const char swin2[] =
        "{\"model_type\": \"swinv2\", \"window_size\": 8, \"image_size\": 256, \"num_labels\": 1000}";
    ck_assert_int_eq(parameters("swinv2-tiny", swin2, NULL, 0), 28351570 - 4416);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hf_published");
    TCase *tc = tcase_create("hf_published");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, every_parameter_is_there);
    tcase_add_test(tc, encoder_and_decoder);
    tcase_add_test(tc, sound);
    tcase_add_test(tc, attention_of_their_own);
    tcase_add_test(tc, shared_blocks);
    tcase_add_test(tc, stages);
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_FORK_GETENV);
}
