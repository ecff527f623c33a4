# Sourced by tests/run: Node, the packages of tests/node, and the console, each only when it changed.
ensure_node "$venv"
ensure_npm tests/node
ensure_console "$venv"
