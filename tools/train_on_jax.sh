#!/usr/bin/env bash
# Train on a machine that has JAX, but neither Keras nor TensorFlow, nor a network.
#
#   tools/train_on_jax.sh fetch 3.12 [PACKAGE...]   here: wheels for that Python go to wheels/
#   tools/train_on_jax.sh train SECONDS PRESET [OPTION...]   there, in the repository's root
#
# `fetch` takes keras, namex and optree; name those of h5py, rich, absl-py and ml-dtypes that the
# machine lacks as well. `train` runs `aeimage train PRESET --out run OPTION...` for so many seconds,
# then asks it to stop, which leaves a checkpoint, and puts into the folder $OUT (by default out/) at
# most 8 files of at most 16 MB: best.weights.h5, logs.tgz, and the checkpoint in parts, at half
# precision where it does not fit otherwise.
#
# To go on, on any machine: unpack logs.tgz into run/, then
#   python tools/split_checkpoint.py join out run/checkpoint.npz
# and train with --resume. Where parts and pictures are too much to carry, take best.weights.h5 with
# --init.
#
# For example, after `python tools/pack_crops.py PHOTOS`:
#   tools/train_on_jax.sh train 540 codec --data packed/train --validation-data packed/validation \
#       --batch-size 64 --log-every 50 --validate-every 1000
set -euo pipefail

PYTHON=${PYTHON:-python3}
RUN=${RUN:-run}
OUT=${OUT:-out}

fetch() {
    local version=$1
    shift
    mkdir -p wheels
    "$PYTHON" -m pip download --dest wheels --no-deps --only-binary :all: \
        --python-version "$version" --platform manylinux_2_28_x86_64 \
        --platform manylinux_2_27_x86_64 --platform manylinux2014_x86_64 \
        keras namex optree "$@"
    ls -l wheels
}

train() {
    local seconds=$1
    shift
    # Beside the machine's own packages, not into them.
    if [ ! -d .wheels ]; then
        "$PYTHON" -m pip install --quiet --no-index --no-deps --target .wheels wheels/*.whl
    fi
    export PYTHONPATH="$PWD:$PWD/.wheels${PYTHONPATH:+:$PYTHONPATH}"
    export KERAS_BACKEND=jax PYTHONUNBUFFERED=1
    local status=0
    # TERM: training ends after the step at hand and saves; KILL only if it does not within two minutes.
    timeout -s TERM -k 120 "$seconds" "$PYTHON" -m aeimage train "$1" --out "$RUN" "${@:2}" || status=$?
    # 124: the time was up.
    if [ "$status" != 0 ] && [ "$status" != 124 ]; then
        echo "Training failed with exit code $status." >&2
        [ -f "$RUN/checkpoint.npz" ] || return "$status"
    fi
    mkdir -p "$OUT"
    cp "$RUN/best.weights.h5" "$OUT/"
    (cd "$RUN" && tar -czf - ./*.csv run.json) >"$OUT/logs.tgz"
    # With the weights at most 64 MiB in all.
    local options
    for options in "" "--half" "--half --keep average"; do
        # shellcheck disable=SC2086
        "$PYTHON" tools/split_checkpoint.py split "$RUN/checkpoint.npz" "$OUT" \
            --most-bytes 51M $options && break
    done
    ls -l "$OUT"
    [ "$status" = 124 ] || return "$status"
}

case "${1:-}" in
fetch | train) "$@" ;;
*)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"
    exit 2
    ;;
esac
