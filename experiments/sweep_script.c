/* What a scheduler runs for each task: start it, hand on the warning signals, and when it ends with 75 ("work remains") give exactly this task
 * back to the queue, while attempts remain. Sources: the manual pages sbatch(1), srun(1), scancel(1), scontrol(1) of Slurm 22.05; OpenPBS's
 * qsub(1B), qdel(1B) and qrerun(1B); IBM Spectrum LSF 10.1, bsub(1).
 *
 * Slurm sends signals to the batch shell (--signal=B:), to the steps (the first TERM of a preemption with a grace time, scancel --signal) or to all
 * (scancel, --full). srun cannot be between it and the task, for srun answers TERM by killing what it runs. So the task belongs to the batch
 * shell, and a step that does nothing hands on what only steps are told. A plain scancel ends the job first and signals then; it means what it
 * says, and the task is not given back. A task that is an MPI job must be srun's; of USR1 srun lets its ranks know, and they end with 75. */
#include "experiments/sweep_script.h"

#include "base/strbuf.h"

#include <string.h>

static const struct {
    const char *script, *submit;
    const char *directive; /* begins a line of options */
    const char *index;     /* the task's number in the shell */
    const char *give_back; /* lines of the shell: back to the queue when it ended with 75 */
} schedulers[SCHEDULER_COUNT] = {
    [SCHEDULER_SLURM] =
        {"array.sbatch", "sbatch", "#SBATCH", "$SLURM_ARRAY_TASK_ID",
         "# Give back exactly this task, not the whole array. A task that was cancelled is no longer running, and "
         "stays ended.\n"
         "job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\n"
         "if [ $status -eq 75 ] && [ \"${SLURM_RESTART_COUNT:-0}\" -lt $restarts ] &&\n"
         "    { [ \"${signal:-}\" = USR1 ] || scontrol show job \"$job\" | grep -q JobState=RUNNING; }; then\n"
         "    scontrol requeue \"$job\"\n"
         "fi\n"},
    [SCHEDULER_PBS] =
        {"array.pbs", "qsub", "#PBS", "${DOVETAIL_TASK:-${PBS_ARRAY_INDEX:-0}}",
         "# Hand in exactly this task again, not the whole array: qrerun is for operators only. After TERM "
         "(qdel, or a preemption, after\n"
         "# which PBS itself runs it again) it stays ended.\n"
         "if [ $status -eq 75 ] && [ \"${signal:-}\" != TERM ] && [ \"${DOVETAIL_RESTART:-0}\" -lt "
         "$restarts ]; then\n"
         "    sed '/^#PBS -J /d' \"$sweep/array.pbs\" |\n"
         "        qsub -v \"DOVETAIL_TASK=$index,DOVETAIL_RESTART=$((${DOVETAIL_RESTART:-0} + 1))\"\n"
         "fi\n"},
    [SCHEDULER_LSF] = {"array.lsf", "bsub <", "#BSUB", "$((LSB_JOBINDEX - 1))",
                       "# -Q \"75\" above gives exactly this task back.\n"},
};

const char *scheduler_script(enum scheduler scheduler)
{
    return schedulers[scheduler].script;
}

const char *scheduler_submit(enum scheduler scheduler)
{
    return schedulers[scheduler].submit;
}

/* A path or word for the shell. */
static void add_quoted(const char *text, struct strbuf *out)
{
    strbuf_adds(out, "'");
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\'') {
            strbuf_adds(out, "'\\''");
        } else {
            strbuf_add(out, p, 1);
        }
    }
    strbuf_adds(out, "'");
}

static void add_hours(double time_s, bool seconds, struct strbuf *out)
{
    long long s = (long long)time_s;
    strbuf_addf(out, "%02lld:%02lld", s / 3600, s / 60 % 60);
    if (seconds) {
        strbuf_addf(out, ":%02lld", s % 60);
    }
}

