# Sourced: what the rehearsal, and a database host, runs beside PostgreSQL and the service.
ha_packages=(etcd-server haproxy pgbouncer nginx-light openssl iproute2 util-linux python3-etcd)

# Debian's Patroni (3.0.2) lets a leader that stood still take its lock back from its successor, and lose what that
# one acknowledged (`tests/bench ha --fault frozen`); mended in 3.0.3. What it speaks to etcd with is only built by Debian.
ensure_patroni() {
  local venv="$root/.sarhad/patroni-venv"
  ensure_tool "$venv" deploy/ha/patroni.txt
  ln -sfn /usr/lib/python3/dist-packages/etcd "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/etcd"
}
