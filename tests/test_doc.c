/* base/doc: what is read, where it stood, what is refused and how. */
#include "base/doc.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "tests/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct doc *read_text(const char *name, const char *text, struct diags *d)
{
    return doc_read_text(name, text, strlen(text), d);
}

START_TEST(tree_and_positions)
{
    struct diags d = DIAGS_INIT;
    struct doc *doc = read_text("t.yaml",
                                "# comment\n"
                                "name: edge\n"
                                "\"q\": 'sq'\n"
                                "list: [1, no, {a: 1:4}]\n"
                                "nothing:\n"
                                "tilde: ~\n"
                                "\xc3\xa9: x\n"
                                "block: |\n  two\n  lines\n"
                                "tagged: !Container\n  k: v\n",
                                &d);
    ck_assert_ptr_nonnull(doc);
    ck_assert_int_eq(d.n, 0);
    const struct node *root = &doc->root;
    ck_assert_int_eq(root->kind, NODE_MAPPING);
    ck_assert_int_eq(root->n_children, 8);
    const struct node *n = node_get(root, "name");
    ck_assert_str_eq(n->text, "edge");
    ck_assert(n->key_mark.line == 2 && n->key_mark.col == 1 && n->key_mark.len == 4);
    ck_assert(n->mark.line == 2 && n->mark.col == 7 && n->mark.len == 4 && !n->quoted);
    n = node_get(root, "q");
    ck_assert(n->quoted && n->mark.col == 6 && n->mark.len == 4 && node_text_mark(n).col == 7 &&
              node_text_mark(n).len == 2);
    ck_assert(n->key_mark.col == 1 && n->key_mark.len == 3);
    n = node_get(root, "list");
    ck_assert_int_eq(n->n_children, 3);
    ck_assert_str_eq(n->child[1].text, "no");
    ck_assert_int_eq(n->child[1].mark.col, 11);
    ck_assert_str_eq(node_get(&n->child[2], "a")->text, "1:4");
    ck_assert_int_eq(node_get(root, "nothing")->kind, NODE_NULL);
    ck_assert_int_eq(node_get(root, "nothing")->mark.line, 5);
    ck_assert_int_eq(node_get(root, "tilde")->kind, NODE_NULL);
    ck_assert_int_eq(node_get(root, "\xc3\xa9")->mark.col, 4);
    ck_assert_str_eq(node_get(root, "block")->text, "two\nlines\n");
    ck_assert_str_eq(node_get(root, "tagged")->tag, "!Container");
    ck_assert_ptr_null(node_get(root, "absent"));
    ck_assert_ptr_null(node_get(n, "list"));
    doc_free(doc);
    diags_release(&d);
}
END_TEST

START_TEST(json_is_read_too)
{
    struct diags d = DIAGS_INIT;
    struct doc *doc = read_text("c.json",
                                "{\n\t\"hidden_size\": 4096,\n\t\"tie\": false, \"x\": "
                                "null, \"l\": [1, \"two\"]\n}\n",
                                &d);
    ck_assert_ptr_nonnull(doc);
    const struct node *n = node_get(&doc->root, "hidden_size");
    ck_assert_str_eq(n->text, "4096");
    ck_assert(n->mark.line == 2 && n->mark.col == 17);
    ck_assert_int_eq(node_get(&doc->root, "x")->kind, NODE_NULL);
    ck_assert(node_get(&doc->root, "l")->child[1].quoted);
    doc_free(doc);
    ck_assert_ptr_null(read_text("bad.json", "{\"a\": tru, }", &d));
    ck_assert_ptr_null(read_text("dup.json", "{\"a\": 1, \"a\": 2}", &d));
    diags_release(&d);
}
END_TEST

START_TEST(aliases_and_merges)
{
    struct diags d = DIAGS_INIT;
    struct doc *doc = read_text("t", "base: &b {x: 1, y: [2, 3]}\nuse: *b\nmore:\n  <<: *b\n  x: 9\n  z: 4\n", &d);
    ck_assert_ptr_nonnull(doc);
    ck_assert_str_eq(node_get(node_get(&doc->root, "use"), "y")->child[1].text, "3");
    const struct node *more = node_get(&doc->root, "more");
    ck_assert_int_eq(more->n_children, 3);
    ck_assert_str_eq(node_get(more, "x")->text, "9");
    ck_assert_str_eq(node_get(more, "y")->child[0].text, "2");
    doc_free(doc);
    diags_release(&d);
}
END_TEST

static void expect_error(const char *text, int line, int col, const char *message)
{
    struct diags d = DIAGS_INIT;
    struct doc *doc = read_text("t.yaml", text, &d);
    ck_assert_msg(doc == NULL, "accepted: %.60s", text);
    ck_assert_int_ge(d.n_errors, 1);
    const struct diag *e = &d.list[0];
    ck_assert_msg(e->mark.line == line && e->mark.col == col, "%.60s: at %d:%d: %s", text, e->mark.line, e->mark.col,
                  e->message);
    ck_assert_msg(strstr(e->message, message), "%.60s: %s", text, e->message);
    diags_release(&d);
}

