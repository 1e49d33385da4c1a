/* The lowest layer of the grammar in expr.h: blanks, names, signs, and what to say of a sign that has no place there. */
#include "base/expr_scan.h"

#include "base/units.h"

#include <ctype.h>
#include <string.h>

void scan_blanks(struct parser *p)
{
    while (isspace((unsigned char)p->text[p->pos])) {
        p->pos++;
    }
}

int scan_name_length(const char *s)
{
    int n = 0;
    if (!isalpha((unsigned char)s[0]) && s[0] != '_') {
        return 0;
    }
    while (isalnum((unsigned char)s[n]) || s[n] == '_' ||
           (s[n] == '.' && (isalnum((unsigned char)s[n + 1]) || s[n + 1] == '_'))) {
        n++;
    }
    return n;
}

bool scan_is_word(const char *s, int len, const char *word)
{
    return (int)strlen(word) == len && memcmp(s, word, (size_t)len) == 0;
}

bool scan_word(struct parser *p, const char *word)
{
    scan_blanks(p);
    int n = scan_name_length(p->text + p->pos);
    if (n == 0 || !scan_is_word(p->text + p->pos, n, word)) {
        return false;
    }
    p->pos += n;
    return true;
}

bool scan_take(struct parser *p, char c)
{
    scan_blanks(p);
    if (p->text[p->pos] != c) {
        return false;
    }
    p->pos++;
    return true;
}

/* Bytes of what stands at the cursor, for "not 'x'" in messages. */
static int token_length(const char *s)
{
    int n = scan_name_length(s);
    if (n == 0 && isdigit((unsigned char)s[0])) {
        n = unit_length(s);
    }
    if (n == 0 && strchr("&|=<>!*", s[0])) {
        n = (int)strspn(s, "&|=<>!*");
    }
    if (n == 0 && s[0]) {
        n = 1;
        while (((unsigned char)s[n] & 0xc0) == 0x80) {
            n++;
        }
    }
    return n;
}

/* Other languages' operators. */
static const char *operator_help(const char *s)
{
    static const char *const known[][2] = {
        {"&&", "write 'and'"},
        {"||", "write 'or'"},
        {"!", "write 'not'"},
        {"=", "write '=='"},
        {"=<", "write '<='"},
        {"=>", "write '>='"},
        {"**", "write a product"},
        {"^", "write a product"},
        {"<>", "write '!='"},
        {"&", "write 'and'"},
        {"|", "write 'or'"},
        {"\xe2\x89\xa4", "write '<='"},
        {"\xe2\x89\xa5", "write '>='"},
        {"'", "words stand without quotes"},
        {"\"", "words stand without quotes"},
        {"AND", "write 'and'"},
        {"OR", "write 'or'"},
        {"NOT", "write 'not'"},
        {"IN", "write 'in'"},
    };
    int len = token_length(s);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (scan_is_word(s, len, known[i][0])) {
            return known[i][1];
        }
    }
    return NULL;
}

int scan_expected(struct parser *p, const char *what)
{
    scan_blanks(p);
    const char *s = p->text + p->pos;
    int len = token_length(s);
    struct mark at = expr_mark(p, p->pos, p->pos + len);
    if (len == 0) {
        return diags_error(p->d, at, NULL, "the expression ends where %s should be", what);
    }
    return diags_error(p->d, at, operator_help(s), "expected %s, not '%.*s'", what, len, s);
}

int scan_close(struct parser *p, char c, int opened)
{
    if (scan_take(p, c)) {
        return 0;
    }
    scan_expected(p, c == ')' ? "')'" : "',' or ']'");
    diags_note(p->d, expr_mark(p, opened, opened + 1), NULL, "the '%c' began here", c == ')' ? '(' : '[');
    return -1;
}
