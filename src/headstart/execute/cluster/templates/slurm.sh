#!/bin/bash
#SBATCH --job-name={{ name }}
#SBATCH --nodes={{ nodes }}
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task={{ cpus }}
{% include "slurm-asked.sh" %}
#SBATCH --signal=B:USR1@{{ before_limit }}

# A Ray cluster inside the allocation, and the study on it. To go on after the job was stopped in
# any way, submit the same script again: what the store holds is not run again.

{% include "slurm-setup.sh" %}
export RAY_TMPDIR="/tmp/headstart-$SLURM_JOB_ID" RAY_USAGE_STATS_ENABLED=0
# Without a token, anyone who reaches a Ray cluster can run code on it; this one is of this job.
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))') || exit
export RAY_AUTH_TOKEN RAY_AUTH_MODE=token

stopped='' run='' steps=''
stop() {  # as Ctrl-C: what was finished is in the store
    stopped=yes
    [ -z "$run" ] || kill -INT "$run" 2>/dev/null
}
trap stop USR1  # {{ before_limit }} s before the time limit
trap stop TERM  # cancelled, or a job of higher priority

# Step with all that the job has on its nodes. Other jobs may share them: no port is Ray's usual
# one, and RAY_TMPDIR is this job's.
step=(srun --overlap --ntasks-per-node=1 --cpus-per-task="$SLURM_CPUS_PER_TASK")
here=(-N 1 -n 1 -w "$SLURMD_NODENAME")
elsewhere=(-N $((SLURM_NNODES - 1)) -n $((SLURM_NNODES - 1)) -x "$SLURMD_NODENAME")
ray_node=(--block --num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus={{ gpus }}
    --min-worker-port=0 --max-worker-port=0)

finish() {
    [ -z "$steps" ] || kill $steps 2>/dev/null
    wait
    # A cancelled job can start no step and is soon killed: the folders of its nodes may be left.
    "${step[@]}" -n "$SLURM_NNODES" rm -rf "$RAY_TMPDIR" 2>/dev/null || rm -rf "$RAY_TMPDIR"
}
fail() {
    echo "headstart: $1" >&2
    finish
    exit 1
}

"${step[@]}" -n "$SLURM_NNODES" mkdir -p "$RAY_TMPDIR" || fail "no folder $RAY_TMPDIR can be made"
ip=$(python -c 'import ray; print(ray.util.get_node_ip_address())') ||
    fail "Python has no Ray: pip install 'headstart[ray]', or enter its environment in setup"
port=$((20000 + SLURM_JOB_ID % 6000))
"${step[@]}" "${here[@]}" ray start --head --port=$port \
    --include-dashboard=false "${ray_node[@]}" >"$RAY_TMPDIR/head.log" 2>&1 &
steps=$!
for ((i = 0; i < {{ patience }}; i++)); do
    (exec 3<>"/dev/tcp/$ip/$port") 2>/dev/null && break
    kill -0 "$steps" 2>/dev/null || break
    sleep 1
done
(exec 3<>"/dev/tcp/$ip/$port") 2>/dev/null || {
    cat "$RAY_TMPDIR/head.log" >&2
    fail "Ray does not answer on $SLURMD_NODENAME"
}
if [ "$SLURM_NNODES" -gt 1 ]; then
    "${step[@]}" "${elsewhere[@]}" ray start --address="$ip:$port" "${ray_node[@]}" >/dev/null &
    steps+=" $!"
fi
python - "$ip:$port" "$SLURM_NNODES" <<'END' || fail "no Ray cluster"
import sys, time, ray
ray.init(address=sys.argv[1], logging_level="ERROR", log_to_driver=False)
wanted, until = int(sys.argv[2]), time.monotonic() + {{ patience }}
while (alive := sum(node["Alive"] for node in ray.nodes())) < wanted and time.monotonic() < until:
    time.sleep(1)
print(f"headstart: {alive} of {wanted} nodes are there", file=sys.stderr)
END

code=130
if [ -z "$stopped" ]; then
    set -m  # without it bash has what runs in the background ignore Ctrl-C
    python -m headstart run {{ study | quote }} --store {{ store | quote }} \
        --executor ray --address "$ip:$port" &
    run=$!
    set +m
    wait "$run"
    code=$?
    while kill -0 "$run" 2>/dev/null; do  # a signal ends the waiting, and not yet the run
        wait "$run"
        code=$?
    done
fi
finish

# Stopped, and not by scancel: again later, on whatever nodes there are then.
if [ -n "$stopped" ] && [ $code != 0 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt {{ requeues }} ] &&
    [ "$(squeue --noheader --jobs="$SLURM_JOB_ID" --format=%T)" = RUNNING ]; then
    echo "headstart: stopped before the end of the job's time; it is queued again" >&2
    scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
