/* SQNR of each operator's weights at 2 to 8 bits: one scale a tensor, one a channel, one a channel with the best clip. */
#include "cli/sqnr.h"

#include "base/strbuf.h"
#include "cli/table.h"
#include "sw/quantizer.h"

#include <stdio.h>

enum { LOWEST = 2, HIGHEST = 8, WIDTHS = HIGHEST - LOWEST + 1, WAYS = 3 };

static const struct {
    const char *name, *key;
    struct quantizer q;
} ways[WAYS] = {
    {"tensor", "tensor_db", {.per = QUANTIZER_TENSOR}},
    {"channel", "channel_db", {.per = QUANTIZER_CHANNEL}},
    {"channel, best clip", "channel_clip_db", {.per = QUANTIZER_CHANNEL, .clip = CLIP_MSE}},
};

static double level(const struct weight_tensor *t, int way, int bits)
{
    double noise = quantizer_noise(&ways[way].q, bits, t->value, t->channels, t->per_channel);
    return sqnr_db(noise / signal_power(t->value, t->channels * t->per_channel));
}

static void print_rows(struct table *t, const struct op *op, const struct weight_tensor *w)
{
    char text[64];
    for (int way = 0; way < WAYS; way++) {
        table_cell(t, way == 0 ? op->name : "");
        table_cell(t, ways[way].name);
        for (int bits = LOWEST; bits <= HIGHEST; bits++) {
            snprintf(text, sizeof text, "%.2f", level(w, way, bits));
            table_cell(t, text);
        }
    }
}

void sqnr_print(const struct cli *cli, const struct network *net, const struct weights *w)
{
    struct table t;
    table_init(&t);
    table_column(&t, "operator", TABLE_LEFT);
    table_column(&t, "scale for each", TABLE_LEFT);
    for (int bits = LOWEST; bits <= HIGHEST; bits++) {
        char text[16];
        snprintf(text, sizeof text, "%d bits", bits);
        table_column(&t, text, TABLE_RIGHT);
    }
    for (int i = 0; i < w->n_ops; i++) {
        if (w->of[i].value != NULL) {
            print_rows(&t, &net->op[i], &w->of[i]);
        }
    }
    struct strbuf out = STRBUF_INIT;
    table_print(&t, 2 + WIDTHS, cli->color_out, &out);
    strbuf_adds(&out, "SQNR of the weights in dB; 999: no noise\n");
    for (int i = 0; i < w->n_ops; i++) {
        if (w->of[i].why[0] != '\0') {
            strbuf_addf(&out, "%s: no weights: %s\n", net->op[i].name, w->of[i].why);
        }
    }
    fwrite(strbuf_str(&out), 1, out.len, stdout);
    strbuf_release(&out);
    table_release(&t);
}

static json_t *operator_json(const struct op *op, const struct weight_tensor *w)
{
    json_t *row = json_pack("{s:s, s:I, s:I}", "operator", op->name, "channels", (json_int_t)w->channels, "weights",
                            (json_int_t)(w->channels * w->per_channel));
    if (w->value == NULL) {
        json_object_set_new(row, "why", json_string(w->why));
        return row;
    }
    for (int way = 0; way < WAYS; way++) {
        json_t *list = json_array();
        for (int bits = LOWEST; bits <= HIGHEST; bits++) {
            json_array_append_new(list, json_real(level(w, way, bits)));
        }
        json_object_set_new(row, ways[way].key, list);
    }
    return row;
}

json_t *sqnr_json(const struct network *net, const struct weights *w)
{
    json_t *list = json_array();
    for (int i = 0; i < w->n_ops; i++) {
        if (w->of[i].value != NULL || w->of[i].why[0] != '\0') {
            json_array_append_new(list, operator_json(&net->op[i], &w->of[i]));
        }
    }
    return list;
}
