# Sourced: a throw-away Slurm on this one machine, munged, slurmctld and N slurmd, all as the calling user (root or not), without systemd and
# cgroups. Needs Debian's slurmctld, slurmd, slurm-client and munge.
#
#   slurm_up DIR NODES CPUS   starts it; configuration, state, logs and pids lie in DIR; exports SLURM_CONF
#   slurm_node_dies DIR NODE  kills a node's slurmd, its jobs and their helpers at once, and empties its disk
#   slurm_down DIR            ends its jobs, then the daemons whose pid files lie in DIR
PATH=$PATH:/usr/sbin:/sbin

slurm_up()
{
    slurm_dir=$(readlink -m "$1") slurm_nodes=$2
    slurm_host=$(hostname -s) slurm_user=$(id -un)
    slurm_port=${SLURM_TEST_PORT:-$((20000 + $$ % 2000 * 16))} # below what the kernel gives away by itself
    mkdir -p "$slurm_dir/state" "$slurm_dir/log" "$slurm_dir/run" || return 1
    dd if=/dev/urandom of="$slurm_dir/munge.key" bs=1024 count=1 2> /dev/null
    chmod 600 "$slurm_dir/munge.key"
    munged --force --key-file="$slurm_dir/munge.key" --socket="$slurm_dir/run/munge.socket" --pid-file="$slurm_dir/run/munged.pid" \
        --log-file="$slurm_dir/log/munged.log" --seed-file="$slurm_dir/run/munged.seed" > "$slurm_dir/log/start" 2>&1 || return 1
    # cred_expire (at least 5 s) is also how long a requeued job waits. Nodes are slurmd processes of one host, a port each. The rest makes it answer fast.
    cat > "$slurm_dir/slurm.conf" <<EOT
ClusterName=test
SlurmctldHost=$slurm_host(127.0.0.1)
SlurmUser=$slurm_user
SlurmdUser=$slurm_user
AuthType=auth/munge
AuthInfo=socket=$slurm_dir/run/munge.socket,cred_expire=5
CredType=cred/munge
MpiDefault=none
SlurmctldPort=$slurm_port
SlurmctldPidFile=$slurm_dir/run/slurmctld.pid
SlurmctldLogFile=$slurm_dir/log/slurmctld.log
StateSaveLocation=$slurm_dir/state
SlurmdPidFile=$slurm_dir/run/slurmd.%n.pid
SlurmdLogFile=$slurm_dir/log/slurmd.%n.log
SlurmdSpoolDir=$slurm_dir/state/%n
SlurmdParameters=config_overrides
TmpFS=$slurm_dir/tmp/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog=$slurm_dir/prolog
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/filetxt
JobCompLoc=$slurm_dir/jobcomp.txt
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=100000
MinJobAge=300
KillWait=10
ReturnToService=2
SlurmdTimeout=10
InactiveLimit=0
Waittime=0
JobRequeue=1
NodeName=n[1-$slurm_nodes] NodeHostname=$slurm_host NodeAddr=127.0.0.1 Port=[$((slurm_port + 1))-$((slurm_port + slurm_nodes))] CPUs=$3 RealMemory=4000 State=UNKNOWN
PartitionName=batch Nodes=ALL Default=YES MaxTime=INFINITE State=UP
EOT
    # A disk of its own for each node.
    cat > "$slurm_dir/prolog" <<EOT
#!/bin/sh
mkdir -p "$slurm_dir/disk/\$SLURMD_NODENAME" && echo "export SLURM_TMPDIR=$slurm_dir/disk/\$SLURMD_NODENAME"
EOT
    chmod +x "$slurm_dir/prolog"
    echo 'CgroupPlugin=cgroup/v1' > "$slurm_dir/cgroup.conf" # 22.05 always loads one; v1 touches nothing unless used
    SLURM_CONF=$slurm_dir/slurm.conf
    export SLURM_CONF
    slurmctld -c -f "$SLURM_CONF" >> "$slurm_dir/log/start" 2>&1 || return 1
    slurm_i=1
    while [ $slurm_i -le "$slurm_nodes" ]; do
        mkdir -p "$slurm_dir/state/n$slurm_i" "$slurm_dir/tmp/n$slurm_i"
        slurmd -c -N n$slurm_i -f "$SLURM_CONF" >> "$slurm_dir/log/start" 2>&1 || return 1
        slurm_i=$((slurm_i + 1))
    done
    slurm_i=0
    until [ "$(sinfo -h -N -t idle -o %N 2> /dev/null | wc -l)" -eq "$slurm_nodes" ]; do
        slurm_i=$((slurm_i + 1))
        [ $slurm_i -gt 120 ] && { cat "$slurm_dir/log/start" "$slurm_dir/log/slurmctld.log"; sinfo -N -l; return 1; }
        sleep 0.5
    done
}