static void slurm_header(const struct sweep *s, const struct script_options *o, struct strbuf *out)
{
    strbuf_addf(out, "#SBATCH --job-name=dovetail-%s\n#SBATCH --array=0-%d", s->name, s->n_tasks - 1);
    if (o->array_limit > 0) {
        strbuf_addf(out, "%%%lld", (long long)o->array_limit);
    }
    strbuf_addf(out, "\n#SBATCH --ntasks=%lld\n#SBATCH --cpus-per-task=%lld\n", (long long)o->ranks,
                (long long)o->cpus);
    if (o->time_s > 0) {
        strbuf_adds(out, "#SBATCH --time=");
        add_hours(o->time_s, true, out);
        strbuf_adds(out, "\n");
    }
    if (o->partition != NULL) {
        strbuf_addf(out, "#SBATCH --partition=%s\n", o->partition);
    }
    strbuf_addf(out, "#SBATCH --signal=B:USR1@%lld\n", (long long)o->warn_s);
    strbuf_addf(out, "#SBATCH --requeue\n#SBATCH --open-mode=append\n#SBATCH --output=%s/log/%%a.log\n", s->dir);
}

static void pbs_header(const struct sweep *s, const struct script_options *o, struct strbuf *out)
{
    strbuf_addf(out, "#PBS -N dovetail-%.150s\n", s->name);
    if (s->n_tasks > 1) { /* an array of one is refused */
        strbuf_addf(out, "#PBS -J 0-%d", s->n_tasks - 1);
        if (o->array_limit > 0) {
            strbuf_addf(out, "%%%lld", (long long)o->array_limit);
        }
        strbuf_adds(out, "\n");
    }
    strbuf_addf(out, "#PBS -l select=1:ncpus=%lld\n", (long long)o->cpus);
    if (o->time_s > 0) {
        strbuf_adds(out, "#PBS -l walltime=");
        add_hours(o->time_s, true, out);
        strbuf_adds(out, "\n");
    }
    if (o->partition != NULL) {
        strbuf_addf(out, "#PBS -q %s\n", o->partition);
    }
    strbuf_addf(out, "#PBS -r y\n#PBS -j oe\n#PBS -o %s/log/\n", s->dir);
}

static void lsf_header(const struct sweep *s, const struct script_options *o, struct strbuf *out)
{
    strbuf_addf(out, "#BSUB -J \"dovetail-%s[1-%d]", s->name, s->n_tasks);
    if (o->array_limit > 0) {
        strbuf_addf(out, "%%%lld", (long long)o->array_limit);
    }
    strbuf_addf(out, "\"\n#BSUB -n %lld\n#BSUB -R \"span[hosts=1]\"\n", (long long)o->cpus);
    if (o->time_s > 0) {
        strbuf_adds(out, "#BSUB -W ");
        add_hours(o->time_s, false, out);
        strbuf_addf(out, "\n#BSUB -wa USR1 -wt %lld\n", (long long)(o->warn_s + 59) / 60);
    }
    if (o->partition != NULL) {
        strbuf_addf(out, "#BSUB -q %s\n", o->partition);
    }
    strbuf_addf(out, "#BSUB -r\n#BSUB -Q \"75\"\n#BSUB -o %s/log/%%I.log\n", s->dir);
}

static void add_note(const struct sweep *s, enum scheduler scheduler, struct strbuf *out)
{
    const char *submit = scheduler_submit(scheduler), *script = scheduler_script(scheduler);
    strbuf_addf(out, "#!/bin/bash\n# %d tasks of the sweep '%s', written by: ", s->n_tasks, s->name);
    for (const char *p = s->command; *p != '\0'; p++) { /* stays one comment */
        strbuf_add(out, *p == '\n' ? " " : p, 1);
    }
    strbuf_addf(out, "\n# All of them:  %s %s/%s\n", submit, s->dir, script);
    if (scheduler == SCHEDULER_SLURM) {
        strbuf_addf(out, "# Some of them: sbatch --array=3,7-9 %s/%s      (which: dovetail status %s --failed)\n",
                    s->dir, script, s->dir);
    } else if (scheduler == SCHEDULER_PBS) {
        strbuf_addf(out, "# One of them:  sed '/^#PBS -J /d' %s/%s | qsub -v DOVETAIL_TASK=3\n", s->dir, script);
    } else {
        strbuf_addf(out, "# Some of them, counted from 1: bsub -J '%s[4,8-10]' < %s/%s\n", s->name, s->dir, script);
    }
}

