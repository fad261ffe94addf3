#!/usr/bin/env bash
# Test with several processes on this machine: tools/dist_test.sh CONFIG CHECKPOINT NPROC [options of tools/test.py]
# GPUs are used by nccl if there are any, else CPUs by gloo. For several machines set NNODES, NODE_RANK, MASTER_ADDR and PORT.
set -euo pipefail
usage='usage: tools/dist_test.sh CONFIG CHECKPOINT NPROC [options of tools/test.py]'
config=${1:?$usage}
checkpoint=${2:?$usage}
nproc=${3:?$usage}
shift 3

exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$nproc" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "$@"
