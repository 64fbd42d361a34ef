#!/usr/bin/env bash
# Makes the tables and figures of the pages again, from what is stored in experiments/*/results, each as a report in a
# folder of its own. Nothing is trained; minutes on two cores.
#   experiments/remake.sh [FOLDER] [NAME...]      FOLDER: runs/remade unless said; NAME: only these, such as omniglot
# `python3 experiments/recompute.py FOLDER` then computes numbers of these reports again, without RlLeap.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-runs/remade}
shift || true
names=" $* "
failed=0
e=experiments

report() { # NAME ARGUMENTS...
    local name=$1
    shift
    if [ "$names" != "  " ] && [[ $names != *" $name "* ]]; then return; fi
    mkdir -p "$folder"
    printf '%s\n' "$@" | grep "^$e/" | sed 's#/$##' > "$folder/$name.runs" # what it is made of, for recompute.py
    printf '%s\n' "$@" | awk 'by { print } { by = $0 == "--by" }' > "$folder/$name.by"
    if ./rlleap report "$@" -o "$folder/$name" > "$folder/$name.txt" 2>&1; then
        echo "$folder/$name"
    else
        echo "$name failed: $folder/$name.txt" >&2
        failed=1
    fi
}

report quick --pool $e/minatar/results/quick/*
report leave-one-out --pool $e/minatar/results/quick-table*/*/*
report leave-one-out-finetuning --pool --against finetuning \
    $e/minatar/results/quick-table/*/seed-[123] $e/minatar/results/quick-table-finetuning/*/*
report parts --by method.metric --by method.loss-in-path --by meta.optimizer.learning-rate \
    $e/minatar/results/parts/*/*/*/*
report minatar-warp --pool --against leap $e/minatar/results/quick-table/*/* $e/minatar/results/warp-table/*/*
report minatar-a2c --pool $e/minatar/results/a2c/*/*
report minatar --pool $e/minatar/results/table/*/*/*
report minatar-finetuning --pool --against finetuning $e/minatar/results/table/*/*/*
report classic --pool $e/classic/results/*-v[0-9]-[1-5]/
report leap-cartpole $e/classic/results/leap-cartpole
report omniglot --pool $e/omniglot/results/table/*/*
report omniglot-alphabets --pool --over omniglot.alphabets $e/omniglot/results/table/*/* \
    $e/omniglot/results/alphabets/*/*/*
report omniglot-ablation --by method.metric --by method.loss --by method.stabilizer \
    $e/omniglot/results/ablation/*/*/*/*
w=$e/omniglot/results/warpgrad
report warpgrad --pool --against leap $w/leap/* $w/finetuning/* $w/warp-online/*
# Reptile's runs were made on another processor: their random initializations are runs of their own there.
report warpgrad-reptile --pool --against leap $w/leap/* $w/reptile/*
report warpgrad-reptile-none --pool $w/reptile/*
report warp-updates --pool --against "warp: online" --by method.update $w/leap/seed-[123] $w/warp-online/seed-[123] \
    $w/warp-local-4/* $w/warp-central-4/*
report warp-ablation --pool --against leap --by method.layer --by method.depth $w/leap/seed-[123] \
    $w/warp-online/seed-[123] $w/warp-scaling/* $w/warp-conv1x1/* $w/warp-deep/*
report omniglot-alphabets-small --pool --over omniglot.alphabets $w/leap/seed-[123] $w/finetuning/seed-[123] \
    $e/omniglot/results/alphabets-small/*/*/*
report omniglot-rates --pool --over meta.optimizer.learning-rate $w/leap/seed-[123] $w/reptile/seed-[123] \
    $e/omniglot/results/rates/*/*/*
report omniglot-rate-search --over meta.optimizer.learning-rate $e/omniglot/results/rate-search/*/*/*
report omniglot-loss-left-out --over meta.optimizer.learning-rate $e/omniglot/results/loss-left-out/*/*
report omniglot-long-table --pool $e/omniglot/results/long-table/*/*
report multi-cv --window 10 --pool $e/multi-cv/results/table/*/*/*
report multi-cv-long --window 10 --pool --against leap $e/multi-cv/results/long/*/*
report multi-cv-rescaled --window 10 --pool $e/multi-cv/results/long-rescaled/*
report few-shot $e/few-shot/results/*
report continual --pool $e/transfer/continual/results/method-*/*
report continual-pair --pool --by image-sets.learner.gradient-steps $e/transfer/continual/results/pair/*/*
report meta-transfer --by method.scale-shift --by method.hard-classes $e/transfer/meta-transfer/results/omniglot/*/*
report distillation $e/transfer/distillation/results/*
report domain-adaptation --pool --over method.weight $e/transfer/domain-adaptation/results/*/*
report multi-task --by method.sharing --by method.weights $e/transfer/multi-task/results/*/*
report freeze --over image-sets.held-out-images --by evaluation.roles --pool $e/transfer/freeze/results/*/*/*
exit $failed
