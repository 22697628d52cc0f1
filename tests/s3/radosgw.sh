#!/usr/bin/env bash
# A real S3 server for tests, in memory and on loopback: one Ceph monitor, one memstore OSD and radosgw, from Debian's packages.
#   radosgw.sh start DIR [PORT] [OWNER]   returns when it answers a signed request; DIR/server then holds its endpoint and its users' keys.
#                                         Without PORT (or with 0) a free one is taken. When the process OWNER ends, so does the server.
#   radosgw.sh stop DIR                   ends its daemons, those of DIR/run alone
# Several can run at once, each in a DIR of its own (at most 60 bytes long: a socket's path has little room). About 15 s, 150 MB.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
die() { echo "radosgw: $*" >&2; exit 1; }
usage() { sed -n '3,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
command=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd)
rgw_port=${3:-0} owner=${4:-}

# Only a process that was started for this folder: a number may have been given to another one since.
is_ours() { tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -qF -- "-c $dir/ceph.conf "; }

stop() {
  local pids=() file pid
  for file in "$dir"/run/*.pid; do
    [ -f "$file" ] && pid=$(tr -dc 0-9 <"$file") && [ -n "$pid" ] && is_ours "$pid" && pids+=("$pid")
  done
  # What is in memory need not be put away in order.
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do while is_ours "$pid"; do sleep 0.05; done; done
  rm -f "$dir"/run/*.pid
}

# Below the range that outgoing connections take theirs from.
free_ports() {
  python3 - "$1" <<'PY'
import random, socket, sys
found = []
while len(found) < int(sys.argv[1]):
    port = random.randrange(20000, 32000)
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
    found.append(port)
print(*found)
PY
}

write_config() {
  cat >"$dir/ceph.conf" <<CONF
[global]
fsid = $fsid
mon_host = $mon_addresses
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv6 = false
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = true
keyring = $dir/keyring
run_dir = $dir/run
admin_socket =
pid_file = $dir/run/\$name.pid
log_file = $dir/log/\$name.log
mon_data = $dir/mon
osd_data = $dir/osd
mon_data_avail_crit = 1
mon_data_avail_warn = 2
mon_max_pg_per_osd = 2000
mon_allow_pool_size_one = true
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
[osd]
osd_objectstore = memstore
memstore_device_bytes = 8589934592
osd_class_load_list = *
osd_class_default_list = *
[client.rgw]
rgw_data = $dir/rgw
rgw_frontends = beast endpoint=127.0.0.1:$rgw_port
rgw_thread_pool_size = 16
rgw_dns_name = s3.us-east-1.amazonaws.com
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_run_sync_thread = false
rgw_gc_obj_min_wait = 10
rgw_gc_processor_period = 10
rgw_gc_processor_max_time = 10
CONF
}

key() { ceph-authtool "$dir/keyring" --gen-key -n "$@" >/dev/null; }

start() {
  local program
  for program in ceph-mon ceph-osd ceph radosgw radosgw-admin; do
    command -v $program >/dev/null || die "$program is not installed"
  done
  [ ${#dir} -le 60 ] || die "$dir is too long a path"
  [ ! -e "$dir/ceph.conf" ] || die "$dir holds another one"
  mkdir -p "$dir"/{mon,osd,rgw,run,log}
  local ports
  read -ra ports <<<"$(free_ports 3)"
  [ "$rgw_port" != 0 ] || rgw_port=${ports[2]}
  local mon_addresses="[v2:127.0.0.1:${ports[0]},v1:127.0.0.1:${ports[1]}]" fsid osd_id c="-c $dir/ceph.conf"
  fsid=$(cat /proc/sys/kernel/random/uuid)
  osd_id=$(cat /proc/sys/kernel/random/uuid)
  write_config

  ceph-authtool -C "$dir/keyring" --gen-key -n mon. --cap mon 'allow *' >/dev/null
  key client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
  key client.rgw --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
  key osd.0 --cap mon 'allow profile osd' --cap osd 'allow *' --cap mgr 'allow *'
  monmaptool --create --fsid "$fsid" --addv a "$mon_addresses" "$dir/monmap" >/dev/null
  # shellcheck disable=SC2086
  {
    ceph-mon $c -i a --mkfs --monmap "$dir/monmap" --keyring "$dir/keyring"
    ceph-mon $c -i a
    ceph $c osd new "$osd_id" >/dev/null
    ceph-osd $c -i 0 --mkfs --osd-uuid "$osd_id"
    ceph-osd $c -i 0
    radosgw $c -n client.rgw
    radosgw-admin $c -n client.rgw user create --uid=weir --display-name=weir --access-key=WEIRKEY --secret-key="$secret" >/dev/null
    radosgw-admin $c -n client.rgw user create --uid=other --display-name=other --access-key=OTHERKEY --secret-key="$secret" >/dev/null
  }
  local endpoint=http://127.0.0.1:$rgw_port
  python3 "$here/s3.py" --endpoint "$endpoint" --key WEIRKEY --secret "$secret" ready
  printf '{"endpoint": "%s", "key": "WEIRKEY", "secret": "%s", "other_key": "OTHERKEY", "other_secret": "%s"}\n' \
    "$endpoint" "$secret" "$secret" >"$dir/server"
}

case $command in
  start)
    secret=test$(tr -d - </proc/sys/kernel/random/uuid)
    # In a shell of its own, so that it ends at the first failure; and the daemons keep nothing of the caller's open.
    (start) >"$dir/start.log" 2>&1 </dev/null &
    wait $! || { tail -n 20 "$dir"/start.log "$dir"/log/*.log >&2; stop; exit 1; }
    if [ -n "$owner" ]; then
      (tail --pid="$owner" -f /dev/null; stop) </dev/null >/dev/null 2>&1 &
    fi
    ;;
  stop) stop ;;
  *) usage ;;
esac
