/* SCALE-Sim topologies as people have them: each oddity of the format, made by us. */
#include "base/diag.h"
#include "base/strbuf.h"
#include "sw/import.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define HEADER                                                                                                         \
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, "                                   \
    "Num Filter, Strides,\n"
#define CONV1 ((int64_t)64 * 3 * 49 * 110 * 110) /* ceil((224 - 7 + 2) / 2) = 110 */

static const struct {
    const char *what, *text;
    int layers, warnings;
    int64_t macs;
} good[] = {
    {"a column misnamed",
     "Layer, IFMAP Width, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
     "Strides,\nc1,480,48,3,3,1,16,1,\n",
     1, 1, (int64_t)16 * 9 * 478 * 46},
    {"plain", HEADER "c1, 224, 224, 7, 7, 3, 64, 2,\n", 1, 0, CONV1},
    {"no trailing comma, no final newline", HEADER "c1,224,224,7,7,3,64,2", 1, 0, CONV1},
    {"CRLF, blank and empty rows",
     "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num "
     "Filter,Strides\r\n,,,,,,,\r\n\r\n"
     "c1,224,224,7,7,3,64,2\r\n",
     1, 0, CONV1},
    {"tabs",
     "Layer name\t IFMAP Height\tIFMAP Width\tFilter Height\tFilter "
     "Width\tChannels\tNum Filter\tStrides\t\n"
     "c1\t224\t224\t7\t7\t3\t64\t2\t\n",
     1, 0, CONV1},
    {"byte-order mark, small letters, batch",
     "\xEF\xBB\xBFLayer name,Ifmap height,ifmap width,filter height,filter "
     "width,channels,num filters,"
     "strides,batch size,\nc1,224,224,7,7,3,64,2,1,\n",
     1, 0, CONV1},
    {"a batch of its own",
     "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num "
     "Filter,Strides,Batch Size\n"
     "c1,224,224,7,7,3,64,2,8\nc2,224,224,7,7,3,64,2,8\n",
     2, 1, 2 * CONV1},
    {"title row", HEADER "Transformer,\nc1,224,224,7,7,3,64,2,\n", 1, 1, CONV1},
    {"symbols instead of numbers", HEADER "embed,B,H,1,1,64,64,1,\nc1,224,224,7,7,3,64,2,\n", 1, 1, CONV1},
    {"the same name twice", HEADER "c1,224,224,7,7,3,64,2,\nc1,224,224,7,7,3,64,2,\n", 2, 0, 2 * CONV1},
    {"columns in another order",
     "Layer,Num Filter,Channels,Strides,IFMAP Height,IFMAP Width,Filter Height,Filter "
     "Width\nc1,64,3,2,224,224,7,7\n",
     1, 0, CONV1},
    {"products", "Layer,M,N,K,\nfc,256,1000,768,\n", 1, 0, 256LL * 1000 * 768},
    {"semicolons",
     "Layer name; IFMAP Height; IFMAP Width; Filter Height; Filter Width; Channels; Num Filter; Strides;\n"
     "c1; 224; 224; 7; 7; 3; 64; 2;\n",
     1, 0, CONV1},
    {"quotes around names with commas, decimal points", HEADER "\"c1, first\",\"224\",224.0,7,7,3,64,2.00,\n", 1, 0,
     CONV1},
    {"no header", "c1,224,224,7,7,3,64,2,\nc2,224,224,7,7,3,64,2,\n", 2, 1, 2 * CONV1},
    {"carriage returns alone",
     "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num Filter,Strides\r"
     "c1,224,224,7,7,3,64,2\r",
     1, 0, CONV1},
    {"sparsity",
     "Layer name,IFMAP Height,IFMAP Width,Filter Height,Filter Width,Channels,Num "
     "Filter,Strides,Sparsity,\n"
     "c1,224,224,7,7,3,64,2,2:4,\n",
     1, 0, CONV1},
};

START_TEST(oddities_are_read)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    struct network *net = import_scalesim("t.csv", good[_i].text, strlen(good[_i].text), 1, &d);
    diags_format(&d, false, &text);
    ck_assert_msg(net != NULL, "%s: %s", good[_i].what, strbuf_str(&text));
    struct network_totals t;
    network_totals(net, &t);
    ck_assert_msg(t.tensor_ops == good[_i].layers, "%s", good[_i].what);
    ck_assert_msg(t.macs == good[_i].macs, "%s: %lld", good[_i].what, (long long)t.macs);
    ck_assert_msg(d.n_warnings == good[_i].warnings, "%s: %s", good[_i].what, strbuf_str(&text));
    network_free(net);
    strbuf_release(&text);
    diags_release(&d);
}
END_TEST

START_TEST(sparsity_is_a_density)
{
    struct diags d = DIAGS_INIT;
    const char *text = good[sizeof good / sizeof *good - 1].text;
    struct network *net = import_scalesim("nets/t.2.csv", text, strlen(text), 2, &d);
    ck_assert_str_eq(net->name, "t.2");
    ck_assert_double_eq(net->op[0].einsum.tensor[0].density, 0.5);
    ck_assert_int_eq(einsum_macs(&net->op[0].einsum), 2 * CONV1);
    ck_assert_int_eq(net->n_blocks, 1);
    network_free(net);
    diags_release(&d);
}
END_TEST

static const struct {
    const char *text, *says;
} bad[] = {
    {"Layer name, IFMAP Height Intraline Factor, IFMAP Width Intraline Factor\nx, 2, "
     "2\n",
     "t.csv:1:13: error: this is a SCALE-Sim layout file"},
    {"", "there is no layer in this file"},
    {HEADER, "there is no layer in this file"},
    {"Layer name, IFMAP Height, IFMAP Width, Filter Height, Channels, "
     "Strides\nx,1,1,1,1,1,1\n",
     "no column for 'filter width'"},
    {"Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, "
     "Strides\nx,1,1,1,1,1,1\n",
     "no column for 'num filter'"},
    {HEADER "a,4,4,7,7,3,64,1,\n", "t.csv:2:1: error: 'a': a kernel of 7 x 7 does not fit into 4 x 4"},
    {HEADER "a,4,4,0,1,3,64,1,\n", "'filter height' must be a whole number of at least 1"},
    {HEADER "a,4,4,1,1,3,64,0,\nb,9999999,9999999,1,1,9999999,1,1\n",
     "t.csv:3:1: error: 'b': its output has more than 2^48 elements"},
    {"Layer,M,N,K\na,0,1,1\n", "M, N and K must be whole numbers of at least 1"},
};

START_TEST(wrong_files_are_refused)
{
    struct diags d = DIAGS_INIT;
    struct strbuf text = STRBUF_INIT;
    ck_assert_ptr_null(import_scalesim("t.csv", bad[_i].text, strlen(bad[_i].text), 1, &d));
    diags_format(&d, false, &text);
    ck_assert_msg(strstr(strbuf_str(&text), bad[_i].says), "%s", strbuf_str(&text));
    strbuf_release(&text);
    diags_release(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scalesim");
    TCase *tc = tcase_create("scalesim");
    tcase_add_loop_test(tc, oddities_are_read, 0, (int)(sizeof good / sizeof *good));
    tcase_add_test(tc, sparsity_is_a_density);
    tcase_add_loop_test(tc, wrong_files_are_refused, 0, (int)(sizeof bad / sizeof *bad));
    suite_add_tcase(suite, tc);
    return run_suite(suite, CK_FORK_GETENV);
}
