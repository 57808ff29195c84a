"""A process with one framework in one configuration: reads tasks, runs them on all its engines.

Started by `exactness_runtimes.Worker`. A task is a line of JSON: [kind, input file, output file];
files are pickles, and the output is {engine: results}. "done" on the standard output ends each.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import exactness_engines as engines
import exactness_tasks as tasks

framework, bundle = sys.argv[1], Path(sys.argv[2])
make = {"tensorflow": engines.tensorflow_engines, "jax": engines.jax_engines}[framework]
setting = tasks.Setting(bundle)
mine = make(setting.network)

for line in sys.stdin:
    kind, source, out = json.loads(line)
    payload = pickle.loads(Path(source).read_bytes())
    if kind == "indexes":
        results = {name: tasks.indexes(engine, payload) for name, engine in mine.items()}
    elif kind == "extreme":
        network, cases = payload
        results = {name: tasks.indexes(e, cases) for name, e in make(network).items()}
    else:
        run = {"encode": tasks.encode, "decode": tasks.decode}[kind]
        results = {name: run(engine, payload, setting) for name, engine in mine.items()}
    Path(out).write_bytes(pickle.dumps(results))
    print("done", flush=True)