/* Runs the task. bash's wait returns early, with more than 128, when a trap has run; what the task ended with is kept for the next wait. */
static void add_body(const struct sweep *s, enum scheduler scheduler, const struct script_options *o,
                     struct strbuf *out)
{
    strbuf_adds(out, "\ndovetail=");
    add_quoted(o->program, out);
    strbuf_adds(out, "\nsweep=");
    add_quoted(s->dir, out);
    strbuf_addf(out, "\nindex=%s\n", schedulers[scheduler].index);
    if (scheduler != SCHEDULER_LSF) {
        strbuf_addf(out, "restarts=%lld\n", (long long)o->restarts);
    }
    strbuf_adds(out, "\n# USR1: time is nearly up. TERM: another job needs this place. Either way the task finishes "
                     "what it evaluates, brings\n"
                     "# its database back and ends with 75, \"work remains\".\n"
                     "hand_on() { signal=$1 again=1; kill -");
    strbuf_adds(out, o->ranks > 1 ? "USR1" : "\"$1\"");
    strbuf_adds(out, " \"$task\" 2>/dev/null; }\n"
                     "trap 'hand_on USR1' USR1\n"
                     "trap 'hand_on TERM' TERM\n");
    if (scheduler == SCHEDULER_PBS && o->time_s > (double)o->warn_s) {
        strbuf_addf(out, "# PBS gives no warning: a clock of our own, %llds before the limit.\n", (long long)o->warn_s);
        strbuf_addf(out, "timeout --foreground --preserve-status --signal=USR1 %lld ",
                    (long long)o->time_s - o->warn_s);
    }
    if (o->ranks > 1) {
        strbuf_adds(out, "# The ranks are told by USR1 in either case: srun answers TERM by killing them. Another MPI "
                         "than PMIx: srun "
                         "--mpi=list.\n");
        strbuf_addf(out, "srun --mpi=pmix --ntasks=%lld --cpus-per-task=%lld ", (long long)o->ranks,
                    (long long)o->cpus);
    }
    strbuf_addf(out, "\"$dovetail\" sweep \"$sweep\" --task \"$index\" --threads %lld", (long long)o->cpus);
    if (o->scratch != NULL) {
        strbuf_adds(out, " --scratch ");
        add_quoted(o->scratch, out);
    }
    strbuf_adds(out, " &\ntask=$!\n");
    if (scheduler == SCHEDULER_SLURM && o->ranks == 1) {
        strbuf_adds(out, "# A preemption tells only steps, at first: this one hands it on.\n"
                         "srun --overlap --ntasks=1 --cpus-per-task=1 bash -c \"trap 'kill -TERM $task' TERM\n"
                         "    while kill -0 $task; do sleep 2 & wait \\$!; done\" >/dev/null 2>&1 &\n");
    }
    strbuf_adds(out, "wait \"$task\"\n"
                     "status=$?\n"
                     "while [ -n \"${again:-}\" ] && [ $status -gt 128 ]; do\n"
                     "    again=\n"
                     "    wait \"$task\"\n"
                     "    status=$?\n"
                     "done\n\n");
    strbuf_adds(out, schedulers[scheduler].give_back);
    strbuf_adds(out, "exit $status\n");
}

void sweep_script(const struct sweep *s, enum scheduler scheduler, const struct script_options *o, struct strbuf *out)
{
    add_note(s, scheduler, out);
    switch (scheduler) {
    case SCHEDULER_SLURM:
        slurm_header(s, o, out);
        break;
    case SCHEDULER_PBS:
        pbs_header(s, o, out);
        break;
    case SCHEDULER_LSF:
        lsf_header(s, o, out);
        break;
    case SCHEDULER_NONE:
    case SCHEDULER_COUNT:
        break;
    }
    for (int i = 0; i < o->n_extra; i++) {
        strbuf_addf(out, "%s %s\n", schedulers[scheduler].directive, o->extra[i]);
    }
    add_body(s, scheduler, o, out);
}
