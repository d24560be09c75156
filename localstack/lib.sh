# Sourced by up, down and run: where things are, and the small words.
# shellcheck shell=bash
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=$(dirname "$here")/.local # not in git; removing it is harmless while all is down
envfile=$state/env

say() { echo "localstack: $*" >&2; }
die() {
	say "$*"
	exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# answers PORT reports whether something listens there.
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# running NAME reports whether the process that up started under that name is
# still there: the same process, not another with its number.
running() {
	local pid started
	[ -f "$state/$1.pid" ] || return 1
	read -r pid started <"$state/$1.pid"
	[ "$(started_at "$pid")" = "$started" ]
}

# started_at PID says when the process began, in the kernel's ticks.
started_at() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20 || true; }

# stop_all stops what up started, whichever way, and prints the names.
stop_all() {
	local name pid
	for name in localstack dynamodb fauxqs; do
		if running "$name"; then
			read -r pid _ <"$state/$name.pid"
			kill -TERM -- "-$pid" # it leads a group of its own: Java goes with it
			for _ in $(seq 100); do
				running "$name" || break
				sleep 0.1
			done
			if running "$name"; then kill -KILL -- "-$pid"; fi
			echo "$name"
		fi
		rm -f "$state/$name.pid"
	done
	if [ -f "$state/docker" ]; then
		RUNNEL_LOCAL_PORT=$(cat "$state/docker") docker compose -f "$here/compose.yaml" down >&2 ||
			die "docker compose could not stop LocalStack; without its engine: rm $state/docker"
		rm -f "$state/docker"
		echo docker
	fi
	rm -f "$envfile" "$state/way"
}
