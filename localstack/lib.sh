# Sourced by up, down and run: where things are, and the small words.
# shellcheck shell=bash
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=$(dirname "$here")/.local # not in git; removing it is harmless while all is down
envfile=$state/env
# Two checkouts on one machine need two pairs of ports.
port=${RUNNEL_LOCAL_PORT:-4566}               # everything, or SQS alone beside stand-ins
dynamo_port=${RUNNEL_LOCAL_DYNAMO_PORT:-4567} # DynamoDB, beside stand-ins

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
