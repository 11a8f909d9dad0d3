"""The study of sweep.yaml as a Python program: the same 27 tasks, with the same names, commands and files.

    python study.py                     runs it
    taskrun run study.py graph          or so, with all that the command line can do
"""

import sys
from pathlib import Path

import taskrun

TOPOLOGIES = ["fat_tree", "mesh", "torus"]
BUFFERS = [1024, 2048, 4096, 8192]

manager = taskrun.Manager("netsim", root=Path(__file__).parent)


def name(step: str, **values: object) -> str:
    """`sim/topology=mesh/buffer=1024`; any other name would do as well."""
    return "/".join([step, *(f"{key}={value}" for key, value in values.items())])


for topology in TOPOLOGIES:
    for buffer in BUFFERS:
        folder = f"sims/{topology}/{buffer}"
        manager.task_new(
            name("sim", topology=topology, buffer=buffer),
            f"./netsim -s 1000 -t {topology} -b {buffer} -o {folder}/sim.dat",
            stdout=f"{folder}/sim.out",
            step="sim",
            inputs="netsim",
            outputs=f"{folder}/sim.dat",
        )

for topology in TOPOLOGIES:
    for buffer in BUFFERS:
        folder = f"sims/{topology}/{buffer}"
        manager.task_new(
            name("parse", topology=topology, buffer=buffer),
            f"./parsesim -i {folder}/sim.dat -o {folder}/latency.csv",
            step="parse",
            inputs=["parsesim", f"{folder}/sim.dat"],  # who reads a file comes after who makes it
            outputs=f"{folder}/latency.csv",
        )

for topology in TOPOLOGIES:
    tables = [f"sims/{topology}/{buffer}/latency.csv" for buffer in BUFFERS]
    manager.task_new(
        name("graph", topology=topology),
        f"./graphsim -o sims/{topology}/graph.png {' '.join(tables)}",
        step="graph",
        inputs=["graphsim", *tables],
        outputs=f"sims/{topology}/graph.png",
    )

if __name__ == "__main__":
    summary = manager.run(progress=True)
    for failure in summary.failures:
        print(f"{failure.task}: {failure.cause}, see {failure.log}")
    sys.exit(not summary.ok)
