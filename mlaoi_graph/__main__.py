"""``python -m mlaoi_graph`` is ``mlaoi-graph``."""

from mlaoi_graph.cli import main

if __name__ == "__main__":
    main()
