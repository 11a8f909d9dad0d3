"""A study in small: simulations over two parameters, a parser after each, a graph of each topology, one of all."""

NET = """
sweep:
  topology: [mesh, torus]
  buffer: [1, 2, 4]
steps:
  sim:
    run: echo {topology} {buffer} > {outputs}; echo said
    outputs: sims/{topology}/{buffer}/sim.dat
  parse:
    run: cat {sim.outputs} > {outputs}
    outputs: sims/{topology}/{buffer}/parsed
  graph:
    run: cat {parse.outputs} > {outputs}
    outputs: sims/{topology}/graph
  all:
    run: cat {graph.outputs} {parse.outputs} > {outputs}
    outputs: all
"""
