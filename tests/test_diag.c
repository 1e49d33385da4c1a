/* base/diag: the exact form of messages, their order, what hostile text looks like. */
#include "base/diag.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "tests/run_suite.h"

#include <check.h>
#include <jansson.h>
#include <string.h>

static const struct source *text_source(struct diags *d, const char *name, const char *text)
{
    return diags_source(d, name, mem_strdup(text), strlen(text));
}

static void expect(const struct diags *d, const char *want)
{
    struct strbuf sb = STRBUF_INIT;
    diags_format(d, false, &sb);
    ck_assert_str_eq(strbuf_str(&sb), want);
    strbuf_release(&sb);
}

START_TEST(the_form)
{
    struct diags d = DIAGS_INIT;
    const struct source *s = text_source(&d, "broken.yaml", "a: 1\nobjectve: [energy]  # minimised\n");
    ck_assert_int_eq(
        diags_error(&d, (struct mark){s, 2, 1, 8}, "did you mean 'objectives'?", "unknown key '%s'", "objectve"), -1);
    expect(&d, "broken.yaml:2:1: error: unknown key 'objectve'\n"
               "    2 | objectve: [energy]  # minimised\n"
               "      | ^~~~~~~~\n"
               "      = help: did you mean 'objectives'?\n");
    ck_assert_int_eq(d.n_errors, 1);
    diags_release(&d);
}
END_TEST

START_TEST(sorted_with_notes_after_their_error)
{
    struct diags d = DIAGS_INIT;
    const struct source *one = text_source(&d, "z.yaml", "l1\nl2\nl3\n");
    const struct source *two = text_source(&d, "a.yaml", "k1\n");
    diags_error(&d, (struct mark){NULL, 0, 0, 0}, NULL, "no place");
    diags_error(&d, (struct mark){two, 1, 1, 1}, NULL, "in a");
    diags_error(&d, (struct mark){one, 3, 2, 1}, NULL, "third");
    diags_note(&d, (struct mark){one, 1, 1, 2}, NULL, "because of this");
    diags_warning(&d, (struct mark){one, 2, 1, 99}, NULL, "second");
    ck_assert_int_eq(d.n_errors, 3);
    ck_assert_int_eq(d.n_warnings, 1);
    expect(&d, "z.yaml:2:1: warning: second\n    2 | l2\n      | ^~\n"
               "z.yaml:3:2: error: third\n    3 | l3\n      |  ^\n"
               "z.yaml:1:1: note: because of this\n    1 | l1\n      | ^~\n"
               "a.yaml:1:1: error: in a\n    1 | k1\n      | ^\n"
               "error: no place\n");
    diags_release(&d);
}
END_TEST

START_TEST(columns_are_characters)
{
    struct diags d = DIAGS_INIT;
    const struct source *s = text_source(&d, "f", "\xc3\xa9\xe2\x82\xac: x\n\tb: y\nend");
    diags_error(&d, (struct mark){s, 1, 5, 1}, NULL, "utf-8");
    diags_error(&d, (struct mark){s, 2, 2, 1}, NULL, "tab");
    diags_error(&d, (struct mark){s, 3, 4, 1}, NULL, "past the end");
    diags_error(&d, (struct mark){s, 9, 1, 1}, NULL, "no such line");
    expect(&d, "f:1:5: error: utf-8\n    1 | \xc3\xa9\xe2\x82\xac: x\n      |     ^\n"
               "f:2:2: error: tab\n    2 | \tb: y\n      | \t^\n"
               "f:3:4: error: past the end\n    3 | end\n      |    ^\n"
               "f:9:1: error: no such line\n");
    diags_release(&d);
}
END_TEST

START_TEST(hostile_text_is_defused)
{
    struct diags d = DIAGS_INIT;
    const struct source *s = text_source(&d, "f\033[2J", "a\033[31m\xff\xc2\x9b");
    diags_error(&d, (struct mark){s, 1, 1, 1}, "\033help", "bad '\033'");
    expect(&d, "f?[2J:1:1: error: bad '?'\n    1 | a?[31m??\n      | ^\n      = help: "
               "?help\n");
    diags_release(&d);
}
END_TEST

START_TEST(long_lines_are_cut)
{
    struct diags d = DIAGS_INIT;
    char *text = mem_alloc(100001);
    memset(text, 'x', 100000);
    const struct source *s = diags_source(&d, "f", text, 100000);
    diags_error(&d, (struct mark){s, 1, 50000, 3}, NULL, "far right %s", text);
    ck_assert_uint_lt(strlen(d.list[0].message), 700);
    struct strbuf sb = STRBUF_INIT;
    diags_format(&d, false, &sb);
    ck_assert_uint_lt(sb.len, 1100);
    const char *caret = strchr(strbuf_str(&sb), '^');
    ck_assert_ptr_nonnull(caret);
    ck_assert_str_eq(caret, "^~~\n");
    strbuf_release(&sb);
    diags_release(&d);
}
END_TEST

START_TEST(many_messages_are_counted)
{
    struct diags d = DIAGS_INIT;
    for (int i = 0; i < 5000; i++) {
        diags_error(&d, (struct mark){NULL, 0, 0, 0}, NULL, "again");
    }
    ck_assert_int_eq(d.n_errors, 5000);
    ck_assert_int_eq(d.n, 200);
    diags_release(&d);
}
END_TEST

START_TEST(json_is_json)
{
    struct diags d = DIAGS_INIT;
    const struct source *s = text_source(&d, "a\"b\\.yaml", "x: \"\xff\"\n");
    diags_error(&d, (struct mark){s, 1, 4, 3}, "say \"yes\"\n", "bad\ttext '\xff'");
    diags_warning(&d, (struct mark){NULL, 0, 0, 0}, NULL, "plain");
    struct strbuf sb = STRBUF_INIT;
    diags_json(&d, &sb);
    json_error_t err;
    json_t *json = json_loads(strbuf_str(&sb), 0, &err);
    ck_assert_msg(json != NULL, "%s: %s", err.text, strbuf_str(&sb));
    ck_assert_uint_eq(json_array_size(json), 2);
    json_t *first = json_array_get(json, 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "file")), "a\"b\\.yaml");
    ck_assert_int_eq(json_integer_value(json_object_get(first, "column")), 4);
    ck_assert_str_eq(json_string_value(json_object_get(first, "help")), "say \"yes\"\n");
    ck_assert_str_eq(json_string_value(json_object_get(first, "message")), "bad\ttext '?'");
    ck_assert(json_is_null(json_object_get(json_array_get(json, 1), "file")));
    json_decref(json);
    strbuf_release(&sb);
    diags_release(&d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("diag");
    TCase *t = tcase_create("all");
    tcase_add_test(t, the_form);
    tcase_add_test(t, sorted_with_notes_after_their_error);
    tcase_add_test(t, columns_are_characters);
    tcase_add_test(t, hostile_text_is_defused);
    tcase_add_test(t, long_lines_are_cut);
    tcase_add_test(t, many_messages_are_counted);
    tcase_add_test(t, json_is_json);
    suite_add_tcase(s, t);
    return run_suite(s, CK_FORK_GETENV);
}
