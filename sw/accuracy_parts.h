/* The kinds of accuracy model behind accuracy.h; each as that header says. Internal to accuracy*.c. */
#ifndef SW_ACCURACY_PARTS_H
#define SW_ACCURACY_PARTS_H

#include "base/csv.h"
#include "sw/accuracy.h"

struct strbuf;

struct sensitivity;
struct sensitivity *sensitivity_load(const char *proxy, const struct network *net, struct diags *d);
void sensitivity_free(struct sensitivity *acc);
void sensitivity_info(const struct sensitivity *acc, struct accuracy_info *out);
bool sensitivity_varies(const struct sensitivity *acc, int op);
int sensitivity_check_widths(const struct sensitivity *acc, const int *bits, int n, struct err *err);
int sensitivity_omega(const struct sensitivity *acc, const int *w_bits, const int *a_bits, double *omega,
                      struct err *err);
int sensitivity_top1(const struct sensitivity *acc, const int *w_bits, const int *a_bits, double *top1_percent,
                     double *drop_pp, struct err *err);
int sensitivity_network(const struct sensitivity *acc, const struct network *net, double *top1_percent, double *drop_pp,
                        struct err *err);

struct sqnr;
struct sqnr *sqnr_load(const struct accuracy_request *r, const struct network *net, struct diags *d);
void sqnr_free(struct sqnr *s);
void sqnr_info(const struct sqnr *s, struct accuracy_info *out);
void sqnr_canonical(const struct sqnr *s, struct strbuf *out);
int sqnr_evaluate(struct sqnr *s, const struct network *net, struct accuracy_result *out, struct err *err);

/* Published top-1 of CNNs by widths. NULL without an error in d when there is no series of this name. */
struct cnn_table;
struct cnn_table *cnn_table_load(const char *series, const struct network *net, struct diags *d);
void cnn_table_free(struct cnn_table *t);
void cnn_table_info(const struct cnn_table *t, struct accuracy_info *out);
void cnn_table_canonical(const struct cnn_table *t, struct strbuf *out);
int cnn_table_evaluate(const struct cnn_table *t, const struct network *net, struct accuracy_result *out,
                       struct err *err);
void cnn_table_names(struct strbuf *out); /* "mqbench, hawqv3" */

/* ln(PPL / PPL of fp16) = exp(c0 - c1 * bits per weight) + terms of KV cache and activations. NULL without an error in d: no such LLM. */
struct perplexity;
struct perplexity *perplexity_load(const char *llm, struct diags *d);
void perplexity_free(struct perplexity *p);
void perplexity_info(const struct perplexity *p, struct accuracy_info *out);
int perplexity_evaluate(const struct perplexity *p, const struct network *net, struct accuracy_result *out,
                        struct err *err);
double perplexity_at(const struct perplexity *p, double bits_per_weight, double kv_bits, double a_bits);
void perplexity_names(struct strbuf *out);

/* A table that comes with the program. */
int accuracy_table_open(const char *path, struct csv *out, struct err *err);

#endif