START_TEST(refusals_are_located)
{
    expect_error("a: 1\nb: 2\na: 3\n", 3, 1, "key 'a' appears twice");
    expect_error("a: 1\n---\nb: 2\n", 2, 1, "second document");
    expect_error("a: *b\n", 1, 5, "no anchor '&b'");
    expect_error("a: &b [*b]\n", 1, 9, "no anchor '&b'");
    expect_error("ok: 1\na: \xff\n", 2, 4, "0xff is not UTF-8");
    expect_error("a: \xed\xa0\x80\n", 1, 4, "is not UTF-8");
    expect_error("? a:\t:b", 1, 1, "marked with '?'");
    expect_error("a: 1\n  - ?\n", 2, 5, "marked with '?'");
    expect_error("\xef\xbb\xbf? a: 1", 1, 1, "marked with '?'");
    expect_error("a: \"x\\0y\"\n", 1, 4, "NUL");
    expect_error("[1, 2]: x\n", 1, 1, "key must be plain text");
    expect_error("a:\n\t- b\n", 2, 1, "tab");
    expect_error("a: @x\n", 1, 4, "@");
    expect_error("%YAML 3.0\n---\na\n", 1, 1, "not YAML");
    expect_error("a:\n  <<: 3\n", 2, 3, "'<<' wants a mapping");
}
END_TEST

START_TEST(syntax_errors_show_where_the_construct_began)
{
    struct diags d = DIAGS_INIT;
    ck_assert_ptr_null(read_text("t", "a: 1\nb: [1, 2\nc: 3\nd: 4\n", &d));
    ck_assert_int_eq(d.n, 2);
    ck_assert_int_eq(d.list[1].level, DIAG_NOTE);
    ck_assert_str_eq(d.list[1].message, "the '[' began here");
    ck_assert(d.list[1].mark.line == 2 && d.list[1].mark.col == 4);
    diags_release(&d);
}
END_TEST

START_TEST(limits)
{
    struct strbuf sb = STRBUF_INIT;
    for (int i = 0; i < 1000; i++) {
        strbuf_adds(&sb, "[");
    }
    expect_error(strbuf_str(&sb), 1, 65, "nested more than 64 deep");
    strbuf_reset(&sb);
    strbuf_adds(&sb, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"); /* billion laughs */
    for (int i = 1; i < 12; i++) {
        strbuf_addf(&sb, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++) {
            strbuf_addf(&sb, "%s*a%d", k ? ", " : "", i - 1);
        }
        strbuf_adds(&sb, "]\n");
    }
    struct diags d = DIAGS_INIT;
    ck_assert_ptr_null(read_text("laughs", strbuf_str(&sb), &d));
    ck_assert_ptr_nonnull(strstr(d.list[0].message, "aliases make this document too large"));
    diags_release(&d);
    strbuf_reset(&sb);
    strbuf_adds(&sb, "a0: &a0 [1]\n"); /* aliases nest deeper than any text */
    for (int i = 1; i < 100; i++) {
        strbuf_addf(&sb, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    }
    ck_assert_ptr_null(read_text("deep", strbuf_str(&sb), &d));
    diags_release(&d);
    char *big = mem_alloc((16 << 20) + 2);
    memset(big, '#', (16 << 20) + 1);
    ck_assert_ptr_null(doc_read_text("big", big, (16 << 20) + 1, &d));
    mem_free(big);
    diags_release(&d);
    strbuf_release(&sb);
}
END_TEST

START_TEST(empty_and_files)
{
    struct diags d = DIAGS_INIT;
    struct doc *doc = read_text("empty", "", &d);
    ck_assert_ptr_nonnull(doc);
    ck_assert_int_eq(doc->root.kind, NODE_NULL);
    doc_free(doc);
    ck_assert_ptr_null(doc_read_file("/nonexistent/x.yaml", &d));
    ck_assert_int_eq(d.n_unreadable, 1);
    ck_assert_str_eq(d.list[0].message, "cannot open '/nonexistent/x.yaml': No such file or directory");
    ck_assert_ptr_null(doc_read_file("/", &d));
    ck_assert_int_eq(d.n_unreadable, 2);
    diags_release(&d);
    char path[] = "/tmp/dovetail-test-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "a: 1\n", 5), 5);
    close(fd);
    doc = doc_read_file(path, &d);
    unlink(path);
    ck_assert_ptr_nonnull(doc);
    ck_assert_str_eq(node_get(&doc->root, "a")->mark.source->name, path);
    doc_free(doc);
    diags_release(&d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("doc");
    TCase *t = tcase_create("all");
    tcase_add_test(t, tree_and_positions);
    tcase_add_test(t, json_is_read_too);
    tcase_add_test(t, aliases_and_merges);
    tcase_add_test(t, refusals_are_located);
    tcase_add_test(t, syntax_errors_show_where_the_construct_began);
    tcase_add_test(t, limits);
    tcase_add_test(t, empty_and_files);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
