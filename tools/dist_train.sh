#!/usr/bin/env bash
# Train with several processes on this machine: tools/dist_train.sh CONFIG NPROC [options of tools/train.py]
# GPUs are used by nccl if there are any, else CPUs by gloo. For several machines set NNODES, NODE_RANK, MASTER_ADDR and PORT.
set -euo pipefail
config=${1:?usage: tools/dist_train.sh CONFIG NPROC [options of tools/train.py]}
nproc=${2:?usage: tools/dist_train.sh CONFIG NPROC [options of tools/train.py]}
shift 2

exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$nproc" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/train.py" "$config" --launcher pytorch "$@"
