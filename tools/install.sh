#!/usr/bin/env bash
# Install mmcrowd and what it needs into one Python environment: tools/install.sh PYTHON [EXTRAS]
#
# What is there and works is kept: torch of any build, mmcv whose ops run, mmengine and mmdet of either family.
# Where there is nothing yet: TORCH_SPEC (default torch==2.13.0) is the torch to install, FAMILY the packages of OpenMMLab: onedl
# (default), or openmmlab, the original ones. PIP_ARGS go to every pip install.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${1:?usage: tools/install.sh PYTHON [EXTRAS]}
extras=${2:-}
torch_spec=${TORCH_SPEC:-torch==2.13.0}
build_log=build/mmcv.log
pip_log=build/pip.log
mkdir -p build
: >"$pip_log"

say() { printf '== %s\n' "$*"; }

fail() {
    printf 'ERROR: %s\n' "$*" >&2
    exit 1
}

# shellcheck disable=SC2086  # PIP_ARGS is a list of words
pip_install() {
    "$python" -m pip install --disable-pip-version-check ${PIP_ARGS:-} "$@" >>"$pip_log" 2>&1 ||
        { tail -n 15 "$pip_log" >&2 && fail "pip install $* failed; the full log is $pip_log"; }
}

has_package() { "$python" -m pip show -q "$1" 2>/dev/null; }

has_module() { "$python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$1') is None)"; }

# The op itself is run: an extension built for another torch can look fine, and pip can build mmcv without any op in silence.
mmcv_ops_run() {
    "$python" -c 'import torch; from mmcv.ops import nms; nms(torch.rand(3, 4), torch.rand(3), 0.5)' >/dev/null 2>&1
}

check_build_tools() {
    command -v c++ >/dev/null || command -v g++ >/dev/null ||
        fail 'mmcv has to be compiled and there is no C++ compiler; on Debian: apt-get install g++'
    "$python" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
        fail 'mmcv has to be compiled and Python.h is missing; on Debian: apt-get install python3-dev'
}

# One line every 10 seconds: what is compiled, of how much, for how long.
watch_build() {
    local pid=$1 started=$SECONDS seconds seen
    while kill -0 "$pid" 2>/dev/null; do
        seen=$(grep -oE '^ *\[[0-9]+/[0-9]+\]' "$build_log" | tail -n 1 | sed -E 's/.*\[(.*)\]/compiled \1/') || seen=
        seconds=$((SECONDS - started))
        printf '   %2d:%02d  mmcv: %s\n' $((seconds / 60)) $((seconds % 60)) "${seen:-preparing}"
        sleep 10
    done
}

build_mmcv() {
    : >"$build_log"
    # torch must be visible to the build (no isolation), or mmcv is built without its ops.
    # Python's own flags without -g: debug information would take a third of the compiler's time.
    # shellcheck disable=SC2086
    CFLAGS="-DNDEBUG -fwrapv -O3 -Wall ${CFLAGS:-}" CXXFLAGS="-DNDEBUG -fwrapv -O3 -Wall ${CXXFLAGS:-}" \
        "$python" -m pip install --disable-pip-version-check ${PIP_ARGS:-} -v --no-build-isolation "$@" "$mmcv_spec" \
        >"$build_log" 2>&1 &
    local pid=$!
    watch_build $pid
    wait $pid || { tail -n 25 "$build_log" >&2 && fail "building $mmcv_spec failed; the full log is $build_log"; }
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "mmcrowd needs Python >= 3.10, found $("$python" --version 2>&1)"

# Both families own the folders mmengine/, mmcv/ and mmdet/: the one that has begun is completed.
if has_package mmengine; then found=openmmlab; elif has_package onedl-mmengine; then found=onedl; else found=; fi
family=${FAMILY:-${found:-onedl}}
[[ $family == "${found:-$family}" ]] ||
    fail "FAMILY=$family, but the environment of $python has the packages of $found: use another environment"
case $family in
    onedl)
        mmengine_spec=onedl-mmengine==0.10.12 mmcv_spec=onedl-mmcv==2.3.6 mmdet_spec=onedl-mmdetection==3.5.1
        setuptools_spec='setuptools>=80'
        ;;
    openmmlab)
        mmengine_spec=mmengine==0.10.7 mmcv_spec=mmcv==2.1.0 mmdet_spec=mmdet==3.3.0
        setuptools_spec='setuptools>=77,<81' # the last ones with pkg_resources, which mmcv's setup.py imports
        ;;
    *) fail "FAMILY is onedl or openmmlab, found $family" ;;
esac

if ! has_module torch; then
    say "installing $torch_spec: a large download, log in $pip_log"
    pip_install "$torch_spec"
fi
has_module mmengine || { say "installing $mmengine_spec" && pip_install "$mmengine_spec"; }

if ! mmcv_ops_run; then
    has_package mmcv &&
        fail 'the installed mmcv has no working ops: rebuild it for this torch, or uninstall it to have it built here'
    check_build_tools
    say "building $mmcv_spec for torch $("$python" -c 'import torch; print(torch.__version__)'): 5 to 8 minutes on 2 cores, log in $build_log"
    pip_install --upgrade "$setuptools_spec" wheel packaging ninja psutil numpy
    build_mmcv
    if ! mmcv_ops_run; then
        say 'a wheel without working ops was in the cache of pip: building again'
        build_mmcv --no-cache-dir --force-reinstall --no-deps
        mmcv_ops_run || fail "mmcv was built, but its ops do not run; see $build_log"
    fi
fi
has_module mmdet || { say "installing $mmdet_spec" && pip_install "$mmdet_spec"; }

say "installing mmcrowd${extras:+ [$extras]}"
pip_install --editable ".${extras:+[$extras]}"

if ! "$python" -m pip check; then
    # In an environment of your own, the conflict may be between packages that are none of ours.
    [[ $python == .venv*/* ]] && fail "the packages of $python do not fit together"
    say 'WARNING: pip reports conflicts in this environment'
fi
"$python" -c 'import mmcrowd; print("== mmcrowd", mmcrowd.__version__, "is ready")'
