/* libFuzzer: what an external evaluator says, as its first line and as an answer. */
#include "base/mem.h"
#include "experiments/external_answer.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf line = STRBUF_INIT, why = STRBUF_INIT;
    struct external_hello hello;
    double metric[METRIC_COUNT];
    strbuf_add(&line, data, size);
    int bad = external_read_hello(&line, &hello, &why);
    assert((bad == 0) == (why.len == 0));
    external_hello_release(&hello);
    strbuf_reset(&why);
    struct external_hello expects = {.metric = {[METRIC_ENERGY] = true, [METRIC_ACCURACY] = true}};
    enum external_outcome o = external_read_answer(&line, &expects, "ab", metric, &why);
    if (o == EXTERNAL_OK) {
        assert(isfinite(metric[METRIC_ENERGY]) && metric[METRIC_ENERGY] >= 0 && metric[METRIC_ACCURACY] <= 100);
    } else {
        assert(o == EXTERNAL_BAD_ANSWER || o == EXTERNAL_INFEASIBLE || o == EXTERNAL_REPORTED);
    }
    strbuf_release(&line);
    strbuf_release(&why);
    return 0;
}
