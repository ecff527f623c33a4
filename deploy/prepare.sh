# Sourced by deploy/up and tests/run: Debian packages and the virtual environment, each only where missing.
# Expects $root (the clone). Everything it makes is under $root/.sarhad.

unset PYTHONPATH PYTHONHOME VIRTUAL_ENV
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

# ensure_venv DIRECTORY LOCK: installed by hash, only when the lock, Python or the clone's place changed.
ensure_venv() {
  local venv=$1 lock=$2 python=/usr/bin/python3 stamp
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    die "/usr/bin/python3 must be Python 3.11 or newer (Debian 12 has 3.11)"
  stamp=$(cat "$root/$lock" "$root/pyproject.toml" "$root/clients/python/pyproject.toml" <("$python" -VV) <(echo "$venv") | sha256sum)
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
