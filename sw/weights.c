/* Weights of a model file: the file is read once more, with the numbers. */
#include "sw/weights.h"

#include "base/diag.h"
#include "base/file.h"
#include "base/mem.h"
#include "sw/import.h"

#include <stdio.h>
#include <string.h>

#define MAX_FILE ((size_t)1 << 31)

static const struct mark nowhere = {NULL, 0, 0, 0};

void weights_free(struct weights *w)
{
    if (w == NULL) {
        return;
    }
    for (int i = 0; i < w->n_ops; i++) {
        mem_free(w->of[i].value);
    }
    mem_free(w->of);
    mem_free(w);
}

/* of[] as long as the network; operators with weights of which nothing is known say so. */
static void complete(struct weights *w, const struct network *net)
{
    w->of = mem_realloc(w->of, (size_t)net->n_ops + 1, sizeof *w->of);
    for (int i = w->n_ops; i < net->n_ops; i++) {
        w->of[i] = (struct weight_tensor){0};
    }
    w->n_ops = net->n_ops;
    for (int i = 0; i < net->n_ops; i++) {
        const struct op *op = &net->op[i];
        struct weight_tensor *t = &w->of[i];
        if (op->kind == OP_TENSOR && op->weights_input < 0 && t->value == NULL && t->why[0] == '\0') {
            snprintf(t->why, sizeof t->why, "the reader does not follow them");
        }
    }
}

struct weights *weights_load(const char *model, const struct network *net, const struct network_arg *args, int n_args,
                             int64_t batch, struct diags *d)
{
    size_t len = 0, n = strlen(model), end = strlen(".onnx");
    struct err err = ERR_INIT;
    if (n <= end || strcmp(model + n - end, ".onnx") != 0) {
        diags_error(d, nowhere, "an ONNX file may hold them", "'%s' holds no weights", model);
        return NULL;
    }
    char *data = file_read(model, MAX_FILE, &len, &err);
    if (data == NULL) {
        diags_error(d, nowhere, NULL, "%s", err.text);
        return NULL;
    }
    struct weights *w = mem_alloc(sizeof *w);
    struct diags again = DIAGS_INIT; /* what it says of the network has been said when that was read */
    struct network *same = import_onnx_weights(model, data, len, args, n_args, batch, w, &again);
    bool equal = same != NULL && same->n_ops == net->n_ops;
    mem_free(data);
    diags_release(&again);
    network_free(same);
    if (!equal) {
        diags_error(d, nowhere, NULL, "'%s' has changed since its network was read", model);
        weights_free(w);
        return NULL;
    }
    complete(w, net);
    return w;
}