# The processes of this cluster's jobs, on a node or on all: those whose environment says so, and the slurmstepd above them.
slurm_processes() # DIR [NODE]
{
    for slurm_p in /proc/[0-9]*; do
        slurm_env=$(tr '\0' '\n' 2> /dev/null < "$slurm_p/environ" | grep -xE "SLURM_CONF=.*|SLURM_JOB_ID=.*|SLURMD_NODENAME=.*")
        case "$slurm_env" in *SLURM_JOB_ID=*) ;; *) continue ;; esac
        echo "$slurm_env" | grep -qxF "SLURM_CONF=$1/slurm.conf" || continue
        [ -z "${2:-}" ] || echo "$slurm_env" | grep -qxF "SLURMD_NODENAME=$2" || continue
        echo "${slurm_p#/proc/}"
        slurm_parent=$(sed -n 's/^PPid:[[:space:]]*//p' "$slurm_p/status" 2> /dev/null)
        [ "$(cat "/proc/${slurm_parent:-0}/comm" 2> /dev/null)" = slurmstepd ] && echo "$slurm_parent"
    done 2> /dev/null | sort -u
}

slurm_node_dies()
{
    kill -9 "$(cat "$1/run/slurmd.$2.pid")"
    # Twice: what was being started meanwhile goes too.
    for slurm_i in 1 2; do
        slurm_pids=$(slurm_processes "$1" "$2")
        # shellcheck disable=SC2086
        [ -n "$slurm_pids" ] && kill -9 $slurm_pids 2> /dev/null
    done
    rm -rf "$1/run/slurmd.$2.pid" "$1/disk/$2"
}

slurm_alive() # PID: runs, and is not a zombie
{
    kill -0 "$1" 2> /dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2> /dev/null
}

slurm_stop() # PIDFILE
{
    [ -s "$1" ] || return 0
    slurm_pid=$(cat "$1") slurm_i=0
    kill "$slurm_pid" 2> /dev/null
    while slurm_alive "$slurm_pid"; do
        slurm_i=$((slurm_i + 1))
        [ $slurm_i -gt 100 ] && kill -9 "$slurm_pid" 2> /dev/null && break
        sleep 0.1
    done
    rm -f "$1"
}

slurm_down()
{
    # jobs first: a slurmstepd outlives its slurmd
    if [ -s "$1/run/slurmctld.pid" ] && slurm_alive "$(cat "$1/run/slurmctld.pid")"; then
        timeout 10 scancel --user="$(id -un)" 2> /dev/null
        slurm_i=0
        while [ -n "$(timeout 5 squeue -h 2> /dev/null)" ] && [ $slurm_i -lt 60 ]; do
            slurm_i=$((slurm_i + 1))
            sleep 0.25
        done
    fi
    for slurm_f in "$1"/run/slurmd.*.pid; do slurm_stop "$slurm_f"; done
    slurm_stop "$1/run/slurmctld.pid"
    slurm_stop "$1/run/munged.pid"
}
