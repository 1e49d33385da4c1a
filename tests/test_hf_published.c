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
    ck_assert_int_ge(models, 91);
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

int main(void)
{
    Suite *suite = suite_create("hf_published");
    TCase *tc = tcase_create("hf_published");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, every_parameter_is_there);
    tcase_add_test(tc, encoder_and_decoder);
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_FORK_GETENV);
}
