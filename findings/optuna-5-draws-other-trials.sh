#!/usr/bin/env bash
# Library:  optuna 4.6.0 and 5.0.0
# Expected: the same sampler with the same seed draws the same trials after an upgrade.
# Seen:     after the random start-up trials, 5.0 proposes others.
# Matters:  a training run that is repeated from its recorded seed gives another model.
# We:       record optuna's version with each run that searched.
# Output:   4.6.0 and 5.0.0: 10 start-up trials equal, 4 that follow differ
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
cat > search.py <<'P'
import json
import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
study.optimize(lambda t: t.suggest_float("x", -5, 5) ** 2 + t.suggest_float("y", -5, 5) ** 2, n_trials=14)
json.dump([trial.params for trial in study.trials], open(f"{optuna.__version__}.json", "w"))
P
for version in 4.6.0 5.0.0; do
    python3 -m venv "v$version" && "v$version/bin/pip" install -q --disable-pip-version-check "optuna==$version"
    "v$version/bin/python" search.py
done
python3 - <<'P'
import json

old, new = (json.load(open(f"{version}.json")) for version in ("4.6.0", "5.0.0"))
equal = [a == b for a, b in zip(old, new)]
print(f"4.6.0 and 5.0.0: {sum(equal[:10])} start-up trials equal, {equal[10:].count(False)} that follow differ")
assert all(equal[:10]) and not any(equal[10:])
P
