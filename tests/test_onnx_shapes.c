/* Shapes that operators of ONNX make, by hand from their definitions: those beside the ones that networks are mostly made of. Each value is read once more
 * by an Identity, so that a shape is inferred and not taken from what the file states. */
#include "base/diag.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "sw/import.h"
#include "tests/onnx_text.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *what, *text, *value, *shape;
    int warnings;
} shapes[] = {
    {"a loss for each label", "in x 3,5,2\nin t 3,2\nNegativeLogLikelihoodLoss x,t > y reduction=\"none\"", "y", "3,2",
     0},
    {"logarithms beside the loss", "in x 3,5\nin t 3\nSoftmaxCrossEntropyLoss x,t > y,z", "z", "3,5", 0},
    {"an optimizer's moments", "in r 1\nin t 1\nin x 2,3\nin g 2,3\nin v 2,3\nMomentum r,t,x,g,v > a,b", "b", "2,3", 0},
    {"deviations of a layer norm", "in x 2,3,4\nw s 4\nLayerNormalization x,s > y,m,d axis=1", "d", "2,1,1", 0},
    {"a batch norm's running mean", "in x 2,3,4\nw s 3\nBatchNormalization x,s,s,s,s > y,m,v training_mode=1", "m", "3",
     0},
    {"a window", "i64 n 0 10\nHannWindow n > y", "y", "10", 0},
    {"half a spectrum", "opset 20\nin x 1,10,1\ni64 a 0 1\nDFT x,_,a > y onesided=1", "y", "1,6,2", 0},
    {"a whole one, of a stated length, before opset 20", "opset 17\nin x 1,10,1\ni64 n 0 16\nDFT x,n > y axis=1", "y",
     "1,16,2", 0},
    {"frames of a signal", "opset 17\nin x 1,128,1\ni64 s 0 8\ni64 n 0 16\nSTFT x,s,_,n > y", "y", "1,15,9,2", 0},
    {"mel weights", "i64 b 0 8\ni64 n 0 16\nMelWeightMatrix b,n,n,n,n > y", "y", "9,8", 0},
    {"cut and padded to a size", "opset 18\nin x 20,8,3\ni64 s 2 10,9\nCenterCropPad x,s > y axes=0,1", "y", "10,9,3",
     0},
    {"a grid", "in x 2,2,3\ni64 s 4 2,3,5,6\nAffineGrid x,s > y", "y", "2,5,6,2", 0},
    {"columns into an image", "opset 18\nin x 1,10,12\ni64 i 2 5,5\ni64 b 2 1,5\nCol2Im x,i,b > y", "y", "1,2,5,5", 0},
    {"unpooled", "in x 1,1,2,2\nin i 1,1,2,2\nMaxUnpool x,i > y kernel_shape=2,2 strides=2,2", "y", "1,1,4,4", 0},
    {"determinants", "in x 5,3,3\nDet x > y", "y", "5", 0},
    {"a size that keeps the ratio",
     "opset 18\nin x 1,1,2,4\ni64 s 2 7,8\nResize x,_,_,s > y "
     "keep_aspect_ratio_policy=\"not_larger\" axes=2,3",
     "y", "1,1,4,8", 0},
    {"scores of an attention", "opset 23\nin q 2,3,4,8\nin k 2,3,6,8\nin v 2,3,6,8\nAttention q,k,v > y,a,b,s", "s",
     "2,3,4,6", 0},
    {"what a condition keeps", "in x 3,2\ni64 c 3 0,1,1\nCompress x,c > y axis=0", "y", "2,2", 0},
    {"different slices", "in x 3,2\nUnique x > y,i axis=0", "i", "3", 1},
    {"columns of a table", "in x 3,9\ni64 c 2 0,4\nArrayFeatureExtractor x,c > y", "y", "3,2", 0},
    {"a classifier's scores", "in x 3,9\nLinearClassifier x > l,s classlabels_ints=1,2,3,4", "s", "3,4", 0},
    {"its labels", "in x 3,9\nTreeEnsembleClassifier x > l,s classlabels_int64s=1,2", "l", "3", 0},
    {"a regressor", "in x 3,9\nTreeEnsembleRegressor x > y n_targets=2", "y", "3,2", 0},
    {"counts of words", "in x 2,9\nTfIdfVectorizer x > y ngram_indexes=0,6,2", "y", "2,7", 0},
    {"not known: a named dimension is an input's", "in x batch,4\nFrobnicate x > y", "y", "1,4", 2},
};

START_TEST(shape_is_inferred)
{
    struct strbuf text = STRBUF_INIT, said = STRBUF_INIT;
    struct diags d = DIAGS_INIT;
    size_t len;
    strbuf_addf(&text, "%s\nIdentity %s > again\nout again %s", shapes[_i].text, shapes[_i].value, shapes[_i].shape);
    uint8_t *bytes = onnx_text(strbuf_str(&text), &len);
    struct network *net = import_onnx("t.onnx", bytes, len, NULL, 0, 1, false, NULL, &d);
    diags_format(&d, false, &said);
    ck_assert_msg(net != NULL && d.n_warnings == shapes[_i].warnings, "%s: %s", shapes[_i].what, strbuf_str(&said));
    network_free(net);
    mem_free(bytes);
    strbuf_release(&text);
    strbuf_release(&said);
    diags_release(&d);
}
END_TEST

/* The test can fail: a shape that is stated otherwise is a warning. */
START_TEST(wrong_shape_is_seen)
{
    struct diags d = DIAGS_INIT;
    size_t len;
    uint8_t *bytes = onnx_text("in x 5,3,3\nDet x > y\nIdentity y > z\nout z 4", &len);
    network_free(import_onnx("t.onnx", bytes, len, NULL, 0, 1, false, NULL, &d));
    ck_assert_int_eq(d.n_warnings, 1);
    mem_free(bytes);
    diags_release(&d);
}
END_TEST

/* The shape that a file states for what an operator not known makes, with the sizes of its inputs' names. */
START_TEST(named_dimensions_are_known)
{
    struct diags d = DIAGS_INIT;
    size_t len;
    const struct network_arg args[] = {{"tokens", 7}};
    uint8_t *bytes = onnx_text("in x tokens,4\nFrobnicate x > y\nout y tokens,9,2", &len);
    struct network *net = import_onnx("t.onnx", bytes, len, args, 1, 1, false, NULL, &d);
    ck_assert_ptr_nonnull(net);
    ck_assert_int_eq(net->act[net->n_acts - 1].elements, 7 * 9 * 2);
    network_free(net);
    mem_free(bytes);
    diags_release(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx_shapes");
    TCase *tc = tcase_create("onnx_shapes");
    int n = (int)(sizeof shapes / sizeof *shapes);
    tcase_add_loop_test(tc, shape_is_inferred, 0, n);
    tcase_add_test(tc, wrong_shape_is_seen);
    tcase_add_test(tc, named_dimensions_are_known);
    printf("%d shapes\n", n);
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_FORK_GETENV);
}
