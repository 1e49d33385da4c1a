#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BAR 20

const char *const progress_forms[] = {"auto", "line", "keys", "json", "none", NULL};

void progress_view_init(struct progress_view *v, const struct cli *cli, enum progress_form form,
                        const struct interrupt *interrupt)
{
    if (form == PROGRESS_AUTO) {
        form = cli->quiet ? PROGRESS_NONE : cli->tty_err ? PROGRESS_LINE : PROGRESS_KEYS;
    }
    *v = (struct progress_view){.form = form, .last_tenth = -1, .interrupt = interrupt};
}

void duration_print(double seconds, struct strbuf *out)
{
    static const struct {
        double below, unit;
        const char *name;
    } ladder[] = {{100, 1, "s"}, {100 * 60.0, 60, "min"}, {48 * 3600.0, 3600, "h"}, {HUGE_VAL, 86400, "d"}};
    int i = 0;
    while (!(seconds < ladder[i].below) && ladder[i].below < HUGE_VAL) {
        i++;
    }
    strbuf_addf(out, "%.1f%s", seconds / ladder[i].unit, ladder[i].name);
}

/* 5000 -> "5 000". */
static void grouped(int64_t n, char out[32])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)n), o = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            out[o++] = ' ';
        }
        out[o++] = digits[i];
    }
    out[o] = '\0';
}

static void show_line(const struct progress *p)
{
    static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    char done[32], total[32], rate[32];
    grouped(p->done, done);
    grouped(p->total, total);
    grouped((int64_t)p->rate, rate);
    double share = p->total > 0 ? (double)p->done / (double)p->total : 0;
    int full = (int)(share * BAR), part = (int)((share * BAR - full) * 8);
    fprintf(stderr, "\r\033[K%s  %s/%s ▕", p->name, done, total);
    for (int i = 0; i < BAR; i++) {
        fputs(i < full ? "█" : i == full ? eighths[part] : " ", stderr);
    }
    fprintf(stderr, "▏ %3.0f%%  %s/s  front %lld", 100 * share, rate, (long long)p->front);
    if (!isnan(p->hypervolume)) {
        fprintf(stderr, "  HV %.4f", p->hypervolume);
    }
    if (!isnan(p->gain) && p->gain > 0) {
        fprintf(stderr, " +%.4f", p->gain);
    }
    fprintf(stderr, "  mapped before %.0f%%", 100 * p->memo_hits);
    if (!isnan(p->eta_s) && p->done < p->total) {
        struct strbuf eta = STRBUF_INIT;
        duration_print(p->eta_s, &eta);
        fprintf(stderr, "  ETA %s", strbuf_str(&eta));
        strbuf_release(&eta);
    }
    fflush(stderr);
}

static void show_keys(const struct progress *p)
{
    fprintf(stderr, "name=%s evals=%lld total=%lld front=%lld infeasible=%lld failed=%lld", p->name, (long long)p->done,
            (long long)p->total, (long long)p->front, (long long)p->infeasible, (long long)p->failed);
    if (!isnan(p->hypervolume)) {
        fprintf(stderr, " hv=%.4f", p->hypervolume);
    }
    fprintf(stderr, " rate=%.0f/s elapsed=%.1fs\n", p->rate, p->elapsed_s);
}

static void show_json(const struct progress *p)
{
    json_t *doc =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "name", p->name, "algorithm", p->algorithm,
                  "evals", (json_int_t)p->done, "total", (json_int_t)p->total, "replayed", (json_int_t)p->replayed,
                  "front", (json_int_t)p->front, "infeasible", (json_int_t)p->infeasible, "failed",
                  (json_int_t)p->failed, "rate", p->rate, "elapsed_s", p->elapsed_s);
    if (!isnan(p->hypervolume)) {
        json_object_set_new(doc, "hypervolume", json_real(p->hypervolume));
    }
    char *text = json_dumps(doc, JSON_COMPACT);
    fprintf(stderr, "%s\n", text);
    free(text);
    json_decref(doc);
}

void progress_view_show(void *view, const struct progress *p)
{
    struct progress_view *v = view;
    int64_t tenth = p->total > 0 ? 10 * p->done / p->total : 0;
    if (v->interrupt != NULL && v->interrupt->asked != v->answered) {
        v->answered = v->interrupt->asked;
        progress_view_end(v);
        show_keys(p);
    }
    bool due = tenth != v->last_tenth || p->elapsed_s - v->last_s >= 60;
    switch (v->form) {
    case PROGRESS_LINE:
        show_line(p);
        v->drawn = true;
        break;
    case PROGRESS_KEYS:
        if (due) {
            show_keys(p);
            v->last_tenth = tenth;
            v->last_s = p->elapsed_s;
        }
        break;
    case PROGRESS_JSON:
        show_json(p);
        break;
    case PROGRESS_AUTO:
    case PROGRESS_NONE:
        break;
    }
}

void progress_view_end(struct progress_view *v)
{
    if (v->drawn) {
        fputs("\n", stderr);
        v->drawn = false;
    }
}
