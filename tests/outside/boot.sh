#!/usr/bin/env bash
# Boots systemd in a container and runs the daemon there as the service that hubs install: the real unit, user, folders, journal.
#
#   tests/outside/boot.sh PROGRAM        PROGRAM: the mutuald to install
#
# The container is this system's own tree, seen through an overlay in memory: nothing here is changed, and all of it is gone
# at the end. It has no network but its own loopback. Needs root, systemd-nspawn (Debian's systemd-container), overlayfs and
# a kernel that lets a container boot. Exit 0: the service did well. 1: it did not. 3: it could not be tried; says why.
set -uo pipefail
cannot() { printf 'SKIP the service is not booted: %s\n' "$1"; exit 3; }
program=$(realpath "$1") || exit 2
config=$(cd "$(dirname "$0")/../../config" && pwd) || exit 2
[ "$(id -u)" -eq 0 ] || cannot 'only root may boot a container'
for tool in systemd-nspawn unshare; do
  command -v "$tool" >/dev/null || cannot "$tool is missing"
done

# Mounts made from here on are seen by this script and its children only, and end with them.
if [ "${MUTUALD_BOOT_INSIDE:-}" != 1 ]; then
  unshare --mount true 2>/dev/null || cannot 'this system lets nobody mount'
  MUTUALD_BOOT_INSIDE=1 exec unshare --mount --propagation private "$0" "$@"
fi
work=$(mktemp -d) || exit 2
trap 'umount -l "$work" 2>/dev/null; rmdir "$work" 2>/dev/null' EXIT
mount -t tmpfs -o size=512m tmpfs "$work" 2>/dev/null || cannot 'no tmpfs can be mounted'
mkdir "$work"/{upper,inner,root,out}
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/inner" "$work/root" 2>/dev/null ||
  cannot 'no overlay can be mounted'
root=$work/root

# What a package would install. Whatever of it this system has already is out of the way.
rm -rf "$root"/var/lib/mutuald "$root"/etc/mutuald "$root"/etc/systemd/system/mutuald.service.d
install -D -m 0755 "$program" "$root/usr/bin/mutuald"
install -D -m 0644 "$config/mutuald.service" "$root/usr/lib/systemd/system/mutuald.service"
install -D -m 0644 "$config/mutuald.sysusers" "$root/usr/lib/sysusers.d/mutuald.conf"
install -D -m 0644 "$config/mutuald.tmpfiles" "$root/usr/lib/tmpfiles.d/mutuald.conf"
tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"

cat >"$root/etc/systemd/system/mutuald-boot.target" <<'UNIT'
[Unit]
Requires=mutuald-boot.service
UNIT
cat >"$root/etc/systemd/system/mutuald-boot.service" <<'UNIT'
[Service]
Type=oneshot
ExecStart=/bin/bash /etc/mutuald-boot
ExecStopPost=/bin/systemctl --no-block exit 0
UNIT
# The steps of an administrator, in words of the unit's own comments; then what must be true.
cat >"$root/etc/mutuald-boot" <<'CHECK'
exec >/out/log 2>&1
echo booted >/out/booted
set -eux
trap 'journalctl --no-pager -u mutuald.service | tail -n 40; systemctl --no-pager status mutuald.service || true' ERR
systemd-sysusers mutuald.conf
systemd-tmpfiles --create mutuald.conf
cd /var/lib/mutuald
as_hub() { runuser -u mutuald -- "$@"; }
as_hub mutuald --config /var/lib/mutuald/first.toml init --name 'Boot Hub' --address boot.example.org \
  --contact hub@example.org --state /var/lib/mutuald
install -o root -g mutuald -m 0640 first.toml /etc/mutuald/hub.toml
rm first.toml

ask() { # path: the answer, head and all
  exec 3<>/dev/tcp/127.0.0.1/8330
  printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' "$1" >&3
  cat <&3
  exec 3>&-
}
show() { systemctl show --value -p "$1" mutuald.service; }
# Returns when the daemon has said that it is ready.
systemctl start mutuald.service
[ "$(show ActiveState)/$(show SubState)" = active/running ]
ask /healthz | grep -q '200 OK'
ask /readyz | grep -q '200 OK'
ask / | grep -q 'Boot Hub'
ask /.well-known/groups-hub | grep -q groups-hub/v1

# Its log is in the journal, with fields of its own, under its own name.
journalctl --no-pager -o json -u mutuald.service SYSLOG_IDENTIFIER=mutuald | grep -q '"TARGET":"mutuald'
# The rules of the sandbox hold: it may write its state, and nothing else.
pid=$(show MainPID)
[ "$(stat -c %U /proc/"$pid")" = mutuald ]
grep -q '^CapEff:[[:space:]]*0*$' /proc/"$pid"/status
grep -q '^NoNewPrivs:[[:space:]]*1$' /proc/"$pid"/status
grep -q '^Seccomp:[[:space:]]*2$' /proc/"$pid"/status
nsenter --mount --target "$pid" sh -c '! touch /usr/new /etc/new && touch /var/lib/mutuald/new && rm /var/lib/mutuald/new' 2>/dev/null

# A new configuration is taken without a restart; what the pages show of it, with the next start.
sed -i '/^\[hub\]/a name = "Renamed Hub"' /etc/mutuald/hub.toml
said() { journalctl --no-pager -u mutuald.service | grep -q "$1"; }
systemctl reload mutuald.service
for _ in $(seq 100); do said 'configuration read again' && break; sleep 0.1; done
said 'configuration read again'
[ "$(show ActiveState)/$(show MainPID)" = "active/$pid" ]

# Killed, it comes back by itself with what it had; its people's commands work beside it.
systemctl kill --signal=KILL mutuald.service
for _ in $(seq 200); do [ "$(show NRestarts)/$(show SubState)" = 1/running ] && break; sleep 0.1; done
[ "$(show NRestarts)/$(show SubState)" = 1/running ]
ask /readyz | grep -q '200 OK'
ask / | grep -q 'Renamed Hub'
as_hub mutuald --config /etc/mutuald/hub.toml registry check

# Asked to stop, it finishes and ends well.
systemctl stop mutuald.service
[ "$(show Result)/$(show ExecMainStatus)" = success/0 ]
systemd-analyze verify --man=no mutuald.service
echo passed >/out/passed
CHECK

timeout --kill-after=10 150 systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --private-network \
  --machine="mutuald-boot-$$" --link-journal=no --bind="$work/out:/out" --console=pipe --boot \
  systemd.unit=mutuald-boot.target </dev/null >"$work/console" 2>&1
if [ ! -e "$work/out/booted" ]; then
  tail -n 5 "$work/console"
  cannot 'systemd does not come up in a container here'
fi
if [ -e "$work/out/passed" ]; then
  echo 'the service was installed, started, asked, reloaded, killed and stopped under systemd'
  exit 0
fi
cat "$work/out/log"
exit 1
