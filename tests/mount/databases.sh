#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Databases inside the mount, by several processes, with processes and the daemon killed under them:
# what they acknowledged is there. SQLite with a write-ahead log and with a rollback journal, and
# PostgreSQL.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/mount.sh"

transactions=300 seconds=8
[[ -z ${MEMORIA_TEST_LONG-} ]] || transactions=5000 seconds=120
chmod 755 "$work"
options=()
((EUID != 0)) || options=(-o allow_other)  # the database's user is not root

mount_it "${options[@]}"

kill_daemon() {
  kill -9 "$daemon"
  wait_for_end "$daemon"
}

sqlite() { python3 "$here/sqlite_writers.py" "$@"; }

for journal in wal delete truncate persist; do
  step "SQLite, journal_mode=$journal: four processes, some of them killed"
  database=$mnt/sqlite-$journal
  sqlite write "$database" "$journal" "$work/acknowledged-$journal" "$transactions"
  sqlite check "$database" "$work/acknowledged-$journal"
  step "SQLite, journal_mode=$journal: the daemon killed"
  sqlite write "$database" "$journal" "$work/acknowledged-$journal" 1000000 &
  writing=$!
  sleep 2
  kill_daemon
  wait "$writing" || true  # its processes have errors, as they should
  mount_it "${options[@]}"
  sqlite check "$database" "$work/acknowledged-$journal"
done

pg_programs=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -1)
[[ -x $pg_programs/initdb ]] || fail "there is no PostgreSQL"
# PostgreSQL does not run as root.
if ((EUID == 0)); then
  as_user() { (cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$@"); }
else
  as_user() { "$@"; }
fi
pg() { as_user "$pg_programs/$1" "${@:2}"; }
cluster=$mnt/cluster sockets=$work/sockets log=$work/postgres.log
mkdir "$cluster" "$sockets"
touch "$log"
((EUID != 0)) || chown postgres: "$cluster" "$sockets" "$log"
export PGHOST=$sockets PGUSER=postgres PGDATABASE=postgres

start_postgres() {
  pg pg_ctl -D "$cluster" -w -t 60 -l "$log" -o "-k $sockets -c listen_addresses=" start \
    >/dev/null || fail "PostgreSQL does not start: $(tail "$log")"
}

query() { pg psql -XAtqc "$1"; }

# pgbench's tables say the same, and nothing that its clients were told is missing.
check_accounts() {
  local at_least=$1 sums
  sums=$(query "select (select sum(abalance) from pgbench_accounts) =
                       (select sum(delta) from pgbench_history),
                       (select sum(tbalance) from pgbench_tellers) =
                       (select sum(bbalance) from pgbench_branches),
                       (select sum(tbalance) from pgbench_tellers) =
                       (select sum(delta) from pgbench_history),
                       (select count(*) from pgbench_history) >= $at_least")
  [[ $sums == "t|t|t|t" ]] || fail "PostgreSQL's tables contradict each other: $sums"
  pg pg_amcheck --heapallindexed --install-missing >"$work/log" 2>&1 ||
    fail "pg_amcheck: $(cat "$work/log")"
}

# Transactions in the logs that pgbench writes as they are acknowledged.
acknowledged() { cat "$sockets"/log.* | wc -l; }

bench() {
  as_user pgbench --client=4 --jobs=2 --no-vacuum --log --log-prefix="$sockets/log" "$@" \
    >"$work/pgbench.log" 2>&1
}

step "PostgreSQL: initdb and pgbench"
pg initdb -D "$cluster" -U postgres --data-checksums --auth=trust >"$work/log" 2>&1 ||
  fail "initdb: $(cat "$work/log")"
start_postgres
as_user pgbench -i -s 2 -q >"$work/log" 2>&1 || fail "pgbench -i: $(cat "$work/log")"
bench -T "$seconds" || fail "pgbench: $(cat "$work/pgbench.log")"
check_accounts "$(acknowledged)"
step "$(grep -h '^tps' "$work/pgbench.log" || echo "no rate")"

step "PostgreSQL crashes"
bench -T 600 &
benching=$!
sleep 3
pg pg_ctl -D "$cluster" -m immediate stop >/dev/null || fail "PostgreSQL does not crash"
wait "$benching" || true
start_postgres
check_accounts "$(acknowledged)"

step "the daemon is killed under PostgreSQL"
bench -T 600 &
benching=$!
sleep 3
postgres=$(head -1 "$cluster/postmaster.pid")
kill_daemon
wait "$benching" || true
kill -9 "$postgres" 2>/dev/null || true
for ((tries = 0; tries < 600; tries++)); do  # its children, in its session, notice by themselves
  pgrep -s "$postgres" -r D,R,S >/dev/null || break
  sleep 0.1
done
mount_it "${options[@]}"
# They name a process that may not be collected yet, and would pass for alive.
rm -f "$cluster/postmaster.pid" "$sockets"/.s.PGSQL.*
start_postgres
check_accounts "$(acknowledged)"
query "vacuum full"
query "reindex database postgres"
pg pg_ctl -D "$cluster" -m fast stop >/dev/null || fail "PostgreSQL does not stop"
remount_it "${options[@]}"
pg pg_checksums --check -D "$cluster" >"$work/log" 2>&1 || fail "checksums: $(cat "$work/log")"
step "$(acknowledged) transactions were acknowledged, and all are there"

unmount_it
"$MEMORIA_CTL" verify "$data" >"$work/verify.log" || fail "verify: $(cat "$work/verify.log")"
step "done"
