#!/bin/bash
#SBATCH --job-name={{ name }}
#SBATCH --array=1-{{ nodes }}
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={{ cpus }}
{% include "slurm-asked.sh" %}

# Jobs that join a running Ray cluster, one node each. They may come and go: what a node had in work
# when it went is done again elsewhere. They end with the cluster.

{% include "slurm-setup.sh" %}
export RAY_TMPDIR="/tmp/headstart-$SLURM_JOB_ID" RAY_USAGE_STATS_ENABLED=0
mkdir -p "$RAY_TMPDIR" || exit

node=''
trap '[ -z "$node" ] || kill "$node" 2>/dev/null' TERM  # cancelled, or a job of higher priority
ray start --address={{ address | quote }} --block --num-cpus="$SLURM_CPUS_PER_TASK" --num-gpus={{ gpus }} \
    --min-worker-port=0 --max-worker-port=0 &
node=$!
wait "$node"
code=$?
wait "$node" 2>/dev/null  # a signal ends the waiting, and not yet the node
rm -rf "$RAY_TMPDIR"
exit $code
