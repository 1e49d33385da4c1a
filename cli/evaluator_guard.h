/* The two programs behind an external evaluator (docs/evaluators.md), started by Dovetail and not by people: words of main() before the verbs. */
#ifndef CLI_EVALUATOR_GUARD_H
#define CLI_EVALUATOR_GUARD_H

/* `dovetail evaluator-guard WORKER PROGRAM [argument..]`: runs the program and leaves nothing of it behind. Returns the exit status. */
int evaluator_guard(int argc, char **argv);
/* `dovetail evaluator-library FILE`: a shared library (experiments/dovetail_evaluator.h) as a program that speaks JSON lines. */
int evaluator_library(int argc, char **argv);

#endif
