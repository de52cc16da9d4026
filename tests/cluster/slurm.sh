#!/usr/bin/env bash
# A Slurm on the loopback, for the tests: `slurm.sh install | start [NODES] | stop`; this machine is all of its nodes.
# Needs root and Debian's or Ubuntu's apt; no systemd. `install` exits with 3 where that is not there.
set -euo pipefail

CONFIG=/etc/slurm/slurm.conf
STATE=/var/tmp/test-slurm
MARK="# written by tests/cluster/slurm.sh"
COMMANDS="munged slurmctld slurmd sbatch srun squeue scancel"

missing() {
    for name in $COMMANDS; do
        command -v "$name" >/dev/null || echo "$name"
    done
}

install() {
    [ -z "$(missing)" ] && return 0
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "Slurm is not installed, and cannot be without root and apt" >&2
        exit 3
    fi
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get update && apt-get install -y --no-install-recommends munge slurmctld slurmd slurm-client; } \
        >/tmp/test-slurm-apt.log 2>&1; then
        tail -n 5 /tmp/test-slurm-apt.log >&2
        echo "Slurm cannot be installed here (apt failed)" >&2
        exit 3
    fi
    [ -z "$(missing)" ] || { echo "after the installation there is still no $(missing)" >&2; exit 1; }
}

# A node has what the machine has, two cores at least. No accounting database, no cgroups: as little as a cluster can have.
configuration() {
    local nodes=$1 cores memory
    cores=$(nproc --all)
    memory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
    cat <<END
$MARK
ClusterName=test
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$STATE/munge.socket
CredType=cred/munge
StateSaveLocation=$STATE/controller
SlurmdSpoolDir=$STATE/%n
SlurmctldPidFile=$STATE/slurmctld.pid
SlurmdPidFile=$STATE/%n.pid
SlurmctldLogFile=$STATE/slurmctld.log
SlurmdLogFile=$STATE/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerParameters=batch_sched_delay=1,sched_interval=2
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=2
NodeName=node[1-$nodes] NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=[16821-$((16820 + nodes))] CPUs=$((cores > 2 ? cores : 2)) RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
}

ours() {
    [ -f "$CONFIG" ] && [ "$(head -n 1 "$CONFIG")" = "$MARK" ]
}

start() {
    local nodes=${1:-1} node
    [ "$(id -u)" = 0 ] || { echo "a Slurm for tests needs root" >&2; exit 1; }
    if [ -e "$CONFIG" ] && ! ours; then
        echo "$CONFIG belongs to another Slurm: it is left alone" >&2
        exit 1
    fi
    stop
    mkdir -p "$STATE/controller" "$(dirname "$CONFIG")"
    configuration "$nodes" >"$CONFIG"
    head -c 128 /dev/urandom >"$STATE/munge.key"
    chmod 600 "$STATE/munge.key"
    munged --force --key-file="$STATE/munge.key" --socket="$STATE/munge.socket" --pid-file="$STATE/munged.pid" \
        --log-file="$STATE/munged.log" --seed-file="$STATE/munged.seed" 2>"$STATE/munged.start"
    slurmctld -c
    for node in $(seq "$nodes"); do
        mkdir -p "$STATE/node$node"
        slurmd -N "node$node"
    done
    for _ in $(seq 60); do
        if [ "$(sinfo --noheader --format='%D %T' 2>/dev/null)" = "$nodes idle" ]; then
            return 0
        fi
        sleep 1
    done
    tail -n 20 "$STATE"/*.log >&2
    echo "Slurm did not come up within a minute" >&2
    exit 1
}

# Ends only what `start` started: by the ids in its own folder.
stop() {
    ours || return 0
    local file name pid
    timeout 10 scancel --user="$(id -un)" 2>/dev/null || true
    for file in "$STATE"/node*.pid "$STATE"/slurmctld.pid "$STATE"/munged.pid; do
        pid=$(cat "$file" 2>/dev/null) || continue
        name=$(basename "$file" .pid)
        if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "${name/node*/slurmd}" ]; then
            kill "$pid"
            for _ in $(seq 100); do
                [ -e "/proc/$pid" ] || break
                sleep 0.1
            done
        fi
    done
    rm -rf "$STATE" "$CONFIG"
}

case "${1:-}" in
install | start | stop) "$@" ;;
*)
    sed -n '2,3s/^# //p' "$0"
    exit 2
    ;;
esac
