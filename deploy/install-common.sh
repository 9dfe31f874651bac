# shellcheck shell=bash
# What both installers do alike. Sourced, never run.

say() { printf '\n== %s\n' "$*"; }

install_packages() { # names of Debian packages; only the missing ones, so that a second run needs no network
	local missing=() package
	for package in "$@"; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
	done
	[ "${#missing[@]}" -gt 0 ] || return 0
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

make_user() { # home folder, name (loalang when left out), which is its group's too
	local name=${2:-loalang}
	getent group "$name" >/dev/null || groupadd --system "$name"
	getent passwd "$name" >/dev/null ||
		useradd --system --gid "$name" --home-dir "$1" --no-create-home --shell /usr/sbin/nologin "$name"
}

copy_source() { # from, to: only what is shipped, and never a checkout's leftovers
	mkdir -p "$2"
	tar -C "$1" --exclude=node_modules --exclude=__pycache__ -cf - audio_library controller deploy \
		device protocol web pyproject.toml README.md LICENSE | tar -C "$2" --no-same-owner -xf -
}

pages_are_built() { # source: there are none to build, or they are newer than what they are made of
	local manifest=$1/web/dist/.vite/manifest.json
	[ -f "$1/web/package.json" ] || return 0
	[ -f "$manifest" ] || return 1
	[ -z "$(find "$1/web" -path "$1/web/dist" -prune -o -type f -newer "$manifest" \
		\( -name '*.ts' -o -name '*.css' -o -name '*.json' \) -print -quit)" ]
}

make_venv() { # folder, lock file, options for venv
	local folder=$1 lock=$2
	shift 2
	[ -x "$folder/bin/python" ] || python3 -m venv "$@" "$folder"
	"$folder/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$lock"
}

install_program() { # venv, source: the same version number may hide a newer checkout, so always anew
	"$1/bin/python" -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall "$2"
	install -m 755 "$2/deploy/bin/amplifier-off" "$(dirname "$1")/bin/"
}

add_firmware_lines() { # config.txt, lines: each once, under [all], or it would hold for one model only
	local config=$1 line missing=()
	shift
	for line in "$@"; do
		grep -qxF "$line" "$config" || missing+=("$line")
	done
	[ "${#missing[@]}" -gt 0 ] || return 0
	printf '%s\n' "" "[all]" "${missing[@]}" >>"$config"
}

install_unit() { # unit file
	install -m 644 "$1" /etc/systemd/system/
	[ ! -d /run/systemd/system ] || systemctl daemon-reload
}

start_unit() { # unit, what changed ("" for nothing)
	if [ ! -d /run/systemd/system ]; then
		systemctl enable --quiet "$1" 2>/dev/null || true
		echo "systemd is not running here: $1 starts at the next boot."
		return 0
	fi
	systemctl enable --quiet "$1"
	if [ -n "$2" ]; then systemctl restart "$1"; else systemctl start "$1"; fi
}

link_command() { # program, command, settings: as the service's user, with the service's settings
	cat >"$2" <<-SH
		#!/bin/sh
		# Loa Làng's administration, as the service's own user and with its settings.
		export LOALANG_CONFIG="$3"
		cd /
		if [ "\$(id -un)" = loalang ]; then exec "$1" "\$@"; fi
		exec runuser -u loalang -- "$1" "\$@"
	SH
	chmod 755 "$2"
}

link_controller() { # venv, command, settings: as the service's user; what touches everybody's keys, as root
	cat >"$2" <<-SH
		#!/bin/sh
		# Loa Làng's administration, as the service's own user and with its settings.
		export LOALANG_CONFIG="$3" PYTHONSAFEPATH=1
		case "\${1:-}" in
		backup | restore)
			# The service's keys and the pages' keys have no reader in common but root.
			[ "\$(id -u)" -eq 0 ] || { echo "Run it as root: sudo \$0 \$*" >&2; exit 1; }
			umask 0077
			status=0
			"$1/bin/loalang" "\$@" || status=\$?
			[ "\$1" != restore ] || "$1/bin/python" -m deploy.folders --config "$3" || status=1
			exit \$status
			;;
		esac
		umask 0007
		cd /
		if [ "\$(id -un)" = loalang ]; then exec "$1/bin/loalang" "\$@"; fi
		exec runuser -u loalang -- "$1/bin/loalang" "\$@"
	SH
	chmod 755 "$2"
}
